"""A network as one .npz file: its layers as text, its numbers as arrays, nothing that could be run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.errors import DataError
from gyrus.numpy_nn import layers as known
from gyrus.numpy_nn.layer import Layer
from gyrus.numpy_nn.network import Sequential
from gyrus.runs.atomic import atomic_writer

_FORMAT = "gyrus-numpy-nn/1"


def save(network: Sequential, path: Path | str) -> None:
    """Write a network; the file's name should end in ``.npz``."""
    described = {"format": _FORMAT, "input_shape": network.input_shape, "dtype": network.dtype.name}
    text = json.dumps(described | {"layers": network.layers}, default=_described)
    arrays: dict[str, Any] = {"network": np.array(text), **network.arrays()}
    with atomic_writer(Path(path)) as stream:
        np.savez(stream, **arrays)


def load(path: Path | str) -> Sequential:
    """Read a network that :func:`save` wrote.

    Raises DataError when the file is no such network, or its arrays do not fit its layers.
    """
    try:
        # a stream of our own: NumPy leaves the file open where it turns out to be no archive
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        made = json.loads(str(arrays.pop("network")), object_hook=_made)
        if made["format"] != _FORMAT:
            raise ValueError(f"its format is {made['format']!r}; expected {_FORMAT}")
        network = Sequential(made["layers"], tuple(made["input_shape"]), made["dtype"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"is no network of gyrus.numpy_nn: {error}", path=path) from error
    wanted = network.arrays()
    found, expected = (
        {f"{name}: {value.dtype} {value.shape}" for name, value in held.items()} for held in (arrays, wanted)
    )
    if found != expected:
        raise DataError("its arrays are not those of its layers", path=path, details=sorted(found ^ expected))
    for name, value in wanted.items():
        value[...] = arrays[name]
    return network


def _described(layer: Layer) -> dict[str, Any]:
    return {"layer": type(layer).__name__, **layer.options()}


def _made(described: dict[str, Any]) -> Any:
    """Make a layer of its description; those inside it are made before."""
    if "layer" not in described:
        return described
    kind = described.pop("layer")
    if kind not in known.__all__:
        raise ValueError(f"it has a layer {str(kind)[:40]!r}, which is not known")
    return getattr(known, kind)(**described)
