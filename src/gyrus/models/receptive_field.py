"""How far a cell of the feature map sees."""

from __future__ import annotations

import copy

import torch
from torch import nn

from gyrus.models.network import Network

_SMALLEST_SIDE, _LARGEST_SIDE, _ROWS = 256, 4096, 96
# what has weights and mixes no places, and what changes no place: both are taken out
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)

_GLOBAL = ("SqueezeExcite", "SEModule", "EffectiveSEModule", "GlobalResponseNorm", "GlobalContext", "SELayer")


def receptive_field(network: Network) -> tuple[int | None, bool]:
    """Return the width that one cell of the feature map sees, in pixels, and whether it also sees beyond.

    Found, not calculated layer by layer (Araujo et al. 2019, Computing Receptive Fields of Convolutional
    Neural Networks), so that it holds for every arrangement of layers. All weights are made positive, norms
    and activations taken out, maxima made means: the pixels on which the middle cell depends are then exactly
    those with a gradient. The picture is one row of pixels, and the kernels one row of theirs, which costs
    little; a network that cannot shrink one row gets a picture of 96.

    Returns
    -------
    width : int or None
        None where a cell sees the whole picture (attention), or more than 4096 pixels.
    beyond : bool
        Whether the mean over the whole picture enters too (squeeze and excitation).
    """
    if not network.maps_exact:
        return None, True
    features, beyond = _bare(copy.deepcopy(network.features).double().cpu().eval())
    try:
        return _found(_narrowed(copy.deepcopy(features)), network.in_channels, rows=1), beyond
    except RuntimeError:
        return _found(features, network.in_channels, rows=_ROWS), beyond


def _found(features: nn.Module, in_channels: int, rows: int) -> int | None:
    width = _SMALLEST_SIDE
    while width <= _LARGEST_SIDE:
        picture = torch.ones(1, in_channels, rows, width, dtype=torch.float64, requires_grad=True)
        maps = features(picture)
        (gradient,) = torch.autograd.grad(maps[0, :, :, maps.shape[3] // 2].sum(), picture)
        seen = torch.nonzero(gradient.abs().sum((0, 1, 2)) > 0).flatten()
        first, last = int(seen[0]), int(seen[-1])
        if first > 0 and last < width - 1:
            return last - first + 1
        width *= 2
    return None


def _bare(module: nn.Module) -> tuple[nn.Module, bool]:
    """Return the module with positive weights, without norms, activations and looks at the whole picture."""
    beyond = False
    for name, child in list(module.named_modules()):
        if not name or not _has(module, name):
            continue
        if type(child).__name__ in _GLOBAL:
            beyond = True
            module.set_submodule(name, nn.Identity())
        elif isinstance(child, nn.MaxPool2d):
            module.set_submodule(name, _mean_instead(child))
        elif isinstance(child, _NORMS) or _does_nothing_to_places(child):
            module.set_submodule(name, nn.Identity())
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0 / max(1, parameter[0].numel()))
    return module, beyond


def _has(module: nn.Module, name: str) -> bool:
    try:
        module.get_submodule(name)
    except AttributeError:
        return False  # its parent has been taken out
    return True


def _does_nothing_to_places(module: nn.Module) -> bool:
    """Tell whether a leaf without weights is an activation or a dropout, from where it is defined."""
    leaf = not any(True for _ in module.children()) and not any(True for _ in module.parameters())
    origin = type(module).__module__
    return leaf and ("activation" in origin or "dropout" in origin or "drop" in origin)


def _narrowed(module: nn.Module) -> nn.Module:
    """Keep one row of all kernels and windows."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            child.weight = nn.Parameter(child.weight[:, :, :1].contiguous())
            child.kernel_size = (1, child.kernel_size[1])
            child.stride = (1, child.stride[1])
            if not isinstance(child.padding, str):
                child.padding = (0, child.padding[1])
        elif isinstance(child, nn.AvgPool2d):
            child.kernel_size, child.stride = (1, _second(child.kernel_size)), (1, _second(child.stride))
            child.padding = (0, _second(child.padding))
    return module


def _mean_instead(pool: nn.MaxPool2d) -> nn.AvgPool2d:
    """Return the mean over the same places: a maximum depends on all, but its gradient shows only one."""
    return nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode)


def _second(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[1]
