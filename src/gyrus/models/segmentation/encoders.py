"""timm's networks as encoders: the features of five resolutions, under the classifier's own weights.

Any convolutional or pyramid network of timm's is one, by the name it has as a classifier, so that whatever
:func:`gyrus.models.start` can load into the classifier (a file of timm's, torchvision's, RadImageNet's, a
training of gyrus's, the hub) goes into the encoder too; see :func:`take_trunk`.
"""

from __future__ import annotations

import copy
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError, require
from gyrus.models.backbones import first_line, timm_library
from gyrus.models.grey import OnesBeside

DEPTH = 5
# smp's own encoders of SegFormer's paper carry NVIDIA's non-commercial licence
REFUSED_PREFIX = "mit_b"


@cache
def smp_library() -> ModuleType:
    """Return segmentation_models_pytorch, imported when first needed."""
    return require("segmentation_models_pytorch", "train", "segmentation networks with encoders")


class TimmEncoder(nn.Module):
    """smp's encoder on a network of timm's, with its channels where ours have them."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.inner = encoder
        self.channels = tuple(int(width) for width in encoder.out_channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the picture itself and the features at 1/2, 1/4, 1/8, 1/16, 1/32 of its size."""
        features: list[Tensor] = self.inner(x)
        return features

    @property
    def trunk(self) -> nn.Module:
        """timm's network."""
        trunk: nn.Module = self.inner.model
        return trunk


def check_encoder(name: str) -> None:
    """Refuse a name that is no encoder.

    Raises
    ------
    UsageError
        For a name that timm does not know, one whose input size is fixed, and smp's MiT.
    """
    timm = timm_library()
    if name.startswith(REFUSED_PREFIX):
        raise UsageError(
            f"{name} is under NVIDIA's non-commercial licence; gyrus does not build it",
            fix="take pvt_v2_b0, a transformer of the same shape, or mobilenetv2_100",
        )
    if not timm.is_model(name):
        from gyrus.models.registry import suggest

        near = [each for each in suggest(name) if timm.is_model(each)]
        raise UsageError(
            f"no encoder is called {name!r}",
            fix=f"did you mean {' or '.join(near)}?" if near else "any of timm's: gyrus models list PART",
        )
    if timm.get_pretrained_cfg(name).fixed_input_size:
        raise UsageError(
            f"{name} takes one size of image only; an encoder has to take any",
            fix="choose a convolutional network such as mobilenetv2_100 or resnet50, or pvt_v2_b0",
        )


def not_an_encoder(name: str, error: Exception) -> UsageError:
    """Return what to say of a network that does not give features at 1/2 to 1/32 of the size."""
    return UsageError(
        f"{name} cannot be an encoder here: {first_line(error)}",
        fix="choose a network of resolutions that halve, such as mobilenetv2_100 or resnet50",
    )


@torch.no_grad()
def take_trunk(encoder: TimmEncoder, trunk: nn.Module) -> int:
    """Copy the weights of a classifier's trunk (timm's module) into the encoder; return how many tensors.

    timm's feature extractor keeps the classifier's layers under the same names, or with ``_`` for the first
    dots (``stages_0.blocks`` for ``stages.0.blocks``). A stem that was folded for grey comes as it is.

    Raises
    ------
    UsageError
        When a tensor of the encoder has no counterpart; nothing is copied then.
    """
    layers = {name.replace(".", "_"): name for name, _ in encoder.trunk.named_modules()}
    for name, module in trunk.named_modules():
        if isinstance(module, OnesBeside):
            encoder.trunk.set_submodule(layers[name.replace(".", "_")], copy.deepcopy(module))
    given = {name.replace(".", "_"): tensor for name, tensor in trunk.state_dict().items()}
    wanted = encoder.trunk.state_dict()
    lacking = [
        name
        for name, tensor in wanted.items()
        if (source := given.get(name.replace(".", "_"))) is None or source.shape != tensor.shape
    ]
    if lacking:
        raise UsageError(
            f"the weights of the classifier do not cover the encoder: {len(lacking)} tensors have no "
            f"counterpart, the first {lacking[0]}",
            fix="choose another encoder, such as mobilenetv2_100 or resnet50",
        )
    for name, tensor in wanted.items():
        tensor.copy_(given[name.replace(".", "_")])
    return len(wanted)
