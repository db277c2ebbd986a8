"""Somebody else's file of weights: its tensors, and the class names that some training scripts put beside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gyrus.errors import DataError, UsageError, require
from gyrus.models.hub import sha256_of
from gyrus.models.weight_files import read_tensors

_LISTS = ("classes", "class_names", "labels")
_BY_NAME = ("class_to_idx", "label2id")
_BY_NUMBER = ("idx_to_class", "id2label")


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file of weights, read without running anything.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the whole file.
    tensors : dict
        Name -> tensor, in order of appearance.
    classes : tuple of str or None
        Class names by output, where the file tells them.
    """

    path: Path
    sha256: str
    tensors: dict[str, Tensor]
    classes: tuple[str, ...] | None


def read_foreign(path: Path) -> ForeignFile:
    """Read somebody else's weights.

    Raises
    ------
    DataError
        When the file is missing, damaged, or holds more than tensors and plain values.
    """
    tensors = read_tensors(path)
    return ForeignFile(path, sha256_of(path), tensors, _stated_classes(_beside(path)))


def classes_of(file: ForeignFile, named: Sequence[str]) -> tuple[str, ...]:
    """Return the class names by output: those that the user names, held against the file's own.

    Raises
    ------
    UsageError
        When nobody names them, a name comes twice, or the file tells others or another order.
    """
    given = tuple(name for name in named if name)
    if file.classes is not None and given and given != file.classes:
        what = "in another order" if sorted(given) == sorted(file.classes) else "others"
        raise UsageError(
            f"classes are {', '.join(given)}; the file itself names {what}: {', '.join(file.classes)}",
            path=file.path,
            fix=f"--classes {','.join(file.classes)}, or leave out --classes",
        )
    names = given or file.classes
    if not names:
        raise UsageError(
            "the file does not tell the names of its classes",
            path=file.path,
            fix="--classes a,b,c in the order of the network's outputs",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) < 2:
        what = f"names {twice[0]} twice" if twice else f"names {len(names)} class"
        raise UsageError(f"--classes {what}; expected at least two names, each once")
    return names


def _beside(path: Path) -> Mapping[Any, Any]:
    """Return what the file holds beside tensors."""
    if path.suffix == ".safetensors":
        safetensors = require("safetensors", "train", "reading weights")
        with safetensors.safe_open(path, framework="pt") as opened:
            metadata: dict[str, str] = opened.metadata() or {}
        return {name: _plain(value) for name, value in metadata.items()}
    content = torch.load(path, map_location="cpu", weights_only=True)
    return content if isinstance(content, Mapping) else {}


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.split(",") if "," in text else text


def _stated_classes(beside: Mapping[Any, Any]) -> tuple[str, ...] | None:
    for name in _LISTS:
        value = beside.get(name)
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
            return tuple(value)
    for name in _BY_NAME:
        value = beside.get(name)
        if isinstance(value, Mapping) and value:
            return _ordered({_number(place): str(label) for label, place in value.items()})
    for name in _BY_NUMBER:
        value = beside.get(name)
        if isinstance(value, Mapping) and value:
            return _ordered({_number(place): str(label) for place, label in value.items()})
    return None


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise DataError(f"its class table has {value!r} where a number of an output belongs") from None


def _ordered(names: Mapping[int, str]) -> tuple[str, ...]:
    if sorted(names) != list(range(len(names))):
        raise DataError(
            f"its class table numbers the outputs {sorted(names)}; expected 0 to {len(names) - 1}"
        )
    return tuple(names[number] for number in range(len(names)))
