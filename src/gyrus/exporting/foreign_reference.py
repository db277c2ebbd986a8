"""The network that a file of weights was trained with: its library's own code, with the file's own head.

Everything that is exported of somebody else's weights is held against this. A file belongs to a network when
it has each of its tensors, in its shape, behind whatever prefix the author put before them; what it has
beyond them must be a chain of linear layers, which is the head that took the last layer's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gyrus.config.foreign import ForeignOptions
from gyrus.errors import DataError
from gyrus.exporting.foreign_file import ForeignFile
from gyrus.exporting.foreign_head import Layer, Layers, chain_of, check_head, head_of, shape_of
from gyrus.exporting.foreign_names import Written, as_written, with_channels

_COUNTER = "num_batches_tracked"
_AUXILIARY = ("AuxLogits", "aux1", "aux2")
_MOST_TOLD = 6
_GREY, _COLOUR = 1, 3


@dataclass(frozen=True, slots=True)
class Reference:
    """Somebody else's network, whole.

    Attributes
    ----------
    written : Written
        Whose code it is; its network has the file's weights, on the CPU, in evaluation mode.
    place : str
        Name, inside that network, of the layers that came last; (n, D) -> (n, outputs).
    layers : tuple of nn.Linear or nn.Conv2d
        Those layers, the first first.
    """

    written: Written
    place: str
    layers: tuple[Layer, ...]

    @torch.no_grad()
    def answer(self, pixels: Tensor) -> Tensor:
        """Return what its last linear layer gives, (n, outputs)."""
        logits: Tensor = self.written.network(pixels)
        return logits

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers in the place of the last layer."""
        return tuple(int(layer.weight.shape[0]) for layer in self.layers[:-1])


@dataclass(frozen=True, slots=True)
class _Fit:
    """How a file fits a network: where the head goes, which tensors are features, which layers the head's."""

    written: Written
    place: str
    features: dict[str, Tensor]
    rest: Layers
    problems: list[str]


def reference(file: ForeignFile, architecture: str, options: ForeignOptions, outputs: int) -> Reference:
    """Return the network that the file was trained with.

    Parameters
    ----------
    file : ForeignFile
        Its tensors.
    architecture : str
        torchvision's, timm's or gyrus's name.
    options : ForeignOptions
        The head, and the size of the images.
    outputs : int
        How many numbers the network gives an image.

    Raises
    ------
    UsageError
        On an unknown name, or a head that is not the file's.
    DataError
        When the weights are of another architecture; says what differs.
    """
    fit = _best_fit(file, as_written(architecture, options, outputs))
    if fit.problems:
        raise _another_architecture(file, architecture, fit)
    chain = chain_of(fit.rest, file.path)
    check_head(chain, options, outputs, file.path)
    network = fit.written.network
    whole = fit.place == fit.written.last
    layers, head = head_of(chain, options, like=network.get_submodule(fit.place), flatten=not whole)
    network.load_state_dict(fit.features, strict=False)
    network.set_submodule(fit.place, head)
    return Reference(replace(fit.written, network=network.eval()), fit.place, tuple(layers))


def _best_fit(file: ForeignFile, networks: Iterator[Written]) -> _Fit:
    """Return the first network that the file fits, or that of which the least differs."""
    tried: list[_Fit] = []
    for written in networks:
        for fit in _fits(written, file):
            if not fit.problems:
                return fit
            tried.append(fit)
    return min(tried, key=lambda fit: len(fit.problems))


def _fits(written: Written, file: ForeignFile) -> Iterator[_Fit]:
    """Yield the two places where a head may stand: the last layer's, and that of all layers around it."""
    yield _fit(written, file, written.last)
    root = written.last.partition(".")[0]
    if root != written.last and isinstance(written.network.get_submodule(root), nn.Sequential):
        yield _fit(written, file, root)


def _fit(written: Written, file: ForeignFile, place: str) -> _Fit:
    theirs = {
        name: tensor
        for name, tensor in file.tensors.items()
        if not name.endswith(_COUNTER) and not any(part in _AUXILIARY for part in name.split("."))
    }
    ours = _outside(written.network, place)
    prefix = _prefix(ours, theirs)
    features = {name: theirs[prefix + name] for name in ours if prefix + name in theirs}
    stem = next((name for name, tensor in ours.items() if tensor.ndim == 4), "")
    if stem in features and ours[stem].shape[1] == _COLOUR and features[stem].shape[1:2] == (_GREY,):
        with_channels(written.network, _GREY)  # somebody trained it on one channel
        ours = _outside(written.network, place)
    problems = [
        f"{name} is {shape_of(tensor)}; the file "
        + (f"has {shape_of(features[name])}" if name in features else "has no such tensor")
        for name, tensor in ours.items()
        if name not in features or features[name].shape != tensor.shape
    ]
    rest: Layers = {}
    for name, tensor in theirs.items():
        if not (name.startswith(prefix) and name.removeprefix(prefix) in ours):
            layer, _, leaf = name.rpartition(".")
            rest.setdefault(layer, {})[leaf] = tensor
    return _Fit(written, place, features, rest, problems)


def _outside(network: nn.Module, place: str) -> dict[str, Tensor]:
    """Return the tensors of a network outside the layer that the head replaces."""
    return {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(f"{place}.") and not name.endswith(_COUNTER)
    }


def _prefix(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str:
    """Return what stands before the network's names in the file, so that most of them are found."""
    first = next(iter(ours))
    prefixes = {name.removesuffix(first) for name in theirs if name.endswith(f".{first}") or name == first}
    found = {prefix: sum(prefix + name in theirs for name in ours) for prefix in (*sorted(prefixes), "")}
    return max(found, key=lambda prefix: (found[prefix], -len(prefix)))


def _another_architecture(file: ForeignFile, architecture: str, fit: _Fit) -> DataError:
    told = fit.problems[:_MOST_TOLD]
    if len(fit.problems) > len(told):
        told.append(f"… and {len(fit.problems) - len(told)} more")
    return DataError(
        f"these are not weights of {architecture} as {fit.written.library} writes it: "
        f"{len(fit.problems)} tensors differ",
        path=file.path,
        details=told,
        fix="name the architecture that the file was made for with --architecture",
    )
