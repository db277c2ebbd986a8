"""Options that describe weights which somebody else has trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.activations import Activation
from gyrus.config.inputs import MAX_IMAGE_SIZE, Resize
from gyrus.config.ranges import at_least, at_most, share
from gyrus.errors import UsageError

LastLayer = Literal["logits", "logsoftmax", "logsigmoid", "sigmoid"]


@dataclass(frozen=True, kw_only=True)
class ForeignOptions:
    """What a file of weights does not tell of its network; ``docs/reference/export.md`` explains each."""

    architecture: str | None = None
    """Network that the file was trained with: torchvision's or timm's name (resnet50), or one of gyrus's."""
    classes: tuple[str, ...] = ()
    """Class names in the order of the network's outputs: a,b,c or with blanks between them."""
    output: LastLayer = "logits"
    """What the network ends in: logits (a linear layer), or after it logsoftmax or logsigmoid (left out:
    probabilities are then the softmax of the linear layer), or sigmoid (one output, the second class's)."""
    head: Literal["linear", "mlp"] = "linear"
    """What was put in place of the architecture's last layer: one linear layer, or hidden layers first."""
    head_sizes: tuple[int, ...] = ()
    """Sizes of the hidden layers of --head mlp, the first first, with blanks between them; default: as the
    file has them."""
    activation: Activation = "relu"
    """What follows each hidden layer of --head mlp; the file does not tell."""
    dropout: float = 0.0
    """Dropout before each layer of the head: changes no answer, only further training."""
    image_size: int = 224
    """Side of the square that the network was given, in pixels (16 to 4096)."""
    resize: Resize = "squash"
    """How an image that is no square became one: squash, pad or crop."""
    normalize: Literal["imagenet", "half", "per-image", "none"] = "imagenet"
    """What pixels were shifted and scaled by: imagenet (mean and spread of its images), half (to -1…1),
    per-image (each image's own), none (0…1)."""
    color: Literal["grey", "rgb"] = "rgb"
    """Whether images were read in colour or as grey."""

    def __post_init__(self) -> None:
        """Check the numbers, and that no option is given that another one makes idle."""
        share(self, "dropout")
        at_least(self, image_size=16)
        at_most(self, image_size=min(MAX_IMAGE_SIZE, 4096))
        if self.head == "linear" and (self.head_sizes or self.activation != "relu"):
            raise UsageError(
                "head_sizes or activation are given, but a linear head has no hidden layer",
                fix="add --head mlp",
            )
        if any(size < 1 for size in self.head_sizes):
            raise UsageError(f"head_sizes holds {min(self.head_sizes)}; a layer has at least 1 unit")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the outputs; one word is taken apart at its commas."""
        given = self.classes[0].split(",") if len(self.classes) == 1 else self.classes
        return tuple(name.strip() for name in given)
