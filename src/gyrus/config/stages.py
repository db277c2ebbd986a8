"""A training as a row of stages: what each leaves free, how fast, how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.ranges import at_least, positive
from gyrus.errors import UsageError

RECIPES = ("auto", "head", "two-stage", "upper", "full", "scratch")
Select = Literal["best", "last"]

ALL, HEAD, LAST_BLOCK, UPPER = "all", "head", "last-block", "upper"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a training; a recipe is a row of them.

    What is not free is frozen as a whole: no gradient, and its BatchNorm keeps the statistics that it has.
    """

    name: str
    """What metrics.csv calls it."""
    free: tuple[str, ...]
    """What is trained: ``all``; ``head``; ``last-block`` (with the head); ``upper`` (the parts whose output
    is coarser than an eighth of the picture's side, with the head); or names of parts, as
    ``gyrus models info NAME`` lists them, and ``head``."""
    epochs: int
    """Passes through the training images, or through their cached features."""
    learning_rate: float | None = None
    """Peak learning rate of the head; None: the option ``--learning-rate``, else the optimizer's own."""
    trunk_factor: float = 1.0
    """Learning rate of everything before the head, as a factor of the head's."""
    layer_decay: float = 1.0
    """A further factor for each part of the trunk, once for the last, twice for the one before, and so on."""
    freeze_norms: bool = False
    """Keep the statistics of BatchNorm in the free parts, too."""
    patience: int | None = None
    """Stop the stage after this many epochs without a lower validation loss; None: never."""
    image_size: int | None = None
    """Side that images are scaled down to, in pixels; None: as they are in the cache."""

    def __post_init__(self) -> None:
        """Check numbers and what is free."""
        if not self.name.strip():
            raise UsageError("a stage has no name")
        if not self.free:
            raise UsageError(
                f"the stage {self.name!r} frees nothing: it would train nothing",
                fix=f"free can be {ALL!r}, {HEAD!r}, {LAST_BLOCK!r}, {UPPER!r}, or a list of parts",
            )
        if len(self.free) > 1 and ALL in self.free:
            raise UsageError(f"the stage {self.name!r} frees {ALL!r} and more", fix=f'free = "{ALL}"')
        at_least(self, epochs=1)
        positive(self, "learning_rate", "trunk_factor", "layer_decay", "patience", "image_size")

    @property
    def only_head(self) -> bool:
        """Whether the trunk is frozen as a whole."""
        return self.free == (HEAD,)

    @property
    def everything(self) -> bool:
        """Whether nothing is frozen."""
        return self.free == (ALL,)


@dataclass(frozen=True, kw_only=True)
class StageOptions:
    """Which recipe, and its lengths; ``docs/reference/training.md`` explains each."""

    recipe: str = "auto"
    """Stages of the training: head (only the last layer, on cached features), two-stage (head, then the last
    block with it), upper (what works on a picture smaller than an eighth; edges and textures stay as
    given, which saves time), full (everything, from given weights), scratch (everything, from random ones),
    auto (by weights and number of training patients, and says why), or a file (.toml)."""
    epochs: int = 12
    """Passes through the training images, in a stage that trains more than the head."""
    head_epochs: int = 40
    """Passes through the cached features, in a stage that trains the head alone."""
    views: int = 4
    """Augmented versions of each training image whose features are cached where the trunk is frozen; 0: no
    cache, every epoch goes through the frozen trunk with draws of its own."""
    patience: int | None = 5
    """Stop a stage after this many epochs without a lower validation loss (masks: a higher Dice); None:
    never."""
    select: Select = "best"
    """Weights that are kept: of the epoch with the lowest validation loss (masks: the highest Dice) over all
    stages (best), or of the last epoch (last)."""
    progressive: bool = False
    """Train the first epochs of a stage on smaller images: from half the side up to the whole."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        at_least(self, epochs=1, head_epochs=1, views=0)
        positive(self, "patience")
