"""The networks of segmentation_models_pytorch behind our contract: its decoders on timm's encoders.

Only the modules are smp's (Iakubovskii 2019, MIT licence); the heads, the widths, the weights and what is
asked of them are ours. Where a decoder has coarser maps on its way they are handed out, for deep supervision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError
from gyrus.models.backbones import timm_library
from gyrus.models.network import NetworkFacts, per_channel
from gyrus.models.segmentation.encoders import (
    DEPTH,
    TimmEncoder,
    check_encoder,
    not_an_encoder,
    smp_library,
)
from gyrus.models.segmentation.network import SegmentationNetwork

# smp's own are 256 128 64 32 16: these compute a third of it, most of what is saved at the finest levels
SLIM_DECODER = (128, 64, 48, 32, 16)


@dataclass(frozen=True, slots=True)
class Design:
    """One of smp's architectures.

    Attributes
    ----------
    smp_name : str
        Its class.
    options : dict
        What the class is built with, besides encoder and channels.
    wrap : callable
        The built network -> the decoder, as our contract has it.
    """

    smp_name: str
    options: dict[str, Any]
    wrap: Callable[[Any], nn.Module]


class StepwiseDecoder(nn.Module):
    """smp's U-Net decoder, run block by block so that every map on the way up can be had."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.inner = network.decoder
        self.inner.blocks[-1].attention1 = nn.Identity()  # of a skip that the last block has not
        self.channels = tuple(SLIM_DECODER[::-1])
        self.strides = tuple(2**level for level in range(DEPTH))

    def forward(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps at full size, half, …, 1/16."""
        skips = [None, *features[1:-1]]
        x = self.inner.center(features[-1])
        maps: list[Tensor] = []
        for block, finer, skip in zip(self.inner.blocks, features[-2::-1], reversed(skips), strict=True):
            x = block(x, finer.shape[2], finer.shape[3], skip_connection=skip)
            maps.append(x)
        return tuple(reversed(maps))


class NestedDecoder(nn.Module):
    """smp's U-Net++ decoder (Zhou et al. 2018), and the maps along its lowest diagonal."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.inner = network.decoder
        self.channels = tuple(SLIM_DECODER[::-1])
        self.strides = tuple(2**level for level in range(DEPTH))

    def forward(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps at full size, half, …, 1/16."""
        deepest_first = features[:0:-1]
        depth = self.inner.depth
        made: dict[tuple[int, int], Tensor] = {}
        for length in range(depth):
            for start in range(depth - length):
                end = start + length
                skip = deepest_first[end + 1]
                if length:
                    beside = [made[step, end] for step in range(start + 1, end + 1)]
                    skip = torch.cat([*beside, skip], dim=1)
                source = made[start, end - 1] if length else deepest_first[start]
                made[start, end] = self.inner.blocks[f"x_{start}_{end}"](source, skip)
        finest = self.inner.blocks[f"x_0_{depth}"](made[0, depth - 1])
        return (finest, *(made[0, level] for level in reversed(range(depth))))


class OneMapDecoder(nn.Module):
    """A decoder of smp's that gives one map, of a quarter of the size."""

    strides = (4,)

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.inner = network.decoder
        self.channels = (int(network.segmentation_head[0].in_channels),)

    def forward(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Return its one map."""
        return (self.inner(features),)


_UP = {"decoder_channels": SLIM_DECODER}
DESIGNS: dict[str, Design] = {
    "unet": Design("Unet", _UP, StepwiseDecoder),
    "unetplusplus": Design("UnetPlusPlus", _UP, NestedDecoder),
    "attention_unet": Design("Unet", {**_UP, "decoder_attention_type": "scse"}, StepwiseDecoder),
    "deeplabv3plus": Design("DeepLabV3Plus", {"decoder_channels": 128}, OneMapDecoder),
    "fpn": Design(
        "FPN", {"decoder_pyramid_channels": 128, "decoder_segmentation_channels": 64}, OneMapDecoder
    ),
    "segformer": Design("Segformer", {"decoder_segmentation_channels": 128}, OneMapDecoder),
}


def with_encoder(
    architecture: str,
    design: str,
    encoder: str,
    *,
    mask_classes: int,
    in_channels: int,
    image_classes: int | None = None,
    dropout: float = 0.0,
    deep_supervision: bool = False,
) -> SegmentationNetwork:
    """Build one of :data:`DESIGNS` on an encoder of timm's, with random weights.

    Raises
    ------
    UsageError
        When the encoder is unknown or does not suit, or the design has no coarser maps to supervise.
    """
    check_encoder(encoder)
    plan = DESIGNS[design]
    try:
        built = getattr(smp_library(), plan.smp_name)(
            f"tu-{encoder}", encoder_weights=None, in_channels=in_channels, **plan.options
        )
    except (
        ValueError,
        RuntimeError,
        TypeError,
        AssertionError,
        KeyError,
        AttributeError,
        NotImplementedError,
    ) as error:
        raise not_an_encoder(encoder, error) from error
    decoder = plan.wrap(built)
    if deep_supervision and isinstance(decoder, OneMapDecoder):
        raise UsageError(
            f"{design} has one map and no coarser ones to supervise",
            fix="leave out --deep-supervision, or choose unet, unetplusplus or attention_unet",
        )
    description = timm_library().get_pretrained_cfg(encoder)
    return SegmentationNetwork(
        TimmEncoder(built.encoder),
        decoder,
        size_multiple=int(built.encoder.output_stride),
        mask_classes=mask_classes,
        image_classes=image_classes,
        facts=NetworkFacts(
            architecture=architecture,
            in_channels=in_channels,
            mean=per_channel(description.mean, in_channels),
            std=per_channel(description.std, in_channels),
        ),
        dropout=dropout,
        deep_supervision=deep_supervision,
    )
