"""The predicted and the true boxes of many images, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gyrus.metrics.detection.boxes import checked_boxes
from gyrus.metrics.undefined import FloatArray

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cohort:
    """Predicted boxes, true boxes, and what belongs to whom.

    Attributes
    ----------
    predicted, true : ndarray of float64, shape (n, 4) and (m, 4)
    scores : ndarray of float64, shape (n,)
        Higher: more certain.
    predicted_image, true_image : ndarray of int64, shape (n,) and (m,)
        Number of the image, from 0.
    predicted_class, true_class : ndarray of int64, shape (n,) and (m,)
        Number of the class, from 0.
    scan : ndarray of int64, shape (n_images,)
        Number of the scan that each image belongs to, from 0; an image may be a scan by itself.
    subject : ndarray of int64, shape (n_images,)
        Number of the patient, from 0; all images of a scan have the same.
    n_classes : int

    Raises
    ------
    ValueError
        When shapes do not fit, numbers lie outside, a box is no box, a score is NaN, or a scan belongs to
        two patients.
    """

    predicted: FloatArray
    scores: FloatArray
    predicted_image: Ints
    predicted_class: Ints
    true: FloatArray
    true_image: Ints
    true_class: Ints
    scan: Ints
    subject: Ints
    n_classes: int

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        checked_boxes(self.predicted, "predicted boxes")
        checked_boxes(self.true, "true boxes")
        for name, size in (
            ("scores", len(self.predicted)), ("predicted_image", len(self.predicted)),
            ("predicted_class", len(self.predicted)), ("true_image", len(self.true)),
            ("true_class", len(self.true)), ("subject", len(self.scan)),
        ):  # fmt: skip
            if getattr(self, name).shape != (size,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; expected ({size},)")
        for name, limit in (
            ("predicted_image", self.n_images), ("true_image", self.n_images),
            ("predicted_class", self.n_classes), ("true_class", self.n_classes),
        ):  # fmt: skip
            numbers = getattr(self, name)
            if numbers.size and (numbers.min() < 0 or numbers.max() >= limit):
                raise ValueError(f"{name} goes from {numbers.min()} to {numbers.max()}; there are {limit}")
        if np.isnan(self.scores).any():
            raise ValueError(f"score number {int(np.argmax(np.isnan(self.scores)))} is NaN")
        if not np.array_equal(self.subject_of_scan[self.scan], self.subject):
            raise ValueError("a scan belongs to two patients")

    @property
    def n_images(self) -> int:
        """How many images there are."""
        return int(self.scan.size)

    @property
    def n_scans(self) -> int:
        """How many scans there are."""
        return int(self.scan.max()) + 1 if self.scan.size else 0

    @property
    def n_subjects(self) -> int:
        """How many patients there are."""
        return int(self.subject.max()) + 1 if self.subject.size else 0

    @cached_property
    def subject_of_scan(self) -> Ints:
        """Number of each scan's patient, (n_scans,)."""
        of_scan = np.zeros(self.n_scans, dtype=np.int64)
        of_scan[self.scan] = self.subject
        return of_scan

    @cached_property
    def ranked(self) -> Ints:
        """Numbers of the predicted boxes by falling score; equal scores stay as given, in order of images.

        The order in which COCO's evaluation takes them, ties included.
        """
        by_image = np.argsort(self.predicted_image, kind="stable")
        return by_image[np.argsort(-self.scores[by_image], kind="stable")]

    def without_classes(self) -> Cohort:
        """Return the same boxes as one class."""
        return replace(
            self, predicted_class=np.zeros_like(self.predicted_class),
            true_class=np.zeros_like(self.true_class), n_classes=1,
        )  # fmt: skip

    def of_class(self, number: int) -> Cohort:
        """Return the boxes of one class alone, on the same scans."""
        mine, its = self.predicted_class == number, self.true_class == number
        return replace(
            self.only(mine), true=self.true[its], true_image=self.true_image[its],
            true_class=self.true_class[its],
        ).without_classes()  # fmt: skip

    def only(self, predicted: npt.NDArray[np.bool_] | Ints) -> Cohort:
        """Return the same with these predicted boxes alone."""
        return replace(
            self, predicted=self.predicted[predicted], scores=self.scores[predicted],
            predicted_image=self.predicted_image[predicted], predicted_class=self.predicted_class[predicted],
        )  # fmt: skip

    def group_of_predicted(self) -> Ints:
        """Return the number of each predicted box's image and class, which it can be matched within."""
        return self.predicted_image * self.n_classes + self.predicted_class

    def group_of_true(self) -> Ints:
        """Return the number of each true box's image and class."""
        return self.true_image * self.n_classes + self.true_class


def cohort_of(
    pred_boxes: Sequence[npt.ArrayLike],
    pred_scores: Sequence[npt.ArrayLike],
    true_boxes: Sequence[npt.ArrayLike],
) -> Cohort:
    """Return one class of boxes, given as lists with an entry per image; each image is a scan and a patient.

    Raises
    ------
    ValueError
        When the lists differ in length, or an image has another number of scores than of boxes.
    """
    lists = [list(part) for part in (pred_boxes, pred_scores, true_boxes)]
    if len({len(part) for part in lists}) != 1:
        raise ValueError(
            f"{len(lists[0])} images of predicted boxes, {len(lists[1])} of scores, {len(lists[2])} of true "
            "boxes; expected three lists with an entry per image"
        )
    for number, (boxes, scores) in enumerate(zip(lists[0], lists[1], strict=True)):
        if np.ndim(scores) != 1 or np.size(scores) != len(np.asarray(boxes)):
            raise ValueError(
                f"image {number} has {len(np.atleast_1d(np.asarray(boxes)))} predicted boxes and scores of "
                f"shape {np.shape(scores)}; expected a score per box"
            )
    found = [checked_boxes(boxes, f"predicted boxes of image {i}") for i, boxes in enumerate(lists[0])]
    true = [checked_boxes(boxes, f"true boxes of image {i}") for i, boxes in enumerate(lists[2])]
    images = np.arange(len(found))
    found_image, true_image = (np.repeat(images, [len(one) for one in part]) for part in (found, true))
    return Cohort(
        predicted=np.concatenate([np.zeros((0, 4)), *found]),
        scores=np.concatenate([np.zeros(0), *(np.asarray(one, dtype=np.float64) for one in lists[1])]),
        predicted_image=found_image, predicted_class=np.zeros_like(found_image),
        true=np.concatenate([np.zeros((0, 4)), *true]), true_image=true_image,
        true_class=np.zeros_like(true_image), scan=images, subject=images, n_classes=1,
    )  # fmt: skip
