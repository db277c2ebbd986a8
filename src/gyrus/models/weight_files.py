"""Tensors out of a file, and nothing but tensors: no pickle is ever executed."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gyrus.errors import DataError, require
from gyrus.models.schemes import THRESHOLDS

PICKLED_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin")
# where training scripts put the weights inside a checkpoint, outermost first
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network")
_CLASSIFIERS = ("classifier", "fc", "head")
# what wrapping modules (DataParallel, Lightning, torch.compile, our Classifier) put before every name
_PREFIXES = ("module.", "_orig_mod.", "model.", "network.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors in order of appearance.

    A safetensors file does not keep the order in which layers were built; its names are put in natural order
    (``features.2`` before ``features.10``), which is the building order of names that count.

    Raises
    ------
    DataError
        When the file is missing, damaged, empty, holds NaN, or holds more than tensors.
    """
    if not path.is_file():
        raise DataError("there is no such file of weights", path=path, fix="check --weights")
    if path.suffix == ".safetensors":
        tensors = _read_safetensors(path)
    elif path.suffix in PICKLED_SUFFIXES:
        tensors = _unwrap(_read_pickled(path), path)
    else:
        raise DataError(
            f"ends in {path.suffix or 'nothing'}; expected .safetensors (or {', '.join(PICKLED_SUFFIXES)})",
            path=path,
            fix="save them with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')",
        )
    if not tensors:
        raise DataError("holds no tensors", path=path, fix="save model.state_dict()")
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    broken = [name for name in broken if name.rpartition(".")[2] != THRESHOLDS]
    if broken:
        raise DataError(
            f"{len(broken)} tensors hold NaN or infinity",
            path=path,
            details=broken[:5],
            fix="take an earlier checkpoint of that training",
        )
    return _strip_prefixes(tensors)


def building_key(name: str) -> tuple[bool, list[tuple[int, int | str]]]:
    """Return a sorting key: numbers inside a name count as numbers, and the classifier comes last."""
    parts = name.split(".")
    return parts[0] in _CLASSIFIERS, [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    safetensors = require("safetensors", "train", "reading weights")
    torch_side = require("safetensors.torch", "train", "reading weights")
    try:
        tensors: dict[str, Tensor] = torch_side.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"is not a whole safetensors file: {error}", path=path, fix="fetch it again"
        ) from error
    return {name: tensors[name] for name in sorted(tensors, key=building_key)}


def _read_pickled(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # said of files that no torch.save wrote; they are refused, or read, all the same
            warnings.filterwarnings("ignore", message="Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            "holds more than tensors, or is damaged; it is not opened: that could run a program hidden in it",
            path=path,
            fix="save only model.state_dict(), best as safetensors",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"is not a whole torch file: {reason}", path=path, fix="fetch it again") from error


def _unwrap(content: Any, path: Path) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise DataError(
            f"holds a {type(content).__name__}, not named tensors", path=path, fix="save model.state_dict()"
        )
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    changed = True
    while changed:
        changed = False
        for prefix in _PREFIXES:
            if tensors and all(name.startswith(prefix) for name in tensors):
                tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
                changed = True
    return tensors
