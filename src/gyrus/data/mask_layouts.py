"""Recognising where the masks of a data set lie: in a folder of their own, or beside their images.

- ``images/NAME`` and ``masks/NAME`` (or the folder that ``--masks`` names); ``CLASS/NAME`` and ``masks/…``;
- Carvana: ``CAR_ANGLE.jpg`` and ``CAR_ANGLE_mask.gif``, in folders of their own or in one;
- kaggle_3m: a folder a patient, ``NAME.tif`` beside ``NAME_mask.tif``;
- NIfTI volumes and their label maps, arranged as any other images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gyrus.config.options import DataOptions
from gyrus.data.files import Files, list_files, shown
from gyrus.data.layouts import SPLIT_OF, Arrangement
from gyrus.data.manifest import Row
from gyrus.data.mask_pairs import MASK_SUFFIXES, has_mask_word, pair
from gyrus.data.masks import EMPTY, NO_MASK
from gyrus.data.side_table import tables_beside
from gyrus.errors import DataError, LayoutError

_IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "imagestr", "scans", "volumes"})
_MASK_FOLDERS = frozenset(
    {"masks", "mask", "train_masks", "labelstr", "segmentations", "segmentation", "annotations", "gt",
     "ground_truth", "groundtruth"}
)  # fmt: skip
_NAMED = (
    ("Carvana's cars", re.compile(r"([0-9a-f]{12})_\d{2}", re.IGNORECASE)),
    ("kaggle_3m", re.compile(r"(TCGA_[A-Z0-9]{2}_[A-Z0-9]+)_\d{8}_\d+", re.IGNORECASE)),
)
_SHOWN = 10
KNOWN = (
    "known arrangements: images/NAME and masks/NAME (or --masks FOLDER); NAME beside NAME_mask; a manifest "
    "(CSV) with the columns path and mask; COCO's polygons: gyrus import FOLDER"
)


def arrange_masks(folder: Path, files: Files, options: DataOptions) -> Arrangement:
    """Recognise images and their masks among ``files`` below ``folder``.

    Raises
    ------
    LayoutError
        When there are no images, or no masks.
    DataError
        When names are ambiguous; when images have no mask or masks no image, unless ``missing_masks`` says
        what becomes of them.
    """
    every = [*files.images, *(name for name in files.others if name.lower().endswith(MASK_SUFFIXES))]
    if options.masks is None:
        masks = _masks_among(every)
        places = {name: name for name in masks}
    else:
        places = {_relative(options.masks / name, folder): name for name in _listed(options.masks)}
        masks = list(places)
    inside = set(masks)
    images = [name for name in files.images if name not in inside and _top(name) not in _MASK_FOLDERS]
    if not images or not masks:
        raise LayoutError(
            f"holds {len(images)} images and {len(masks)} masks: there is nothing to pair",
            path=folder,
            fix=KNOWN,
        )
    pairs = pair(images, places.values())
    path_of = {name: place for place, name in places.items()}
    tops = {_top(name) for name in images}
    beside = any("/" not in name or _top(name) in tops for name in masks) and options.masks is None
    labelled = not beside and not options.subject_folder and _are_classes(tops)
    splits = _splits(images)
    rows = tuple(
        Row(
            image_id=name,
            path=name,
            label=_top(name, keep_case=True) if labelled else "",
            split=splits.get(_top(name), ""),
            mask=path_of[pairs.mask_of[name]] if name in pairs.mask_of else "",
        )
        for name in images
    )
    rows, notes = _with_subjects(rows)
    kept, more = _settled(rows, pairs.orphans, options, folder)
    notes = [f"{len(pairs.mask_of)} of {len(images)} images have a mask of their name.", *notes, *more]
    if labelled:
        notes.append(f"The folders {', '.join(sorted(tops))} are taken for classes of the images.")
    notes += _hint(folder, kept, options)
    return Arrangement("images and masks", kept, 1 if labelled else 0, tuple(notes))


def masks_of_manifest(found: Arrangement, root: Path, options: DataOptions) -> Arrangement:
    """Return the rows of a manifest with their masks: its own, or those of the folder ``--masks``.

    Raises
    ------
    DataError
        As :func:`arrange_masks`.
    """
    rows, orphans, notes = found.rows, tuple[str, ...](), list(found.notes)
    if options.masks is not None:
        names = _listed(options.masks)
        pairs = pair([row.path for row in rows], names)
        orphans = pairs.orphans
        rows = tuple(
            row.with_(mask=_relative(options.masks / pairs.mask_of[row.path], root))
            if row.path in pairs.mask_of
            else row.with_(mask="")
            for row in rows
        )
        notes.append(f"The masks are those of {options.masks}, and not the manifest's own.")
    kept, more = _settled(rows, orphans, options, root)
    return replace(found, rows=kept, notes=(*notes, *more))


def _settled(
    rows: Sequence[Row], orphans: Sequence[str], options: DataOptions, where: Path
) -> tuple[tuple[Row, ...], list[str]]:
    """Do with images without a mask what the options say."""
    without = [row for row in rows if not row.mask and row.facts.get(NO_MASK) != EMPTY]
    if not without and not orphans:
        return tuple(rows), []
    names = [row.image_id for row in without]
    if options.missing_masks == "fail":
        raise DataError(
            f"{len(without)} of {len(rows)} images have no mask, and {len(orphans)} masks have no image of "
            "their name",
            path=where,
            details=[
                *(f"image without a mask: {name}" for name in names),
                *(f"mask without an image: {name}" for name in orphans),
            ],
            fix="complete them; or --missing-masks skip leaves these out, --missing-masks empty takes it "
            "that nothing is marked in these images",
        )
    notes = []
    if orphans:
        notes.append(f"{len(orphans)} masks without an image are left out: {shown(orphans, _SHOWN)}.")
    if options.missing_masks == "skip":
        kept = tuple(row for row in rows if row.mask or row.facts.get(NO_MASK) == EMPTY)
        if not kept:
            raise DataError("no image has a mask", path=where, details=names, fix=KNOWN)
        if names:
            notes.append(f"{len(names)} images without a mask are left out: {shown(names, _SHOWN)}.")
        return kept, notes
    if names:
        notes.append(f"In {len(names)} images without a mask nothing is marked: {shown(names, _SHOWN)}.")
    empty = {row.image_id for row in without}
    return tuple(
        row.with_(facts={**row.facts, NO_MASK: EMPTY}) if row.image_id in empty else row for row in rows
    ), notes


def _masks_among(names: Sequence[str]) -> list[str]:
    """Return the masks among all image files: in a folder of masks, or called as one beside its image."""
    in_folder = [name for name in names if _top(name) in _MASK_FOLDERS]
    return in_folder or [name for name in names if has_mask_word(name)]


def _listed(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError("is no folder of masks", path=folder, fix="check --masks")
    files = list_files(folder)
    names = [*files.images, *(name for name in files.others if name.lower().endswith(MASK_SUFFIXES))]
    if not names:
        raise DataError("holds no masks (PNG, TIFF, GIF, NIfTI)", path=folder, fix="check --masks")
    return names


def _are_classes(tops: set[str]) -> bool:
    return len(tops) > 1 and not tops & _IMAGE_FOLDERS and not any(top in SPLIT_OF for top in tops)


def _splits(images: Sequence[str]) -> dict[str, str]:
    """Return the split that each top folder tells; none where there is one such folder only."""
    tops = {_top(name) for name in images if "/" in name}
    found = {top: SPLIT_OF[top] for top in tops if top in SPLIT_OF}
    return found if len(set(found.values())) > 1 else {}


def _with_subjects(rows: tuple[Row, ...]) -> tuple[tuple[Row, ...], list[str]]:
    """Give the images of known sets their subjects: their names tell them."""
    for what, pattern in _NAMED:
        matches = [pattern.fullmatch(PurePosixPath(row.path).stem) for row in rows]
        if not all(matches):
            continue
        named = tuple(
            row.with_(subject_id=match[1], subject_source="pattern")
            for row, match in zip(rows, matches, strict=True)
            if match is not None
        )
        subjects = len({row.subject_id for row in named})
        return named, [f"The files are called as those of {what} are: {subjects} subjects by their names."]
    return rows, []


def _hint(folder: Path, rows: Sequence[Row], options: DataOptions) -> list[str]:
    """Say it where a table beside the images may tell their patients."""
    if options.subjects is not None or any(row.subject_id for row in rows):
        return []
    tables = tables_beside(folder)
    if not tables:
        return []
    return [
        f"Nothing tells the patients; a table lies there: --subjects {folder / tables[0]} --on COLUMN "
        "--subject-column COLUMN."
    ]


def _top(name: str, *, keep_case: bool = False) -> str:
    top = name.partition("/")[0] if "/" in name else ""
    return top if keep_case else top.casefold()


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path.absolute(), root.absolute())).as_posix()
