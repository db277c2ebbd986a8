"""The segmentation networks by name: ``unet``, ``unet_noskips``, and ``DESIGN-ENCODER``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from gyrus.config.network import Norm
from gyrus.errors import UsageError
from gyrus.models.segmentation.network import SegmentationNetwork
from gyrus.models.segmentation.pretrained import DESIGNS, with_encoder
from gyrus.models.segmentation.unet import plain_unet

DEFAULT_ENCODER = "mobilenetv2_100"
_PLAIN = {"unet": True, "unet_noskips": False}


@dataclass(frozen=True, slots=True)
class Listed:
    """A segmentation network as it is told of.

    Attributes
    ----------
    family, weights : str
        What it is; where starting weights come from.
    """

    family: str
    weights: str


_FROM_ENCODER = "the encoder's: --weights FILE, --pretrained"
DOCUMENTED: dict[str, Listed] = {
    "unet": Listed("plain U-Net, slim", "it is trained from scratch"),
    "unet_noskips": Listed("plain U-Net without its skips, for comparison", "it is trained from scratch"),
    f"unet-{DEFAULT_ENCODER}": Listed("U-Net on a pretrained encoder", _FROM_ENCODER),
    f"unetplusplus-{DEFAULT_ENCODER}": Listed("U-Net++: nested skips", _FROM_ENCODER),
    f"attention_unet-{DEFAULT_ENCODER}": Listed("U-Net with scSE attention", _FROM_ENCODER),
    f"deeplabv3plus-{DEFAULT_ENCODER}": Listed("DeepLabV3+: dilated pyramid", _FROM_ENCODER),
    f"fpn-{DEFAULT_ENCODER}": Listed("feature pyramid", _FROM_ENCODER),
    f"segformer-{DEFAULT_ENCODER}": Listed("SegFormer's decoder on convolutions", _FROM_ENCODER),
    "segformer-pvt_v2_b0": Listed("SegFormer's decoder on a pyramid transformer", _FROM_ENCODER),
}


def draws_masks(architecture: str) -> bool:
    """Tell whether a name is that of a network for masks; its encoder is not looked up."""
    return architecture in _PLAIN or architecture.partition("-")[0] in DESIGNS


def build_segmentation(
    architecture: str,
    *,
    mask_classes: int,
    image_classes: int | None = None,
    in_channels: int = 3,
    image_size: int = 256,
    norm: Norm = "auto",
    dropout: float = 0.0,
    deep_supervision: bool = False,
) -> SegmentationNetwork:
    """Build a segmentation network by name, with random weights.

    Parameters
    ----------
    architecture : str
        ``unet`` or ``unet_noskips`` (ours), or DESIGN-ENCODER: a design of :data:`DESIGNS` on a network of
        timm's, such as ``unet-mobilenetv2_100``; another design than ``unet`` alone stands on
        :data:`DEFAULT_ENCODER`.
    mask_classes : int
        Foreground classes, at least 1.
    image_classes : int, optional
        Classes of the whole picture, at least 2, for a joint network.
    in_channels : int
        Channels of the input.
    image_size : int
        Side of the input in pixels, for the check; other multiples of ``size_multiple`` go too.
    norm : str
        ``batch``, ``group`` or ``none`` in a network of ours; ``auto``: its usual ones.
    dropout : float
        Share of the deepest feature channels that is dropped in training.
    deep_supervision : bool
        Whether coarser maps are supervised too.

    Raises
    ------
    UsageError
        On an unknown name (with the nearest), a bad number, or a size that is no multiple of what it needs.
    """
    _check_numbers(mask_classes, image_classes, in_channels, dropout)
    design, encoder = parse(architecture)
    if encoder is None:
        network = plain_unet(
            architecture,
            mask_classes=mask_classes, image_classes=image_classes, in_channels=in_channels,
            norm=norm, dropout=dropout, deep_supervision=deep_supervision, skips=_PLAIN[design],
        )  # fmt: skip
    else:
        if norm != "auto":
            raise UsageError(
                f"norm is for gyrus's own networks; {architecture} keeps its layers", fix="leave out --norm"
            )
        network = with_encoder(
            architecture, design, encoder,
            mask_classes=mask_classes, image_classes=image_classes, in_channels=in_channels,
            dropout=dropout, deep_supervision=deep_supervision,
        )  # fmt: skip
    check_size(network, image_size)
    return network


def parse(architecture: str) -> tuple[str, str | None]:
    """Return design and encoder of a name; no encoder for the plain ones.

    Raises
    ------
    UsageError
        When it is none, with the nearest names.
    """
    design, dash, encoder = architecture.partition("-")
    if not dash and design in _PLAIN:
        return design, None
    if design in DESIGNS:
        return design, encoder or DEFAULT_ENCODER
    near = difflib.get_close_matches(architecture.lower(), (*DOCUMENTED, *DESIGNS), n=3, cutoff=0.6)
    raise UsageError(
        f"no segmentation network is called {architecture!r}",
        fix=f"did you mean {' or '.join(near)}?"
        if near
        else f"one of {', '.join(_PLAIN)}, or DESIGN-ENCODER with one of {', '.join(DESIGNS)}",
    )


def is_segmentation(architecture: str) -> bool:
    """Tell whether a name is one of a segmentation network (of whatever encoder)."""
    design, dash, _ = architecture.partition("-")
    return design in DESIGNS or (not dash and design in _PLAIN)


def check_size(network: SegmentationNetwork, image_size: int) -> None:
    """Refuse a side that is no multiple of what the network needs.

    Raises
    ------
    UsageError
        With the next multiple.
    """
    step = network.size_multiple
    if image_size < 2 * step or image_size % step:
        fitting = max(-(-image_size // step), 2) * step
        raise UsageError(
            f"image_size is {image_size}; {network.architecture} needs a multiple of {step} pixels, at least "
            f"{2 * step}",
            fix=f"--image-size {fitting} is the next that it takes",
        )


def _check_numbers(mask_classes: int, image_classes: int | None, in_channels: int, dropout: float) -> None:
    if mask_classes < 1:
        raise UsageError(f"mask_classes is {mask_classes}; expected at least 1")
    if image_classes is not None and image_classes < 2:
        raise UsageError(
            f"image_classes is {image_classes}; a class of the picture is one of at least 2",
            fix="leave out --with-class",
        )
    if in_channels < 1:
        raise UsageError(f"in_channels is {in_channels}; expected 1 (grey) or 3 (colour)")
    if not 0.0 <= dropout < 1.0:
        raise UsageError(f"dropout is {dropout}; expected at least 0 and less than 1")
