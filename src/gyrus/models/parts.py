"""A trunk cut into stem and blocks, in the order in which they work: what a recipe freezes and trains.

The cut is found, not listed: the children of the trunk, containers opened, are set in a row, and taken for
its parts only if the row gives what the trunk gives. So it holds for a network of timm's that nobody thought
of, and says honestly that no cut is known where the trunk does more than call its children in turn.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.models.backbones import TimmFeatures
from gyrus.models.network import Network

WHOLE = "features"
# containers of timm's and torchvision's whose children are the steps of the network
_CONTAINERS = ("features", "blocks", "stages", "layers")
# the first child that stands behind the feature map; timm leaves it and those after it in place, empty
_BEHIND = ("global_pool", "pool", "head_drop", "fc", "classifier", "head", "fc_norm", "pre_logits")
_BLOCK = re.compile(
    r"(?:features\.)?((?:blocks|stages|layers)\.\d+|layer\d+|stage\d+|s\d+|denseblock\d+|block\d+|Mixed_\d)"
)
# sides tried for the check, in pixels; Inception needs 75, some transformers a multiple of their windows
_SIDES = (96, 224)


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a trunk.

    Attributes
    ----------
    name : str
        As the literature names it: ``stem``, ``layer4``, ``blocks.6``; ``features`` for the whole.
    module : nn.Module
        The trunk's own modules, not copies.
    """

    name: str
    module: nn.Module


def parts_of(network: Network) -> tuple[Part, ...]:
    """Return the parts of ``network.features``; one after the other they give its feature map.

    Layers between two blocks belong to the former, layers behind the last block to that one; the last block
    is ``parts[-1]``. Where no cut is known there is one part, ``features``. No parameter is in two parts or
    in none. Each call checks its answer by one forward pass of a copy of the network on the CPU.
    """
    groups = _grouped(_steps(network.features))
    if isinstance(network.features, TimmFeatures):
        groups[-1][1].append(network.features.as_map)
    parts = tuple(Part(name, _joined(steps)) for name, steps in groups)
    if len(parts) > 1 and _same_parameters(network.features, parts) and _compose(network, parts):
        return parts
    return (Part(WHOLE, network.features),)


@torch.no_grad()
def parts_above(network: Network, parts: tuple[Part, ...], stride: int) -> list[str]:
    """Return the names of the parts whose output has more than ``stride`` input pixels a cell, along a side.

    From the first such part on; all parts where none, or the first already, is as coarse (a transformer's
    patches). Found by one forward pass of a copy on the CPU.
    """
    side = network.fixed_size or _SIDES[-1]
    x = torch.zeros(1, network.in_channels, side, side)
    for number, part in enumerate(parts):
        module = copy.deepcopy(part.module).cpu().float().eval()
        x = module(x)
        if x.ndim != 4 or x.shape[-1] * stride < side:
            return [part.name for part in parts[number:]]
    return [part.name for part in parts]


def _steps(features: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the trunk's children with their names, containers opened."""
    if not isinstance(features, TimmFeatures):
        return list(_children(features, opened=True))
    steps = list(takewhile(lambda step: step[0] not in _BEHIND, _children(features.trunk)))
    if hasattr(features.trunk, "_pos_embed") and hasattr(features.trunk, "patch_embed"):
        behind = [step for step in steps if step[0].startswith("blocks.") or step[0] == "norm"]
        return [("stem", _TokenStem(features.trunk)), *behind]
    return steps


def _children(module: nn.Module, prefix: str = "", opened: bool = False) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and not opened and name in _CONTAINERS:
            yield from _children(child, f"{prefix}{name}.", opened=True)
        else:
            yield f"{prefix}{name}", child


def _grouped(steps: list[tuple[str, nn.Module]]) -> list[tuple[str, list[nn.Module]]]:
    """Join steps to named groups: by the names of their blocks, or, where these are but numbers, at pools."""
    groups: list[tuple[str, list[nn.Module]]] = []
    named = any(_BLOCK.match(name) for name, _ in steps)
    cut = not named
    for name, module in steps:
        block = _BLOCK.match(name)
        if named:
            label = block[1].lower().replace("_", "") if block else groups[-1][0] if groups else "stem"
            cut = not groups or label != groups[-1][0]
        if cut:
            groups.append((label if named else f"block{len(groups) + 1}", []))
        groups[-1][1].append(module)
        cut = isinstance(module, (nn.MaxPool2d, nn.AvgPool2d))
    return groups


class _TokenStem(nn.Module):
    """What a vision transformer does before its blocks: patches, places, the class token."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        for name, parameter in trunk.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name in ("patch_embed", "pos_drop", "patch_drop", "norm_pre"):
            self.add_module(name, getattr(trunk, name, None) or nn.Identity())
        self._trunk = (trunk,)  # in a tuple, so that the blocks do not count as the stem's

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (batch, n, D)."""
        trunk: Any = self._trunk[0]
        tokens: Tensor = trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(x))))
        return tokens


def _joined(modules: list[nn.Module]) -> nn.Module:
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _same_parameters(features: nn.Module, parts: tuple[Part, ...]) -> bool:
    inside = [id(tensor) for part in parts for tensor in _tensors(part.module)]
    return sorted(inside) == sorted(id(tensor) for tensor in _tensors(features))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


@torch.no_grad()
def _compose(network: Network, parts: tuple[Part, ...]) -> bool:
    """Tell whether the parts in a row give the feature map, on a copy whose weights are all shaken.

    Shaken, because a residual branch may start at zero, and a part that does nothing yet can stand anywhere.
    """
    trunk, chain = copy.deepcopy((network.features, nn.Sequential(*(part.module for part in parts))))
    trunk.cpu().float().eval()
    chain.eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in trunk.parameters():
        parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    for side in (network.fixed_size,) if network.fixed_size else _SIDES:
        x = torch.randn(1, network.in_channels, side, side, generator=generator)
        try:
            expected = trunk(x)
        except (RuntimeError, AssertionError, ValueError):
            continue  # too small for it
        try:
            return torch.allclose(chain(x), expected, rtol=1e-4, atol=1e-5, equal_nan=True)
        except (RuntimeError, TypeError, AssertionError, ValueError):
            return False  # a step wants more than the former's answer
    return False
