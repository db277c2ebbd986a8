"""Boxes around the connected parts of mask images.

A truth's mask: any value but 0 is lesion. A prediction's: the share of the largest value that the file's
depth can hold (255, 65535) is the probability; parts at or above a level become boxes, their highest
probability the score. Where no file of a folder holds anything above 1, these are the masks of one class as
gyrus writes them: 1 is lesion.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from gyrus.data.box_files.box_list import ONLY_CLASS, BoxList, Listed, Marked
from gyrus.data.files import list_files
from gyrus.data.manifest import read_manifest
from gyrus.data.mask_pairs import without_nifti_twins
from gyrus.errors import DataError
from gyrus.imaging import decode
from gyrus.imaging.source import Source
from gyrus.metrics.detection import boxes_from_heat, boxes_from_mask
from gyrus.metrics.detection.components import Connectivity


def read_true_masks(path: Path, images: Path | None, connectivity: Connectivity) -> BoxList:
    """Read a folder of masks, or those that a manifest names in its column ``mask``.

    Raises
    ------
    DataError
        Without masks.
    ImageError
        For a mask that cannot be read.
    """
    return _manifest_masks(path, connectivity) if path.is_file() else _folder(path, images, connectivity)


def read_predicted_masks(folder: Path, level: float, connectivity: Connectivity) -> BoxList:
    """Read a folder of probability maps, or of masks (score 1 then)."""
    files = list(_files(folder))
    # of probability maps mostly the first one tells
    whole = all(_highest(_pixels(source)) <= 1 for _, _, source in files)
    highest, boxes = 0, []
    for stem, name, source in files:
        pixels = _pixels(source)
        highest = max(highest, _highest(pixels))
        heat = pixels.astype(np.float64) / (1 if whole else np.iinfo(pixels.dtype).max)
        corners, scores = boxes_from_heat(heat, level, connectivity=connectivity)
        boxes += [
            Marked(stem, "", _four(box), float(score), f"{name}, part {number}")
            for number, (box, score) in enumerate(zip(corners, scores, strict=True))
        ]
    notes = []
    if highest == 1:
        notes.append(f"{folder.name}: no value is above 1: masks of one class, in which 1 is lesion.")
    if highest > 1 and not boxes:
        notes.append(
            f"{folder.name}: no part reaches --mask-level {level:g}; the highest value is {highest}. Masks "
            "with the numbers of several classes are no probability maps: save what counts as "
            "255, the rest as 0."
        )
    if boxes and len({box.score for box in boxes}) == 1:
        notes.append(
            f"{folder.name}: all parts have the same score, as of masks without probabilities; the curves "
            "have one point."
        )
    return BoxList(folder, "masks", tuple(boxes), notes=tuple(notes))


def _folder(folder: Path, images: Path | None, connectivity: Connectivity) -> BoxList:
    boxes, listed = [], []
    beside = _by_stem(images) if images is not None else {}
    for stem, name, source in _files(folder):
        mask = _pixels(source)
        height, width = mask.shape
        names = dict.fromkeys((name, PurePosixPath(name).name, PurePosixPath(stem).name))
        listed.append(
            Listed(stem, tuple(names), width, height, source=beside.get(stem), where=f"mask {name}")
        )
        boxes += _parts(mask, stem, ONLY_CLASS, name, connectivity)
    return BoxList(folder, "masks", tuple(boxes), tuple(listed))


def _manifest_masks(path: Path, connectivity: Connectivity) -> BoxList:
    manifest = read_manifest(path)
    without = [row.image_id for row in manifest if not row.mask]
    if without:
        raise DataError(
            f"{len(without)} of {len(manifest)} rows name no mask", path=path, details=without,
            fix="an image without a lesion has a mask of zeros; leave out --masks to take the boxes",
        )  # fmt: skip
    boxes, listed = [], []
    for row in manifest:
        mask = _pixels(Source(manifest.root / row.mask, row.frame))
        source, pure = manifest.source_of(row), PurePosixPath(row.image_id)
        listed.append(
            Listed(
                row.image_id, tuple(dict.fromkeys((pure.name, pure.stem))), mask.shape[1], mask.shape[0],
                subject_id=row.subject_id, scan_id=row.facts.get("scan_id", ""),
                source=source if source.path.is_file() else None, where=f"mask {row.mask}",
            )
        )  # fmt: skip
        boxes += _parts(mask, row.image_id, row.label or ONLY_CLASS, row.mask, connectivity)
    return BoxList(path, "masks", tuple(boxes), tuple(listed))


def _parts(
    mask: npt.NDArray[np.generic], image: str, label: str, name: str, connectivity: Connectivity
) -> list[Marked]:
    return [
        Marked(image, label, _four(box), None, f"{name}, part {number}")
        for number, box in enumerate(boxes_from_mask(mask, connectivity=connectivity))
    ]


def _files(folder: Path) -> Iterator[tuple[str, str, Source]]:
    """Yield path without ending, path and source of the images below a folder.

    A name in which gyrus has written the slash of an ``image_id`` as ``%2F`` stands for that id.
    """
    if not folder.is_dir():
        raise DataError("is no folder of masks", path=folder, fix="leave out --masks for a file of boxes")
    names, _ = without_nifti_twins(list_files(folder).images)
    if not names:
        raise DataError("holds no mask image", path=folder, fix="leave out --masks for files of boxes")
    for name in names:
        yield unquote(PurePosixPath(name).with_suffix("").as_posix()), name, Source(folder / name)


def _by_stem(folder: Path) -> dict[str, Source]:
    return {
        PurePosixPath(name).with_suffix("").as_posix(): Source(folder / name)
        for name in list_files(folder).images
    }


def _pixels(source: Source) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    pixels = decode(source.read(), name=str(source)).pixels
    if pixels.ndim != 2:
        raise DataError(
            "is in colour; a mask has one channel", path=str(source), fix="save it as grey: 0 outside"
        )
    return pixels


def _highest(pixels: npt.NDArray[np.generic]) -> int:
    return int(pixels.max(initial=0))


def _four(box: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1
