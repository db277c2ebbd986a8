"""The networks by name: one dict of ours, and timm's names behind it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from gyrus.config.activations import Activation
from gyrus.config.network import Norm
from gyrus.errors import UsageError
from gyrus.models.backbones import backbone, timm_library
from gyrus.models.classic import baseline_cnn, improved_cnn, lenet, simple_cnn
from gyrus.models.heads import HeadPlan
from gyrus.models.network import Network
from gyrus.models.residual import res_cnn, resnet9
from gyrus.models.squeezenet import squeezenet1_1


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A network built here.

    Attributes
    ----------
    make : callable
        Builds it.
    smallest_px : int
        Side of the smallest image that it takes.
    family, purpose : str
        What it is and what it is for, in a few words.
    weights : str
        Where starting weights come from.
    """

    make: Callable[..., Network]
    smallest_px: int
    family: str
    purpose: str
    weights: str = "it is trained from scratch"


OWN: dict[str, OwnNetwork] = {
    "simple_cnn": OwnNetwork(simple_cnn, 8, "plain", "to teach with"),
    "improved_cnn": OwnNetwork(improved_cnn, 16, "plain", "from scratch on a laptop"),
    "baseline_cnn": OwnNetwork(baseline_cnn, 16, "plain", "the yardstick of small two-class sets"),
    "res_cnn": OwnNetwork(res_cnn, 16, "residual", "from scratch, a little deeper"),
    "lenet": OwnNetwork(lenet, 28, "plain", "digits (MNIST)"),
    "resnet9": OwnNetwork(resnet9, 8, "residual", "small colour pictures (CIFAR-10)"),
    "squeezenet1_1": OwnNetwork(
        squeezenet1_1, 21, "SqueezeNet", "small and fast", "--weights FILE (torchvision's)"
    ),
}
SMALLEST_IMAGE_OF_A_BACKBONE = 32
_COLOUR = 3


def build(
    architecture: str,
    *,
    num_classes: int,
    in_channels: int = 3,
    image_size: int = 224,
    dropout: float = 0.0,
    hidden_sizes: tuple[int, ...] = (),
    one_logit: bool = False,
    norm: Norm = "auto",
    activation: Activation = "relu",
) -> Network:
    """Build a network by name, with random weights; see :func:`gyrus.models.start` for others.

    Parameters
    ----------
    architecture : str
        One of ours (:data:`OWN`), or any of timm's names.
    num_classes : int
        Number of classes, at least 2.
    in_channels : int
        Channels of the input.
    image_size : int
        Side of the input in pixels. Most networks take any size afterwards; see ``fixed_size``.
    dropout : float
        Share that is dropped before each layer of the head, in training.
    hidden_sizes : tuple of int
        Sizes of the head's hidden layers; empty for one linear layer.
    one_logit : bool
        Two classes by one logit.
    norm : str
        ``batch``, ``group`` or ``none`` in a network of ours; ``auto``: its usual ones.
    activation : str
        Of the head's hidden layers.

    Raises
    ------
    UsageError
        On an unknown name (with the nearest ones) or a bad number.
    """
    check_architecture(architecture)
    _check_numbers(architecture, num_classes, in_channels, image_size, dropout)
    head = replace(_head_plan(num_classes, dropout, hidden_sizes, one_logit), activation=activation)
    if architecture in OWN:
        return OWN[architecture].make(
            num_classes=num_classes, in_channels=in_channels, image_size=image_size, head=head, norm=norm
        )
    _refuse_norm(architecture, norm)
    return backbone(
        architecture, num_classes=num_classes, in_channels=in_channels, image_size=image_size, head=head
    )


def build_pretrained(
    architecture: str,
    tensors: Mapping[str, Tensor],
    *,
    num_classes: int,
    image_size: int = 224,
    dropout: float = 0.0,
    hidden_sizes: tuple[int, ...] = (),
    one_logit: bool = False,
    norm: Norm = "auto",
) -> Network:
    """Build one of timm's networks with the weights that timm publishes for it, in three channels.

    Raises
    ------
    UsageError
        For a network of ours, which timm has no weights for, and as :func:`build`.
    """
    _check_numbers(architecture, num_classes, _COLOUR, image_size, dropout)
    _refuse_norm(architecture, norm)
    head = _head_plan(num_classes, dropout, hidden_sizes, one_logit)
    return backbone(
        architecture,
        num_classes=num_classes,
        in_channels=_COLOUR,
        image_size=image_size,
        head=head,
        tensors=tensors,
    )


def check_downloadable(architecture: str) -> None:
    """Refuse to look for weights of a network of ours on timm's hub.

    Raises
    ------
    UsageError
        With where its weights come from.
    """
    if architecture in OWN:
        raise UsageError(
            f"{architecture} has no weights to download: {OWN[architecture].weights}",
            fix="leave out --pretrained, or choose a backbone such as mobilenetv2_100",
        )


def names() -> tuple[str, ...]:
    """Return all names that :func:`build` takes: ours first, then timm's in order."""
    return (*OWN, *timm_library().list_models())


def suggest(name: str, count: int = 3) -> list[str]:
    """Return the known names nearest to ``name``, the nearest first; may be empty.

    Strokes and capitals do not count: ``mobilenet_v2`` of one library is ``mobilenetv2_100`` of another.
    """
    known = {_squashed(each): each for each in reversed(names())}
    return [known[each] for each in difflib.get_close_matches(_squashed(name), known, n=count, cutoff=0.6)]


def _squashed(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def check_architecture(architecture: str) -> None:
    """Refuse a name that :func:`build` does not know.

    Raises
    ------
    UsageError
        With the nearest names.
    """
    if architecture not in OWN and not timm_library().is_model(architecture):
        from gyrus.models.segmentation.registry import draws_masks  # it builds on the networks here

        if draws_masks(architecture):
            raise UsageError(
                f"the network {architecture!r} draws masks, and classes are to be answered",
                fix="add --task segment",
            )
        near = suggest(architecture)
        raise UsageError(
            f"no network is called {architecture!r}",
            fix=f"did you mean {' or '.join(near)}?"
            if near
            else f"one of gyrus's own ({', '.join(OWN)}), or a name of timm's: gyrus models list PART",
        )


def check_two_classes(num_classes: int) -> None:
    """Refuse ``binary_output="one"`` for any other number of classes.

    Raises
    ------
    UsageError
        When there are fewer or more than two.
    """
    if num_classes != 2:
        raise UsageError(
            f"binary_output one is for two classes; there are {num_classes}", fix="leave out --binary-output"
        )


def _head_plan(num_classes: int, dropout: float, hidden_sizes: tuple[int, ...], one_logit: bool) -> HeadPlan:
    if one_logit:
        check_two_classes(num_classes)
    return HeadPlan(hidden_sizes, dropout, one_logit)


def _refuse_norm(architecture: str, norm: Norm) -> None:
    if norm != "auto":
        raise UsageError(
            f"norm is for gyrus's own networks; {architecture} is timm's and keeps its layers",
            fix="leave out --norm",
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
    smallest = OWN[architecture].smallest_px if architecture in OWN else SMALLEST_IMAGE_OF_A_BACKBONE
    if image_size < smallest:
        raise UsageError(
            f"image_size is {image_size}; {architecture} needs at least {smallest} pixels",
            fix=f"--image-size {smallest} is the smallest that it takes",
        )
