"""Options of masks: where they lie, what their values mean, what becomes of an image without one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.errors import UsageError

MaskKind = Literal["binary", "label", "values"]
MissingMasks = Literal["fail", "skip", "empty"]


@dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """How masks are found and read (``--task segment``); ``docs/reference/segment.md`` explains each."""

    masks: Path | None = None
    """Folder of masks, each named as its image (its ending, and a final _mask or _seg, may differ); default:
    the manifest's column mask, masks beside the images, or a folder masks/. gyrus evaluate without DATA: the
    true label maps (NIfTI), a file or a folder."""
    mask_classes: MaskKind = "binary"
    """What a mask's values mean: binary (all but 0 is --mask-name), label (what is marked is of the image's
    class), values (each grey value is a class, see --mask-values)."""
    mask_name: str = "lesion"
    """Name of what a binary mask marks."""
    mask_values: tuple[str, ...] = ()
    """With --mask-classes values: NAME=VALUE NAME=VALUE, or a table (CSV) with the columns value and name; 0
    is the background. Names may have several values."""
    missing_masks: MissingMasks = "fail"
    """Images without a mask, and masks without an image: fail (both are listed), skip (leave these images
    out), empty (take it that nothing is marked there)."""

    def check_masks(self) -> None:
        """Raise UsageError when these options contradict each other."""
        if not self.mask_name.strip():
            raise UsageError("mask_name is empty", fix="for example --mask-name tumour")
        if self.mask_name != MaskOptions.mask_name and self.mask_classes != "binary":
            raise UsageError(
                f"mask_name names what a binary mask marks; mask_classes is {self.mask_classes}",
                fix="leave out --mask-name",
            )
        if self.mask_values and self.mask_classes != "values":
            raise UsageError(
                f"mask_values are given, but mask_classes is {self.mask_classes}",
                fix="add --mask-classes values",
            )
        if self.mask_classes == "values" and not self.mask_values:
            raise UsageError(
                "mask_classes is values, and nothing tells what the values mean",
                fix="--mask-values edema=1 core=2, or a table (CSV) with the columns value and name",
            )

    @property
    def mask_options_given(self) -> tuple[str, ...]:
        """The names of those that are not the default."""
        names = ("masks", "mask_classes", "mask_name", "mask_values", "missing_masks")
        return tuple(name for name in names if getattr(self, name) != getattr(MaskOptions, name))
