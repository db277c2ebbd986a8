"""The head in somebody else's file: a chain of linear layers, held against what its user says of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from gyrus.config.activations import Activation
from gyrus.config.foreign import ForeignOptions
from gyrus.errors import DataError, UsageError
from gyrus.models.activations import CURVES

Layer = nn.Linear | nn.Conv2d
Layers = dict[str, dict[str, Tensor]]
Chain = list[tuple[Tensor, Tensor]]
_MOST_TOLD = 6


def chain_of(rest: Mapping[str, Mapping[str, Tensor]], path: Path) -> Chain:
    """Return weight (outputs, inputs) and bias (outputs,) of each layer, the first first.

    Parameters
    ----------
    rest : mapping
        Layer -> its tensors: what the file holds beside the features, in order.
    path : Path
        The file, for messages.

    Raises
    ------
    DataError
        When there is no layer, another kind of layer, or one that does not follow from the one before.
    """
    if not rest:
        raise DataError(
            "the file holds features only, and no last layer",
            path=path,
            fix="save the whole model.state_dict() after training",
        )
    strange = [layer for layer, tensors in rest.items() if not _is_linear(tensors)]
    chain = [
        (_matrix(tensors["weight"]), tensors.get("bias", torch.zeros(len(tensors["weight"]))).float())
        for tensors in rest.values()
        if _is_linear(tensors)
    ]
    if strange or any(len(one) != two.shape[1] for (one, _), (two, _) in pairwise(chain)):
        told = strange or list(rest)
        raise DataError(
            "what the file holds beside the features is no chain of linear layers",
            path=path,
            details=[f"{layer}: {_listed(rest[layer])}" for layer in told[:_MOST_TOLD]],
            fix="name the architecture that the file was made for with --architecture; a head of other "
            "layers cannot be taken over",
        )
    return chain


def check_head(chain: Chain, options: ForeignOptions, outputs: int, path: Path) -> None:
    """Hold the head against the options.

    Raises
    ------
    UsageError
        When the hidden layers or the number of outputs are others than said.
    """
    hidden = tuple(len(weight) for weight, _ in chain[:-1])
    wanted = options.head_sizes if options.head == "mlp" else ()
    taken_from_file = options.head == "mlp" and hidden and not wanted
    if hidden != wanted and not taken_from_file:
        raise UsageError(
            f"the head in the file has {_sizes(hidden)}; the options say {_sizes(wanted)}",
            path=path,
            fix=f"--head mlp --head-sizes {' '.join(map(str, hidden))} --activation NAME, with the "
            "activation that it was trained with"
            if hidden
            else "--head linear",
        )
    given = len(chain[-1][0])
    if given != outputs:
        raise UsageError(
            f"the network in the file has {given} outputs; the options tell of {outputs} "
            f"(--output {options.output})",
            path=path,
            fix="name as many --classes as there are outputs, in their order; two for --output sigmoid",
        )


def head_of(
    chain: Chain, options: ForeignOptions, *, like: nn.Module, flatten: bool
) -> tuple[list[Layer], nn.Sequential]:
    """Build the head.

    Parameters
    ----------
    chain : Chain
        From :func:`chain_of`.
    options : ForeignOptions
        The activation.
    like : nn.Module
        What stood there before: a convolution of one pixel is replaced by one.
    flatten : bool
        Whether the layers around it are replaced too, flattening among them.

    Returns
    -------
    layers : list of nn.Linear or nn.Conv2d
        The first first.
    head : nn.Sequential
        Of these with the activations between them.
    """
    convolution = isinstance(like, nn.Conv2d)
    parts, layers = OrderedDict[str, nn.Module](), list[Layer]()
    if flatten:
        parts["flat"] = nn.Flatten(1)
    for number, (weight, bias) in enumerate(chain):
        if number:
            parts[f"activation{number}"] = _Activation(options.activation)
        layer = _convolution(weight, bias) if convolution else _linear(weight, bias)
        parts[f"layer{number}"] = layer
        layers.append(layer)
    return layers, nn.Sequential(parts)


def shape_of(tensor: Tensor) -> str:
    """Return a tensor's shape for people."""
    return " x ".join(map(str, tensor.shape)) or "a number"


class _Activation(nn.Module):
    """An activation by its name."""

    def __init__(self, name: Activation) -> None:
        super().__init__()
        self.name: Activation = name

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of each element."""
        return CURVES[self.name].value(x)


def _is_linear(tensors: Mapping[str, Tensor]) -> bool:
    """Tell a linear layer, or a convolution of one pixel, which is the same."""
    weight = tensors.get("weight")
    if weight is None or not set(tensors) <= {"weight", "bias"}:
        return False
    return weight.ndim == 2 or (weight.ndim == 4 and tuple(weight.shape[2:]) == (1, 1))


def _matrix(weight: Tensor) -> Tensor:
    return weight.flatten(1).float()


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
    layer.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})
    return layer


def _sizes(hidden: tuple[int, ...]) -> str:
    return f"hidden layers of {', '.join(map(str, hidden))} units" if hidden else "one linear layer"


def _listed(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{leaf} {shape_of(tensor)}" for leaf, tensor in tensors.items())
