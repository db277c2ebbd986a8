"""Weights from a file into a network: by name where the names agree, else in order of appearance.

Names agree when the file's, behind whatever prefix their author put before them, are the network's. Where
they do not, the layers are laid side by side: the same architecture is spelled differently by timm and by
torchvision (``blocks.0.0.conv_dw.weight`` against ``features.1.conv.0.0.weight``), but both build its layers
in the same order. Each layer must have the same tensors, of the same shapes, or nothing is loaded at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gyrus.errors import DataError
from gyrus.models.hub import sha256_of
from gyrus.models.network import Network, replace_facts
from gyrus.models.schemes import Scheme, recognise
from gyrus.models.weight_files import read_tensors
from gyrus.models.weights_report import Taken, WeightsReport

Layers = dict[str, dict[str, Tensor]]
Pairs = list[tuple[str, str]]
# a counter that BatchNorm keeps; older files lack it and nothing is computed from it
_COUNTER = "num_batches_tracked"
_MOST_DIFFERENCES_TOLD = 6
# what torchvision's MobileNetV3 adds to each variance; timm's adds a hundredth of it
TORCHVISION_MOBILENETV3_EPS = 1e-3


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of weights, read.

    Attributes
    ----------
    path : Path
        Where it lies.
    sha256 : str
        Of the whole file.
    layers : dict
        Layer -> tensors, in order of appearance, under their architecture's names.
    scheme : Scheme or None
        Whose names they were.
    """

    path: Path
    sha256: str
    layers: Layers
    scheme: Scheme | None


@dataclass(frozen=True, slots=True)
class _Match:
    """Which layer of the file goes where: (network's, file's); and those of either that go nowhere.

    ``prefix`` stands before all of the file's names; layers of the file without it are not meant.
    """

    by_name: bool
    prefix: str
    pairs: Pairs
    rest: list[str]
    missing: list[str]


def read_weights(path: Path) -> WeightFile:
    """Read a file of weights and tell whose names it carries.

    Raises
    ------
    DataError
        When it cannot be read, or holds more than tensors.
    """
    tensors = read_tensors(path)
    scheme, tensors = recognise(tensors)
    return WeightFile(path, sha256_of(path), _layers(tensors), scheme)


def weights_of(tensors: Mapping[str, Tensor], path: Path) -> WeightFile:
    """Return tensors that are in memory already, under their architecture's names, as a file of weights."""
    return WeightFile(path, "", _layers(tensors), None)


def load_weights(network: Network, file: Path | WeightFile) -> WeightsReport:
    """Load weights into ``network``, all of its features or nothing.

    The file may carry our own names (a network saved by gyrus), timm's, torchvision's, or those of
    :mod:`gyrus.models.schemes`; its classifier is taken when it has this network's shape under our name, and
    left out otherwise. Where the file tells what its images were normalised with, the network takes it over.

    Raises
    ------
    DataError
        When the file cannot be read, or belongs to another architecture; says what differs.
    """
    source = file if isinstance(file, WeightFile) else read_weights(file)
    ours = _layers(network.state_dict())
    match = _match(ours, source.layers)
    _refuse_differences(_differences(ours, source.layers, match), network, source.path)
    pairs, head = list(match.pairs), _head_pairs(ours, source.layers)
    pairs += head
    count = _copy(ours, source.layers, pairs)
    if not match.by_name and network.architecture.startswith("mobilenetv3"):
        _keep_variance_floor(network, TORCHVISION_MOBILENETV3_EPS)
    used = {theirs for _, theirs in pairs}
    return WeightsReport(
        matching="name" if match.by_name else "order",
        taken=tuple(Taken(mine, theirs, len(ours[mine])) for mine, theirs in pairs),
        loaded=count,
        unused=tuple(_full_names(source.layers, (name for name in source.layers if name not in used))),
        head_loaded=bool(head),
        source=source.path.name,
        sha256=source.sha256,
        scheme=source.scheme.name if source.scheme else None,
        normalisation=_normalise_as(network, source.scheme),
    )


def stem_channels(network: Network, file: WeightFile) -> int | None:
    """Return how many channels the file's first convolution reads; None where none is found.

    ``network`` is the architecture in any number of channels: it tells which layer of the file is the first.
    """
    ours = _layers(network.state_dict())
    # a folded stem of ours lies one name deeper, beside its plane of ones
    layers = {_without_plane(name, layer): layer for name, layer in file.layers.items()}
    for mine, theirs in _match(ours, layers).pairs:
        shapes = [layer["weight"].shape for layer in (ours[mine], layers[theirs]) if "weight" in layer]
        if [len(shape) for shape in shapes] == [4, 4] and shapes[0][1] == network.in_channels:
            return int(shapes[1][1])
    return None


def _without_plane(name: str, layer: Mapping[str, Tensor]) -> str:
    weight = layer.get("weight")
    reads_two = weight is not None and weight.ndim == 4 and weight.shape[1] == 2
    return name.removesuffix(".conv") if reads_two else name


def _match(ours: Layers, theirs: Layers) -> _Match:
    features = [name for name in ours if not _is_head(name)]
    for outer, inner in _prefixes(features, theirs):
        named = {inner + name.removeprefix(outer): name for name in theirs if name.startswith(outer)}
        if all(name in named for name in features):
            pairs = [(name, named[name]) for name in features]
            used = set(map(named.__getitem__, features))
            rest = [name for name in named.values() if name not in used]
            return _Match(True, outer, pairs, [name for name in rest if not _is_head(name)], [])
    pairs = list(zip(features, theirs, strict=False))
    return _Match(False, "", pairs, list(theirs)[len(features) :], features[len(theirs) :])


def _prefixes(features: list[str], theirs: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield pairs (file's, network's) of what may stand before names that then agree; shorter ones first."""
    parts = features[0].split(".")
    found = set()
    for depth in range(len(parts)):
        inner = "".join(f"{part}." for part in parts[:depth])
        if not all(name.startswith(inner) for name in features):
            break
        first = features[0].removeprefix(inner)
        for name in theirs:
            outer = name.removesuffix(first)
            if outer != name and (outer == "" or outer.endswith(".")):
                found.add((outer, inner))
    return sorted(found, key=lambda pair: (len(pair[0]), pair))


def _layers(tensors: Mapping[str, Tensor]) -> Layers:
    """Group tensors by the layer that owns them, in order of appearance."""
    layers: Layers = {}
    for name, tensor in tensors.items():
        layer, _, leaf = name.rpartition(".")
        if leaf != _COUNTER:
            layers.setdefault(layer, {})[leaf] = tensor
    return layers


def _is_head(layer: str) -> bool:
    return layer == "head" or layer.startswith("head.")


def _head_pairs(ours: Layers, theirs: Layers) -> Pairs:
    """Return the head's layers where the file has them all, in their shapes, under our names; else none."""
    head = [name for name in ours if _is_head(name)]
    fits = all(name in theirs and _shapes_of(ours[name]) == _shapes_of(theirs[name]) for name in head)
    return [(name, name) for name in head] if fits else []


def _differences(ours: Layers, theirs: Layers, match: _Match) -> list[str]:
    found = []
    for mine, their in match.pairs:
        expected, got = _shapes_of(ours[mine]), _shapes_of(theirs[their])
        if expected != got:
            found.append(f"{mine} is {_shapes(expected)}; {their} in the file is {_shapes(got)}")
    if match.missing:
        count = len(match.pairs)
        found.append(f"the file ends after {count} layers; {count + len(match.missing)} are needed")
    # layers left over among the features: the file is a larger sister's (ResNet-34, not 18)
    stems = {_stem(name, match) for _, name in match.pairs}
    numbered = any(stem.isdigit() for stem in stems)
    return found + [
        f"{name} in the file is {_shapes(_shapes_of(theirs[name]))}; the network has nothing like it"
        for name in match.rest
        if _stem(name, match) in stems or (numbered and _stem(name, match).isdigit())
    ]


def _stem(name: str, match: _Match) -> str:
    """Return the outermost part of a layer's name that tells features from classifier."""
    return name.removeprefix(match.prefix).removeprefix("features.trunk.").partition(".")[0]


def _shapes_of(layer: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {leaf: tuple(tensor.shape) for leaf, tensor in layer.items()}


def _shapes(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(
        f"{leaf} {'x'.join(map(str, shape)) or 'scalar'}" for leaf, shape in sorted(shapes.items())
    )


def _full_names(layers: Layers, names: Iterable[str]) -> Iterable[str]:
    return (f"{layer}.{leaf}".lstrip(".") for layer in names for leaf in layers[layer])


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


def _normalise_as(network: Network, scheme: Scheme | None) -> str:
    """Take over what the weights' images were normalised with, and say which it is."""
    if scheme is not None and scheme.mean is not None and scheme.std is not None:
        channels = network.in_channels
        replace_facts(network, mean=(scheme.mean,) * channels, std=(scheme.std,) * channels)
        return f"mean {scheme.mean:g}, standard deviation {scheme.std:g}, as {scheme.name}'s images were"
    mean = ", ".join(f"{value:.3g}" for value in network.mean)
    std = ", ".join(f"{value:.3g}" for value in network.std)
    return f"mean {mean}, standard deviation {std}: {network.architecture}'s usual; the file tells of none"


@torch.no_grad()
def _keep_variance_floor(network: Network, eps: float) -> None:
    """Move the file's epsilon into the variances: the sum of the two is what BatchNorm divides by."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_var is not None:
            module.running_var += eps - module.eps


@torch.no_grad()
def _copy(ours: Layers, theirs: Layers, pairs: Pairs) -> int:
    count = 0
    for mine, their in pairs:
        for leaf, target in ours[mine].items():
            target.copy_(theirs[their][leaf])
            count += 1
    return count
