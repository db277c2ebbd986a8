"""Options of ``gyrus learn``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least, at_most
from gyrus.errors import UsageError

_LEAST = {"image_size": 16, "epochs": 1}
MAX_SIDE = 128  # a larger one takes plain NumPy hours


@dataclass(frozen=True, kw_only=True)
class LearnConfig(DataOptions, OutputOptions):
    """Small experiments that show something: run one, look at its page."""

    topic: Positional[Literal["leakage", "numpy-cnn"]]
    """leakage: what it is worth when patients stand on both sides of a split; numpy-cnn: a convolutional
    network in plain NumPy, every gradient written by hand, learns your images."""
    source: Positional[Path | None] = None
    """Folder of images, or a manifest (CSV); for leakage with patients; default: a synthetic cohort."""
    out: Path | None = None
    """Folder for the page, the pictures and the numbers; default: runs/learn-TOPIC-NUMBER."""
    max_images: int = 4000
    """leakage: of a larger set so many images are used, whole patients drawn at random."""
    image_size: int | None = None
    """numpy-cnn: side of the square that images are brought to, in pixels (16 to 128); default: that of the
    first image where it is a square of at most 64 pixels, else 48."""
    epochs: int | None = None
    """numpy-cnn: times that each training image is seen; default: as many as see 240,000 images, 4 to 20."""
    seed: int = 0
    """Seed of the cohort, the splits and the trainings."""
    cache_dir: Path | None = None
    """Where decoded pixels are kept; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check the values that types alone do not."""
        at_least(self, max_images=50, seed=0)
        at_least(self, **{name: least for name, least in _LEAST.items() if getattr(self, name) is not None})
        if self.image_size is not None:
            at_most(self, image_size=MAX_SIDE)
        for option, topic in (
            ("max_images", "leakage"),
            ("image_size", "numpy-cnn"),
            ("epochs", "numpy-cnn"),
        ):
            if self.topic != topic and getattr(self, option) != getattr(LearnConfig, option):
                flag = option.replace("_", "-")
                raise UsageError(
                    f"{option} is for the topic {topic}; the topic is {self.topic}", fix=f"leave out --{flag}"
                )
