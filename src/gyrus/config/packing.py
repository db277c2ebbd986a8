"""What goes into a bundle beside the model: shared by all verbs that write one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    """What the bundle tells about the images that the model was trained on."""

    private: bool = False
    """Leave hashes, embeddings and thumbnails of the training images out of the bundle: predictions then
    name no nearest training cases, and cannot tell that an image was in training."""
