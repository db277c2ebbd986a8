"""What happens where a mask is empty, and how objects are counted."""

import math

import numpy as np
import pytest

from gyrus.metrics.segmentation import (
    mean_of,
    measure_case,
    measure_objects,
    overlaps,
    plain_interval,
    positive_interval,
    surface_distances,
)

EMPTY = np.zeros((6, 6), np.uint8)
SQUARE = EMPTY.copy()
SQUARE[1:4, 1:4] = 1


def test_nothing_to_find_and_nothing_drawn_is_undefined():
    (case,) = measure_case(EMPTY, EMPTY, 1)
    figures = (case.dice, case.iou, case.precision, case.recall, case.hd95, case.average_distance,
               case.surface_dice)  # fmt: skip
    assert all(math.isnan(one) for one in figures)
    assert case.objects.area_px.size == 0
    assert case.objects.false_parts == 0


def test_a_miss_scores_zero_at_infinite_distance():
    (case,) = measure_case(SQUARE, EMPTY, 1)
    assert (case.dice, case.iou, case.recall, case.surface_dice) == (0, 0, 0, 0)
    assert math.isnan(case.precision)
    assert case.hd95 == case.average_distance == math.inf
    assert case.objects.covered_px.tolist() == [0]


def test_a_false_alarm_scores_zero_and_has_no_recall():
    (case,) = measure_case(EMPTY, SQUARE, 1)
    assert (case.dice, case.iou, case.precision, case.surface_dice) == (0, 0, 0, 0)
    assert math.isnan(case.recall)
    assert case.hd95 == math.inf
    assert case.objects.false_parts == 1


def test_a_perfect_answer():
    (case,) = measure_case(SQUARE, SQUARE, 1)
    assert (case.dice, case.iou, case.precision, case.recall, case.surface_dice) == (1, 1, 1, 1, 1)
    assert case.hd95 == case.average_distance == 0


def test_classes_are_measured_each_by_itself():
    true = np.array([[1, 1, 2, 0]])
    drawn = np.array([[1, 2, 2, 2]])
    one, two = measure_case(true, drawn, 2)
    assert (one.true_px, one.predicted_px, one.both_px) == (2, 1, 1)
    assert (two.true_px, two.predicted_px, two.both_px) == (1, 3, 1)
    assert (one.dice, two.dice) == pytest.approx((2 / 3, 1 / 2))


def test_what_lies_around_the_masks_changes_nothing():
    rng = np.random.default_rng(6)
    true, drawn = (rng.random((9, 11)) < 0.4).astype(int), (rng.random((9, 11)) < 0.4).astype(int)
    (near,) = measure_case(true, drawn, 1, tolerance=1)
    (far,) = measure_case(np.pad(true, 20), np.pad(drawn, 20), 1, tolerance=1)
    for name in ("true_px", "both_px", "dice", "hd95", "average_distance", "surface_dice"):
        assert getattr(near, name) == getattr(far, name)
    assert near.objects.area_px.tolist() == far.objects.area_px.tolist()
    assert near.objects.false_parts == far.objects.false_parts


def test_distances_are_in_the_unit_of_the_spacing():
    shifted = np.roll(SQUARE, 1, axis=1)
    assert surface_distances(SQUARE, shifted, (6.0, 0.5)).hausdorff(100) == 0.5
    assert surface_distances(SQUARE, shifted.T, (6.0, 0.5)).hausdorff(100) == 6.0
    assert surface_distances(SQUARE, shifted).dice(0.5) < 1 == surface_distances(SQUARE, shifted).dice(1)


@pytest.mark.parametrize(
    ("true", "drawn"), [(np.zeros((2, 3)), np.zeros((3, 2))), (np.zeros((2, 2)), np.full((2, 2), 2))]
)
def test_other_masks_are_refused(true, drawn):
    with pytest.raises(ValueError, match="expected"):
        overlaps(true.astype(int), drawn.astype(int), 1)


def test_a_tolerance_that_is_none_is_refused():
    with pytest.raises(ValueError, match="expected 0 or more"):
        surface_distances(SQUARE, SQUARE).dice(float("nan"))


def test_objects_and_what_was_drawn_beside_them():
    true, drawn = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    true[0:2, 0:2] = true[6:10, 6:10] = True
    drawn[0:2, 0] = drawn[6:10, 6:10] = True  # half of the first, all of the second
    drawn[4, 0:2] = drawn[11, 0] = True  # two false ones
    found = measure_objects(true, drawn)
    assert found.area_px.tolist() == [4, 16]
    assert found.covered_px.tolist() == [2, 16]
    assert found.false_parts == 2


def test_means_leave_out_what_is_undefined_and_cluster_by_patient():
    values, groups = [1.0, 3.0, math.nan, math.inf, 5.0], [0, 0, 0, 1, 1]
    linear = mean_of(values, groups, 2)
    assert (linear.value, linear.clusters) == (3.0, 2)
    above = positive_interval(linear)
    assert 0 < above.low < 3 < above.high
    assert above.low * above.high == pytest.approx(9)  # even on the scale of logarithms
    plain = plain_interval(linear)
    assert plain.low + plain.high == pytest.approx(6)


def test_one_patient_tells_nothing_about_others():
    linear = mean_of([1.0, 2.0], [0, 0], 1)
    assert math.isnan(positive_interval(linear).low)
    assert math.isnan(plain_interval(linear).low)


def test_a_mean_over_patients_is_covered_as_promised():
    """Log-normal distances of 25 patients: the interval holds the true mean about as often as it says."""
    rng = np.random.default_rng(0)
    truth, hits = math.exp(1 + 0.5**2 / 2 + 0.3**2 / 2), 0
    for _ in range(300):
        level = rng.normal(1, 0.5, 25).repeat(4)
        values = np.exp(level + rng.normal(0, 0.3, 100))
        found = positive_interval(mean_of(values, np.arange(25).repeat(4), 25))
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99
