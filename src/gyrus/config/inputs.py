"""Options of the input: from a decoded image to the numbers that a network sees, and where they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.ranges import at_least, at_most
from gyrus.errors import UsageError

MAX_IMAGE_SIZE = 8192  # one grey picture is 64 MiB then; a slip of the finger would fill the disk
Resize = Literal["squash", "pad", "crop"]
Normalize = Literal["auto", "imagenet", "half", "dataset", "per-image", "none"]


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """How images become a network's input; ``docs/reference/inputs.md`` explains each."""

    image_size: int = 224
    """Side of the square that images are brought to, in pixels (16 to 8192)."""
    resize: Resize = "squash"
    """How an image that is no square becomes one: squash (its sides are scaled apart), pad (scaled as a
    whole, black beside it), crop (its central square)."""
    brain_crop: bool = False
    """First cut away the dark margin around the head."""
    normalize: Normalize = "auto"
    """What pixels are shifted and scaled by: auto (what the weights were trained with), imagenet (mean and
    spread of its images), half (to -1…1), dataset (mean and spread of the training images), per-image (each
    image's own), none (0…1)."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; cuda or mps asked for and absent is an error. auto: cuda, else cpu."""
    no_cache: bool = False
    """Read the files anew in every epoch instead of keeping decoded pixels: slower, for data too large to
    keep."""
    workers: int = 0
    """Processes that read files, with --no-cache; 0: the process that trains reads them."""
    pin_memory: bool = False
    """Bring batches to the GPU by way of page-locked memory (CUDA only)."""
    cache_dir: Path | None = None
    """Where decoded pixels are kept; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check the numbers, and that no option is given that another one makes idle."""
        at_least(self, image_size=16, workers=0)
        at_most(self, image_size=MAX_IMAGE_SIZE)
        if self.workers and not self.no_cache:
            raise UsageError(
                f"workers is {self.workers}, but nothing is to be read: the pixel cache holds every image",
                fix="leave out --workers, or add --no-cache",
            )
        if self.pin_memory and self.device in ("cpu", "mps"):
            raise UsageError(f"pin_memory is for CUDA; device is {self.device}", fix="leave out --pin-memory")
