"""Which mask belongs to which image, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from gyrus.data.files import natural_key
from gyrus.errors import DataError

# what tools append to a mask's name; an image of the same name would be another file
_MASK_WORD = re.compile(r"[_\-. ](masks?|seg(mentation)?|labels?|gt|roi|annotation|lesion)$", re.IGNORECASE)
# beside images of classes only what no tool calls an image: "lesion" may well end an image's name
_BESIDE = re.compile(r"_(masks?|seg(mentation)?)(_\d+)?$", re.IGNORECASE)
_CHANNEL = re.compile(r"_0000$")  # nnU-Net's images are called CASE_0000, their masks CASE
MASK_SUFFIXES = (".gif",)
"""Endings of masks beside those of images."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Masks by their images.

    Attributes
    ----------
    mask_of : mapping of str to str
        Image -> mask.
    without : tuple of str
        Images that no mask is named after.
    orphans : tuple of str
        Masks that are named after no image.
    """

    mask_of: dict[str, str]
    without: tuple[str, ...]
    orphans: tuple[str, ...]


def bare(name: str) -> str:
    """Return a path without its ending, ``.nii.gz`` being one."""
    path = PurePosixPath(name[: -len(".gz")] if name.lower().endswith(".nii.gz") else name)
    return path.with_suffix("").as_posix()


def without_nifti_twins(names: Sequence[str]) -> tuple[list[str], int]:
    """Leave out the NIfTI files beside which the same mask lies as a PNG, and tell how many these are.

    ``gyrus predict --masks`` writes every mask in both forms.

    >>> without_nifti_twins(["a.nii.gz", "a.png", "b.nii.gz"])
    (['a.png', 'b.nii.gz'], 1)
    """
    drawn = {name[: -len(".png")] for name in names if name.endswith(".png")}
    kept = [name for name in names if not (name.endswith((".nii.gz", ".nii")) and bare(name) in drawn)]
    return kept, len(names) - len(kept)


def without_mask_word(stem: str) -> str:
    """Return a name without what tells that it is a mask's: ``car_01_mask`` -> ``car_01``."""
    return _MASK_WORD.sub("", stem)


def has_mask_word(name: str) -> bool:
    """Tell whether a file's name says that it is a mask."""
    return _MASK_WORD.search(bare(name)) is not None


def masks_beside(names: Iterable[str]) -> dict[str, str]:
    """Return the files that are called as masks of images beside them, each with its image.

    Numbered ones too (``a_mask_1.png``), as sets of ultrasound have them.

    >>> masks_beside(["x/a.png", "x/a_mask.png", "x/a_mask_1.png", "x/b_mask.png", "y/a_mask.png"])
    {'x/a_mask.png': 'x/a.png', 'x/a_mask_1.png': 'x/a.png'}
    """
    listed = list(names)
    images = {bare(name).casefold(): name for name in reversed(listed)}
    found = {}
    for name in listed:
        stem = bare(name).casefold()
        plain = _BESIDE.sub("", stem)
        if plain != stem and plain in images:
            found[name] = images[plain]
    return found


def pair(images: Sequence[str], masks: Iterable[str]) -> Pairs:
    """Find the mask of each image: the same path below its folder, or else the same file name.

    Parameters
    ----------
    images, masks : sequence of str
        Paths with ``/``, each below a folder of its own or of both.

    Raises
    ------
    DataError
        When an image could have several masks, or a mask several images.
    """
    by_path: dict[str, list[str]] = defaultdict(list)
    by_name: dict[str, list[str]] = defaultdict(list)
    listed = list(masks)
    for mask in listed:
        key = without_mask_word(bare(mask)).casefold()
        for name in dict.fromkeys((key, key.partition("/")[2] or key)):
            by_path[name].append(mask)
        by_name[key.rpartition("/")[2]].append(mask)
    mask_of: dict[str, str] = {}
    used: dict[str, list[str]] = defaultdict(list)
    problems = []
    for image in images:
        found = _candidates(image, by_path, by_name)
        if len(found) > 1:
            problems.append(f"{image}: {', '.join(sorted(found, key=natural_key))}")
        elif found:
            mask_of[image] = found[0]
            used[found[0]].append(image)
    shared = [f"{mask}: {', '.join(names)}" for mask, names in used.items() if len(names) > 1]
    if problems or shared:
        raise DataError(
            f"{len(problems)} images have several masks, {len(shared)} masks several images of their name",
            details=[*problems, *shared],
            fix="name masks as their images, or give a manifest (CSV) with the columns path and mask",
        )
    return Pairs(
        mask_of,
        tuple(image for image in images if image not in mask_of),
        tuple(mask for mask in listed if mask not in used),
    )


def _candidates(image: str, by_path: dict[str, list[str]], by_name: dict[str, list[str]]) -> list[str]:
    key = bare(image).casefold()
    paths = (key, key.partition("/")[2] or key)
    for names, table in ((paths, by_path), ((key.rpartition("/")[2],), by_name)):
        for name in names:
            found = table.get(name) or table.get(_CHANNEL.sub("", name))
            if found:
                return found
    return []
