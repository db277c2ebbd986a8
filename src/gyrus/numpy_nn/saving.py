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
    described = {
        "format": _FORMAT,
        "input_shape": network.input_shape,
        "dtype": network.dtype.name,
        "layers": [_described(layer) for layer in network.layers],
    }
    with atomic_writer(Path(path)) as stream:
        arrays: dict[str, Any] = {"network": np.array(json.dumps(described)), **network.arrays()}
        np.savez(stream, **arrays)


def load(path: Path | str) -> Sequential:
    """Read a network that :func:`save` wrote.

    Raises
    ------
    DataError
        When the file is no such network, or its arrays do not fit its layers.
    """
    try:
        # a stream of our own: NumPy leaves the file open where it turns out to be no archive
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        described = json.loads(str(arrays.pop("network")))
        if described["format"] != _FORMAT:
            raise ValueError(f"its format is {described['format']!r}; expected {_FORMAT}")
        made = [_made(item) for item in described["layers"]]
        network = Sequential(made, tuple(described["input_shape"]), described["dtype"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"is no network of gyrus.numpy_nn: {error}", path=path) from error
    wanted = network.arrays()
    wrong = [
        f"{name}: {arrays[name].dtype} {arrays[name].shape}" if name in arrays else f"{name}: is missing"
        for name, value in wanted.items()
        if name not in arrays or (arrays[name].shape, arrays[name].dtype) != (value.shape, value.dtype)
    ]
    if wrong or len(arrays) > len(wanted):
        raise DataError("its arrays are not those of its layers", path=path, details=wrong)
    for name, value in wanted.items():
        value[...] = arrays[name]
    return network


def _described(layer: Layer) -> dict[str, Any]:
    options = {
        name: [_described(inner) for inner in value] if isinstance(layer, known.Residual) else value
        for name, value in layer.options().items()
    }
    return {"layer": type(layer).__name__, **options}


def _made(described: dict[str, Any]) -> Layer:
    options = dict(described)
    kind = options.pop("layer")
    if kind not in known.__all__:
        raise ValueError(f"it has a layer {str(kind)[:40]!r}, which is not known")
    if kind == "Residual":
        options = {name: [_made(inner) for inner in value] for name, value in options.items()}
    layer: Layer = getattr(known, kind)(**options)
    return layer
