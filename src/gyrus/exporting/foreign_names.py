"""Networks of the two libraries by either name, built as their authors wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gyrus.config.foreign import ForeignOptions
from gyrus.errors import UsageError, require
from gyrus.models import build
from gyrus.models.backbones import timm_library
from gyrus.models.registry import OWN, suggest

TIMM_NAMES = {
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mnasnet1_0": "mnasnet_100",
    "vit_b_16": "vit_base_patch16_224",
    "vit_b_32": "vit_base_patch32_224",
    "vit_l_16": "vit_large_patch16_224",
    "swin_t": "swin_tiny_patch4_window7_224",
    "swin_s": "swin_small_patch4_window7_224",
    "swin_b": "swin_base_patch4_window7_224",
    "regnet_y_400mf": "regnety_004",
    "regnet_y_800mf": "regnety_008",
    "regnet_y_1_6gf": "regnety_016",
    "regnet_y_3_2gf": "regnety_032",
    "regnet_x_400mf": "regnetx_004",
    "regnet_x_800mf": "regnetx_008",
}
"""timm's name of the network that torchvision calls so; most others have the same name in both."""
_OF_TORCHVISION = {theirs: name for name, theirs in TIMM_NAMES.items()}
# auxiliary classifiers help training and take no part in an answer
_WITHOUT_AUXILIARY = {
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "googlenet": {"aux_logits": False, "init_weights": False},
}


@dataclass(frozen=True, slots=True)
class Written:
    """A network as a library's authors wrote it, with random weights.

    Attributes
    ----------
    library : str
        ``torchvision``, ``timm`` or ``gyrus``.
    name : str
        What the library calls it.
    network : nn.Module
        (batch, channels, side, side) -> logits, in evaluation mode.
    last : str
        Name of its last layer.
    """

    library: str
    name: str
    network: nn.Module
    last: str


def registry_name(architecture: str) -> str:
    """Return the name under which :func:`gyrus.models.build` knows a network that either library names."""
    return TIMM_NAMES.get(architecture, architecture)


def as_written(architecture: str, options: ForeignOptions, outputs: int) -> Iterator[Written]:
    """Yield the network of this name, of every library that has one.

    Raises
    ------
    UsageError
        When none has it, or it does not take images of this size.
    """
    found = False
    for library, make in (("torchvision", _of_torchvision), ("timm", _of_timm), ("gyrus", _of_gyrus)):
        name = _name_in(library, architecture)
        if name is None:
            continue
        found = True
        try:
            network = make(name, options.image_size, outputs).eval()
        except (AssertionError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"{architecture} cannot take images of {options.image_size} pixels: {error}",
                fix="give the --image-size that it was trained with",
            ) from error
        yield Written(library, name, network, _last_layer(network))
    if not found:
        near = suggest(architecture)
        raise UsageError(
            f"no network is called {architecture!r}",
            fix=f"did you mean {' or '.join(near)}?"
            if near
            else "a name of torchvision's or timm's: resnet50",
        )


def _name_in(library: str, architecture: str) -> str | None:
    """Return what a library calls an architecture; None where it has no such network."""
    theirs = registry_name(architecture)
    if library == "gyrus":
        return theirs if theirs in OWN or timm_library().is_model(theirs) else None
    if library == "timm":
        return theirs if timm_library().is_model(theirs) else None
    models = require("torchvision", "train", "networks by torchvision's names").models
    name = _OF_TORCHVISION.get(architecture, architecture)
    return name if name in models.list_models(module=models) else None


def _of_torchvision(name: str, image_size: int, outputs: int) -> nn.Module:
    models = require("torchvision", "train", "networks by torchvision's names").models
    options: dict[str, Any] = dict(_WITHOUT_AUXILIARY.get(name, {}))
    if name.startswith("vit_"):
        options["image_size"] = image_size
    network: nn.Module = models.get_model(name, weights=None, num_classes=outputs, **options)
    return network


def _of_timm(name: str, image_size: int, outputs: int) -> nn.Module:
    timm = timm_library()
    fixed = timm.get_pretrained_cfg(name).fixed_input_size
    options = {"img_size": image_size} if fixed else {}
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=outputs, **options)
    return network


def _of_gyrus(name: str, image_size: int, outputs: int) -> nn.Module:
    # two at least: the head is replaced by the file's in any case
    return build(name, num_classes=max(2, outputs), image_size=image_size)


def _last_layer(network: nn.Module) -> str:
    """Return the name of the last layer that mixes channels: linear, or in SqueezeNet a convolution."""
    layers = (nn.Linear, nn.Conv2d)
    return [str(name) for name, module in network.named_modules() if isinstance(module, layers)][-1]


def with_channels(network: nn.Module, channels: int) -> nn.Module:
    """Let the first convolution of a network read another number of channels, in place."""
    conv = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    if conv.in_channels != channels:
        conv.in_channels = channels
        conv.weight = nn.Parameter(torch.empty(conv.out_channels, channels, *conv.kernel_size))
    return network
