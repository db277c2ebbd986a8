"""What goes into a bundle beside the model: shared by all verbs that write one."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.config.ranges import at_least


@dataclass(frozen=True, kw_only=True)
class PrivateOption:
    """Whether a bundle tells of single training images."""

    private: bool = False
    """Leave hashes, embeddings and thumbnails of the training images out of the bundle: predictions then
    name no nearest training cases, and cannot tell that an image was in training."""


@dataclass(frozen=True, kw_only=True)
class BundleOptions(PrivateOption):
    """What the bundle tells about the images that the model was trained on."""

    cases: int = 1000
    """Training images that the finished bundle is asked about, patients and classes in turn. They are the
    cases that predictions are compared with, each 96 bytes and its embedding in the bundle; all training
    images are there by their hashes."""

    def __post_init__(self) -> None:
        """Check the number."""
        at_least(self, cases=1)
