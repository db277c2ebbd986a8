"""A folder of predicted masks, joined with images by the names of the files."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_pairs import without_nifti_twins
from gyrus.data.safe_names import stem_of
from gyrus.errors import PredictionsError
from gyrus.evaluation.mask_predictions import MaskPredictions, mask_file_name

logger = logging.getLogger("gyrus")

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif", ".nii", ".gz")
_TAIL = re.compile(r"[_-](mask|seg|pred|prediction)$", re.IGNORECASE)


def read_mask_folder(folder: Path, manifest: Manifest, classes: Sequence[str]) -> MaskPredictions:
    """Find the predicted mask of each image: named as gyrus names it, or as the image is.

    A mask is an image's when its name is :func:`mask_file_name` of the id; else when both names are the same
    without ending and without a final ``_mask``, ``_seg``, ``_pred`` or ``_prediction``. Images without a
    predicted mask are left out, as those of other splits are. Of a mask that lies there as PNG and as NIfTI,
    as ``gyrus predict --masks`` writes it, the PNG is read; of a volume, the PNGs of its slices.

    Parameters
    ----------
    folder : Path
        Searched with its folders below.
    manifest : Manifest
        The images.
    classes : sequence of str
        What the numbers in the masks mean.

    Raises
    ------
    PredictionsError
        When there is no mask, when a mask has no image, or when a name fits several.
    """
    listed = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES)
    names, twins = without_nifti_twins([path.relative_to(folder).as_posix() for path in listed])
    if twins:
        logger.info("note: %d masks lie in %s as PNG and as NIfTI: the PNG is read.", twins, folder)
    files = [folder / name for name in names]
    if not files:
        raise PredictionsError(
            f"holds no mask ({', '.join(SUFFIXES[:5])})",
            path=folder,
            fix="name the folder of predicted masks",
        )
    rows = manifest.rows
    by_file = {mask_file_name(row.image_id): row for row in rows}
    by_file |= {f"{stem_of(PurePosixPath(row.path), row.frame)}.png": row for row in rows if row.frame}
    by_stem: dict[str, list[Row]] = {}
    for row in rows:
        by_stem.setdefault(_stem(row.path), []).append(row)
    found: dict[str, Path] = {}
    volumes: dict[str, list[Row]] = {}
    strangers: list[str] = []
    doubled: list[str] = []
    for path in files:
        exact = by_file.get(path.name)
        fitting = [exact] if exact is not None else by_stem.get(_stem(path.name), [])
        if len(fitting) > 1 and len({row.path for row in fitting}) == 1:
            volumes[path.relative_to(folder).as_posix()] = fitting
        elif len(fitting) != 1:
            (doubled if fitting else strangers).append(path.relative_to(folder).as_posix())
        elif fitting[0].image_id in found:
            doubled.append(f"{path.relative_to(folder).as_posix()} and {found[fitting[0].image_id].name}")
        else:
            found[fitting[0].image_id] = path
    # a label map of a volume is the twin of its slices' PNGs; alone it would have to be cut as the volume is
    doubled += [name for name, slices in volumes.items() if not any(row.image_id in found for row in slices)]
    if strangers or doubled:
        raise _unmatched(
            folder, strangers, doubled, [row.image_id for row in rows if row.image_id not in found]
        )
    chosen = [row for row in rows if row.image_id in found]
    return MaskPredictions(
        image_ids=tuple(row.image_id for row in chosen),
        subject_ids=tuple(row.subject_id for row in chosen),
        masks=tuple(found[row.image_id] for row in chosen),
        classes=tuple(classes),
    )


def _stem(name: str) -> str:
    """Return a file's name without its endings and without what says that it is a mask."""
    bare = PurePosixPath(name.replace("\\", "/")).name
    while PurePosixPath(bare).suffix.lower() in (*SUFFIXES, ".jpg", ".jpeg", ".dcm"):
        bare = PurePosixPath(bare).stem
    return _TAIL.sub("", bare)


def _unmatched(
    folder: Path, strangers: list[str], doubled: list[str], without: list[str]
) -> PredictionsError:
    details = [f"mask without an image: {name}" for name in strangers]
    details += [f"fits several images, or an image has two: {name}" for name in doubled]
    details += [f"image without a mask: {name}" for name in without]
    count = len(strangers) + len(doubled)
    return PredictionsError(
        f"{count} predicted masks cannot be joined with an image",
        path=folder,
        details=details,
        fix="name each mask as its image (or list them in a file with image_id, mask and classes); label "
        "maps of whole volumes are measured without the images: gyrus evaluate PREDICTED --masks TRUE",
    )
