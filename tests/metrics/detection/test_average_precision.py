"""Average precision by hand: each truth once, images apart, nothing there, bad input."""

import numpy as np
import pytest

from gyrus.metrics.detection import average_precision, match
from gyrus.metrics.detection.average_precision import precision_by_class, precision_recall_points
from gyrus.metrics.detection.cohort import cohort_of

BOX = [10, 10, 30, 30]


def test_a_box_of_another_image_finds_nothing():
    assert average_precision([[BOX], []], [[0.9], []], [[], [BOX]], 0.5) == 0.0
    assert average_precision([[], [BOX]], [[], [0.9]], [[], [BOX]], 0.5) == 1.0


def test_a_second_box_on_a_lesion_is_a_false_alarm():
    once = average_precision([[BOX]], [[0.9]], [[BOX, [50, 50, 60, 60]]], 0.5)
    twice = average_precision(
        [[BOX, BOX, [50, 50, 60, 60]]], [[0.9, 0.8, 0.7]], [[BOX, [50, 50, 60, 60]]], 0.5
    )
    assert once == pytest.approx(51 / 101)
    assert twice == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_taken_truth_leaves_the_next_best():
    true = [[0, 0, 10, 10], [2, 0, 12, 10]]
    found = [[0, 0, 10, 10], [0, 0, 10, 10]]  # both prefer the first; the weaker one takes the second
    assert average_precision([found], [[0.9, 0.8]], [true], 0.5) == 1.0


def test_nothing_there():
    assert np.isnan(average_precision([[BOX]], [[0.9]], [[]], 0.5))
    assert np.isnan(average_precision([], [], [], 0.5))
    assert average_precision([[]], [[]], [[BOX]], 0.5) == 0.0
    recall, precision = precision_recall_points(
        cohort_of([[]], [[]], [[]]), *match(cohort_of([[]], [[]], [[]]), [0.5])
    )
    assert np.isnan(recall).all()
    assert np.isnan(precision).all()


def test_equal_scores_taken_together_do_not_depend_on_their_order():
    boxes, far = [BOX, [60, 60, 70, 70]], [[60, 60, 70, 70], BOX]
    for method, equal in (("area", True), ("coco", False)):
        figures = [
            average_precision([order], [[0.5, 0.5]], [[BOX]], 0.5, method=method) for order in (boxes, far)
        ]
        assert (figures[0] == figures[1]) is equal
    assert average_precision([boxes], [[0.5, 0.5]], [[BOX]], 0.5, method="area") == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_matching_is_that_of_going_one_by_one(seed):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 12, (60, 2))
    found = np.concatenate([corner, corner + rng.integers(3, 9, (60, 2))], axis=1).astype(float)
    corner = rng.integers(0, 12, (25, 2))
    true = np.concatenate([corner, corner + rng.integers(3, 9, (25, 2))], axis=1).astype(float)
    scores = rng.permutation(60).astype(float)  # crowded: many want the same
    for criterion in ("iou", "centre", "iobb"):
        (matched,) = match(cohort_of([found], [scores], [true]), [0.3], criterion)
        assert matched.lesion.tolist() == one_by_one(found[np.argsort(-scores)], true, 0.3, criterion)


def one_by_one(found, true, threshold, criterion):
    taken, chosen = set(), []
    for box in found:
        best, best_iou = -1, -1.0
        for number, other in enumerate(true):
            sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
            shared = float(np.prod(np.maximum(sides, 0)))
            own, its = (float(np.prod(b[2:] - b[:2])) for b in (box, other))
            iou = shared / (own + its - shared)
            centre = (box[:2] + box[2:]) / 2
            inside = bool((centre >= other[:2]).all() and (centre < other[2:]).all())
            met = {"iou": iou >= threshold, "centre": inside, "iobb": shared / own >= threshold}[criterion]
            if met and number not in taken and iou >= best_iou:
                best, best_iou = number, iou
        chosen.append(best)
        taken |= {best} - {-1}
    return chosen


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([[BOX]], [[0.9, 0.8]], [[BOX]]), "image 0 has 1 predicted boxes"),
        (([[BOX]], [[0.9]], []), "expected three lists"),
        (([[BOX]], [[np.nan]], [[BOX]]), "score number 0 is NaN"),
        (([[[5, 5, 1, 9]]], [[0.9]], [[BOX]]), "predicted boxes of image 0, number 0"),
        (([[BOX]], [[0.9]], [[[0, 0, 0, np.inf]]]), "true boxes of image 0, number 0"),
        (([[BOX]], [[0.9]], [[BOX]], 0.0), "expected above 0"),
    ],
)
def test_bad_input_is_named(arguments, told):
    with pytest.raises(ValueError, match=told):
        average_precision(*arguments)


def test_an_unknown_method_is_refused():
    cohort = cohort_of([[BOX]], [[0.9]], [[BOX]])
    with pytest.raises(ValueError, match="expected coco or area"):
        precision_by_class(cohort, match(cohort, [0.5]), "voc")
