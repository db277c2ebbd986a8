"""Weights from a file into a network: by name where the names agree, else in order of appearance.

The same architecture is spelled differently by timm and by torchvision (``blocks.0.0.conv_dw.weight``
against ``features.1.conv.0.0.weight``), but both build its layers in the same order. So where names do not
agree, the layers of the file are laid beside the layers of the network one by one; each must have the same
tensors, of the same shapes, or nothing is loaded at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from gyrus.errors import DataError
from gyrus.models.network import Network
from gyrus.models.weight_files import read_tensors

Layers = dict[str, dict[str, Tensor]]
# a counter that BatchNorm keeps; older files lack it and nothing is computed from it
_COUNTER = "num_batches_tracked"
_MOST_DIFFERENCES_TOLD = 6


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What became of a file of weights.

    Attributes
    ----------
    matching : str
        ``name``: the names agreed; ``order``: laid side by side in order of appearance.
    loaded : int
        Tensors taken over.
    unused : tuple of str
        Names in the file that were left out: the classifier for other classes.
    head_loaded : bool
        Whether the last linear layer came from the file too; if not it starts at random.
    """

    matching: Literal["name", "order"]
    loaded: int
    unused: tuple[str, ...]
    head_loaded: bool

    def __str__(self) -> str:
        """Return one sentence for a person."""
        how = "by name" if self.matching == "name" else "in order of appearance"
        head = "the last layer too" if self.head_loaded else "the last layer starts at random"
        left = f"; {len(self.unused)} tensors of the file left out" if self.unused else ""
        return f"{self.loaded} tensors loaded {how}, {head}{left}"


def load_weights(network: Network, path: Path) -> WeightsReport:
    """Load weights into ``network``, all of its features or nothing.

    The file may carry our own names (a network saved by gyrus), timm's or torchvision's; its classifier is
    taken when it has this network's number of classes under our name, and left out otherwise.

    Raises
    ------
    DataError
        When the file cannot be read, or belongs to another architecture; says what differs.
    """
    tensors = read_tensors(path)
    ours = _layers(network.state_dict())
    for prefix in ("", "features.", "features.trunk."):
        named = _layers({prefix + name: tensor for name, tensor in tensors.items()})
        if _features(ours).keys() <= named.keys():
            return _load_by_name(network, ours, named, prefix, path)
    return _load_by_order(network, ours, _layers(tensors), path)


def _load_by_name(network: Network, ours: Layers, theirs: Layers, prefix: str, path: Path) -> WeightsReport:
    pairs = [(name, name) for name in _features(ours)]
    rest = [name for name in theirs if name not in _features(ours) and name != "head"]
    differences = _differences(ours, theirs, pairs) + _surplus([name for name, _ in pairs], rest, theirs)
    _refuse_differences(differences, network, path)
    head_fits = not _differences(ours, theirs, [("head", "head")]) if "head" in theirs else False
    if head_fits:
        pairs.append(("head", "head"))
    loaded = _copy(ours, theirs, pairs)
    used = {name for name, _ in pairs}
    unused = [
        f"{layer}.{leaf}".removeprefix(prefix)
        for layer in theirs
        if layer not in used
        for leaf in theirs[layer]
    ]
    return WeightsReport("name", loaded, tuple(unused), head_fits)


def _load_by_order(network: Network, ours: Layers, theirs: Layers, path: Path) -> WeightsReport:
    features = list(_features(ours))
    pairs = list(zip(features, theirs, strict=False))
    differences = _differences(ours, theirs, pairs)
    if len(theirs) < len(features):
        differences.append(f"the file ends after {len(theirs)} layers; {len(features)} are needed")
    rest = list(theirs)[len(features) :]
    differences += _surplus([name for _, name in pairs], rest, theirs)
    _refuse_differences(differences, network, path)
    unused = [f"{layer}.{leaf}" for layer in rest for leaf in theirs[layer]]
    return WeightsReport("order", _copy(ours, theirs, pairs), tuple(unused), head_loaded=False)


def _layers(tensors: Mapping[str, Tensor]) -> Layers:
    """Group tensors by the layer that owns them, in order of appearance."""
    layers: Layers = {}
    for name, tensor in tensors.items():
        layer, _, leaf = name.rpartition(".")
        if leaf != _COUNTER:
            layers.setdefault(layer, {})[leaf] = tensor
    return layers


def _features(layers: Layers) -> Layers:
    return {name: tensors for name, tensors in layers.items() if name != "head"}


def _differences(ours: Layers, theirs: Layers, pairs: list[tuple[str, str]]) -> list[str]:
    found = []
    for our_name, their_name in pairs:
        expected, got = _shapes_of(ours[our_name]), _shapes_of(theirs[their_name])
        if expected != got:
            found.append(f"{our_name} is {_shapes(expected)}; {their_name} in the file is {_shapes(got)}")
    return found


def _surplus(used: list[str], rest: list[str], theirs: Layers) -> list[str]:
    """Tell of layers left over among the features: the file is a larger sister's (ResNet-34, not 18)."""
    stems = {_stem(name) for name in used}
    return [
        f"{name} in the file is {_shapes(_shapes_of(theirs[name]))}; the network has nothing like it"
        for name in rest
        if _stem(name) in stems
    ]


def _stem(name: str) -> str:
    """Return the outermost part of a layer's name, our wrapping of timm's networks aside."""
    return name.removeprefix("features.trunk.").partition(".")[0]


def _shapes_of(layer: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {leaf: tuple(tensor.shape) for leaf, tensor in layer.items()}


def _shapes(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(
        f"{leaf} {'x'.join(map(str, shape)) or 'scalar'}" for leaf, shape in sorted(shapes.items())
    )


def _refuse_differences(differences: list[str], network: Network, path: Path) -> None:
    if not differences:
        return
    told = differences[:_MOST_DIFFERENCES_TOLD]
    if len(differences) > len(told):
        told.append(f"… and {len(differences) - len(told)} more")
    raise DataError(
        f"these are not weights of {network.architecture} with {network.in_channels} input channels: "
        f"{len(differences)} layers differ; nothing was loaded",
        path=path,
        details=told,
        fix="name the architecture that the file was made for with --architecture",
    )


@torch.no_grad()
def _copy(ours: Layers, theirs: Layers, pairs: list[tuple[str, str]]) -> int:
    count = 0
    for our_name, their_name in pairs:
        for leaf, target in ours[our_name].items():
            target.copy_(theirs[their_name][leaf])
            count += 1
    return count
