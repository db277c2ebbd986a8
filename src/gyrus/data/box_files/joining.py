"""Predictions and truth brought together: the same images, the same classes, boxes that are boxes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gyrus.data.box_files.box_list import ONLY_CLASS, BoxList, Listed, Marked
from gyrus.data.box_files.problems import bad_items
from gyrus.data.files import shown
from gyrus.errors import DataError
from gyrus.metrics.detection import Cohort

_TOLERANCE_PX = 0.5
"""By how much a box may stand out of its image: tables round. It is cut at the border."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Joined:
    """Boxes that can be measured.

    Attributes
    ----------
    cohort : Cohort
    images : tuple of Listed
        In the cohort's order.
    classes : tuple of str
        In the cohort's order: by name.
    subjects_known : bool
        Every image has a patient.
    notes : tuple of str
    """

    cohort: Cohort
    images: tuple[Listed, ...]
    classes: tuple[str, ...]
    subjects_known: bool
    notes: tuple[str, ...]


def join_boxes(
    predictions: BoxList,
    truth: BoxList,
    *,
    outside: Literal["fail", "clip"] = "fail",
    any_class: bool = False,
    subjects: Mapping[str, str] | None = None,
) -> Joined:
    """Match names of images and classes, and check every box.

    Parameters
    ----------
    predictions, truth : BoxList
    outside : {"fail", "clip"}
        What becomes of boxes that stand out of their image: refused, or cut at the border.
    any_class : bool
        All boxes are of one class.
    subjects : mapping of str to str, optional
        Image -> patient; in place of what the truth says.

    Raises
    ------
    DataError
        With every bad box by its line or number: an image that the truth does not list, no score, NaN, no
        width or height, outside its image, a class that the truth does not have.
    """
    images = _images(truth, subjects)
    finder = _Finder(images, truth)
    notes = [*truth.notes, *predictions.notes]
    true = _checked(truth.boxes, truth, finder, images, scored=False, outside=outside, notes=notes)
    found = _checked(
        predictions.boxes, predictions, finder, images, scored=True, outside=outside, notes=notes
    )
    one_class = any_class or not _both_named(true, found)
    if one_class and not any_class and _names(true) | _names(found):
        notes.append("Only one side names classes: a lesion of any class counts as found.")
    labels_true, labels_found, classes = _classes(true, found, predictions, truth, one_class)
    scan, subject, known = _units(images, truth)
    empty = len(images) - len({number for number, _ in found})
    if empty:
        notes.append(f"{empty} of {len(images)} images have no predicted box.")
    if not known:
        notes.append(
            "No patient is known: every scan counts as a patient of its own, and the intervals are too "
            "short where patients have several (--subjects TABLE.csv)."
        )
    cohort = Cohort(
        predicted=_corners(found), scores=np.array([box.score for _, box in found], dtype=np.float64),
        predicted_image=_numbers(found), predicted_class=labels_found, true=_corners(true),
        true_image=_numbers(true), true_class=labels_true, scan=scan, subject=subject,
        n_classes=max(1, len(classes)),
    )  # fmt: skip
    return Joined(cohort, images, classes, known, tuple(notes))


_Placed = Sequence[tuple[int, Marked]]


def _images(truth: BoxList, subjects: Mapping[str, str] | None) -> tuple[Listed, ...]:
    twice = [name for name, count in Counter(image.image_id for image in truth.images).items() if count > 1]
    if twice:
        raise DataError(f"lists images twice: {shown(twice, _SHOWN)}", path=truth.path, fix="list each once")
    if not truth.images:
        raise DataError(
            "lists no images, so it cannot be told which have no lesion", path=truth.path,
            fix="the truth of COCO's form is an object with images, annotations and categories, not a list",
        )  # fmt: skip
    if subjects is None:
        return truth.images
    found = [_subject_of(image, subjects) for image in truth.images]
    without = [image.image_id for image, name in zip(truth.images, found, strict=True) if not name]
    if without:
        raise DataError(
            f"{len(without)} of {len(found)} images have no row in the table of patients",
            path=truth.path, details=without, fix="complete the table that --subjects names",
        )  # fmt: skip
    return tuple(replace(image, subject_id=name) for image, name in zip(truth.images, found, strict=True))


def _subject_of(image: Listed, subjects: Mapping[str, str]) -> str:
    return next((subjects[name] for name in (image.image_id, *image.names) if name in subjects), "")


class _Finder:
    """Finds an image by its id, or by a file name that is unique."""

    def __init__(self, images: Sequence[Listed], truth: BoxList) -> None:
        self.truth = truth
        self._ids = {image.image_id: number for number, image in enumerate(images)}
        self._named: dict[str, set[int]] = defaultdict(set)
        for number, image in enumerate(images):
            for name in image.names:
                self._named[name].add(number)

    def find(self, name: str) -> int | str:
        """Return the image's number, or what is wrong."""
        if name in self._ids:
            return self._ids[name]
        numbers = self._named.get(name, set())
        if len(numbers) == 1:
            return next(iter(numbers))
        if numbers:
            return f"image {name!r} is the name of {len(numbers)} images of {self.truth.path.name}"
        return f"image {name!r} is not in {self.truth.path.name}"


def _checked(
    boxes: Sequence[Marked],
    source: BoxList,
    finder: _Finder,
    images: Sequence[Listed],
    *,
    scored: bool,
    outside: str,
    notes: list[str],
) -> _Placed:
    """Return the boxes with their images' numbers, cut at the border."""
    placed, problems, cut = [], [], 0
    for box in boxes:
        number = finder.find(box.image)
        if isinstance(number, str):
            problems.append(f"{box.where}: {number}")
            continue
        wrong = _wrong_score(box.score) if scored else ""
        wrong = wrong or _no_box(box.corners)
        if wrong:
            problems.append(f"{box.where}: {wrong}")
            continue
        inside, over = _inside(box.corners, images[number])
        if over > _TOLERANCE_PX and (outside == "fail" or inside is None):
            problems.append(f"{box.where}: {_told(box.corners)} lies outside {_size(images[number])}")
        elif inside is not None:
            cut += over > _TOLERANCE_PX
            placed.append((number, replace(box, corners=inside)))
        else:
            problems.append(f"{box.where}: {_told(box.corners)} is empty within {_size(images[number])}")
    if problems:
        raise bad_items(problems, source.path, _fix(problems, finder.truth))
    if cut:
        notes.append(
            f"{source.path.name}: {cut} boxes stood out of their images and were cut (--outside clip)."
        )
    return placed


def _fix(problems: Sequence[str], truth: BoxList) -> str:
    text = " ".join(problems[:50])
    if "is not in" in text:
        return f"the truth must list every image, also those without a lesion: {truth.path.name}"
    if "has no score" in text:
        return "predictions carry a score each; is this the truth? gyrus froc PREDICTIONS TRUTH"
    if "lies outside" in text:
        return "mend the boxes, or cut them at the border: --outside clip"
    return "mend the boxes named: x0 < x1 and y0 < y1, finite numbers"


def _wrong_score(score: float | None) -> str:
    if score is None:
        return "has no score"
    return "" if math.isfinite(score) else f"score is {score}"


def _no_box(corners: tuple[float, float, float, float]) -> str:
    x0, y0, x1, y1 = corners
    if not all(math.isfinite(value) for value in corners):
        return f"{_told(corners)} is not finite"
    if x1 <= x0 or y1 <= y0:
        return (
            f"{_told(corners)} is {'inverted' if x1 < x0 or y1 < y0 else 'empty'}: expected x0 < x1, y0 < y1"
        )
    return ""


def _inside(
    corners: tuple[float, float, float, float], image: Listed
) -> tuple[tuple[float, float, float, float] | None, float]:
    """Return the part of a box within its image, and by how much it stands out."""
    right = math.inf if image.width_px is None else image.width_px
    bottom = math.inf if image.height_px is None else image.height_px
    least = 0.0 if image.width_px is not None else -math.inf
    x0, y0, x1, y1 = corners
    over = max(least - x0, least - y0, x1 - right, y1 - bottom)
    if over <= 0:
        return corners, 0.0
    cut = (max(x0, least), max(y0, least), min(x1, right), min(y1, bottom))
    return (cut if cut[0] < cut[2] and cut[1] < cut[3] else None), over


def _told(corners: tuple[float, float, float, float]) -> str:
    return f"box {' '.join(f'{value:.6g}' for value in corners)}"


def _size(image: Listed) -> str:
    return f"image {image.image_id!r} of {image.width_px:g} x {image.height_px:g}"


def _both_named(true: _Placed, found: _Placed) -> bool:
    """Tell whether both sides name classes that can be compared."""
    return not (true and found) or bool(_names(true) and _names(found))


def _names(boxes: _Placed) -> set[str]:
    return {box.label for _, box in boxes} - {"", ONLY_CLASS}


def _classes(
    true: _Placed, found: _Placed, predictions: BoxList, truth: BoxList, one_class: bool
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    if one_class:
        return np.zeros(len(true), np.int64), np.zeros(len(found), np.int64), (ONLY_CLASS,)
    # another form counts its classes otherwise: YOLO from 0, COCO as it likes
    lent = truth.class_names if predictions.form == truth.form else {}
    names = [
        _named(true, truth, truth.class_names),
        _named(found, predictions, predictions.class_names or lent),
    ]
    known = set(truth.class_names.values()) if truth.classes_declared else None
    if known is not None:
        problems = [
            f"{box.where}: class {name!r} is not among those of {truth.path.name}"
            for (_, box), name in zip(found, names[1], strict=True)
            if name not in known
        ]
        if problems:
            listed = shown(sorted(known), _SHOWN)
            raise bad_items(problems, predictions.path, f"classes are {listed}; or --any-class")
    classes = tuple(sorted({*names[0], *names[1], *(known or ())})) or (ONLY_CLASS,)
    number = {name: place for place, name in enumerate(classes)}
    first, second = (np.array([number[name] for name in part], dtype=np.int64) for part in names)
    return first, second, classes


def _named(boxes: _Placed, source: BoxList, names: Mapping[str, str]) -> list[str]:
    if source.numbered:
        return [names.get(box.label, box.label) or ONLY_CLASS for _, box in boxes]
    return [box.label or ONLY_CLASS for _, box in boxes]


def _units(images: Sequence[Listed], truth: BoxList) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the numbers of each image's scan and patient, and whether every patient is known."""
    scans = [("scan", image.scan_id) if image.scan_id else ("image", image.image_id) for image in images]
    known = all(image.subject_id for image in images)
    subjects = [
        ("subject", image.subject_id) if image.subject_id else scan
        for image, scan in zip(images, scans, strict=True)
    ]
    patients: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for scan, subject in zip(scans, subjects, strict=True):
        patients[scan].add(subject)
    torn = [scan[1] for scan, names in patients.items() if len(names) > 1]
    if torn:
        raise DataError(
            f"{len(torn)} scans belong to several patients", path=truth.path, details=torn,
            fix="mend scan_id or subject_id",
        )  # fmt: skip
    return _enumerated(scans), _enumerated(subjects), known


def _enumerated(keys: Sequence[tuple[str, str]]) -> np.ndarray:
    number: dict[tuple[str, str], int] = {}
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)


def _corners(boxes: _Placed) -> np.ndarray:
    return np.array([box.corners for _, box in boxes], dtype=np.float64).reshape(-1, 4)


def _numbers(boxes: _Placed) -> np.ndarray:
    return np.array([number for number, _ in boxes], dtype=np.int64)
