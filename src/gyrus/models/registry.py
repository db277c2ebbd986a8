"""The networks by name: one dict of functions, and timm's names behind it."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from gyrus.errors import UsageError
from gyrus.models.backbones import backbone, timm_library
from gyrus.models.classic import improved_cnn, simple_cnn
from gyrus.models.network import Network

CLASSIC: dict[str, Callable[..., Network]] = {"simple_cnn": simple_cnn, "improved_cnn": improved_cnn}
SMALLEST_IMAGE = {"simple_cnn": 8, "improved_cnn": 16}
SMALLEST_IMAGE_OF_A_BACKBONE = 32


def build(
    architecture: str,
    *,
    num_classes: int,
    in_channels: int = 3,
    image_size: int = 224,
    dropout: float = 0.0,
    pretrained: bool = False,
) -> Network:
    """Build a network by name, with random weights unless ``pretrained``.

    Parameters
    ----------
    architecture : str
        ``simple_cnn``, ``improved_cnn``, or any of timm's names.
    num_classes : int
        Number of classes, at least 2.
    in_channels : int
        Channels of the input.
    image_size : int
        Side of the input in pixels. Most networks take any size afterwards; see ``fixed_size``.
    dropout : float
        Share of the embedding that is dropped before the linear layer, in training.
    pretrained : bool
        Download the weights that timm knows. Nothing is downloaded otherwise.

    Raises
    ------
    UsageError
        On an unknown name (with the nearest ones), a bad number, or weights that cannot be had.
    """
    check_architecture(architecture)
    _check_numbers(architecture, num_classes, in_channels, image_size, dropout)
    options = {
        "num_classes": num_classes,
        "in_channels": in_channels,
        "image_size": image_size,
        "dropout": dropout,
    }
    if architecture in CLASSIC:
        if pretrained:
            raise UsageError(
                f"{architecture} has no weights to download; it is trained from scratch",
                fix="leave out --pretrained, or choose a backbone such as mobilenetv2_100",
            )
        return CLASSIC[architecture](**options)
    return backbone(architecture, pretrained=pretrained, **options)  # type: ignore[arg-type]


def names() -> tuple[str, ...]:
    """Return all names that :func:`build` takes: ours first, then timm's in order."""
    return (*CLASSIC, *timm_library().list_models())


def suggest(name: str, count: int = 3) -> list[str]:
    """Return the known names nearest to ``name``, the nearest first; may be empty."""
    return difflib.get_close_matches(name.lower(), names(), n=count, cutoff=0.6)


def check_architecture(architecture: str) -> None:
    """Refuse a name that :func:`build` does not know.

    Raises
    ------
    UsageError
        With the nearest names.
    """
    if architecture not in CLASSIC and not timm_library().is_model(architecture):
        near = suggest(architecture)
        raise UsageError(
            f"no network is called {architecture!r}",
            fix=f"did you mean {' or '.join(near)}?"
            if near
            else "simple_cnn, improved_cnn, or a name of timm's",
        )


def _check_numbers(
    architecture: str, num_classes: int, in_channels: int, image_size: int, dropout: float
) -> None:
    if num_classes < 2:
        raise UsageError(f"num_classes is {num_classes}; a classifier needs at least 2")
    if in_channels < 1:
        raise UsageError(f"in_channels is {in_channels}; expected 1 (grey) or 3 (colour)")
    if not 0.0 <= dropout < 1.0:
        raise UsageError(f"dropout is {dropout}; expected at least 0 and less than 1")
    smallest = SMALLEST_IMAGE.get(architecture, SMALLEST_IMAGE_OF_A_BACKBONE)
    if image_size < smallest:
        raise UsageError(f"image_size is {image_size}; {architecture} needs at least {smallest} pixels")
