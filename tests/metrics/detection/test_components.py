"""Connected parts of masks, held against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from gyrus.metrics.detection import boxes_from_heat, boxes_from_mask
from gyrus.metrics.detection.components import label_components

EIGHT = np.ones((3, 3), dtype=int)
FOUR = ndimage.generate_binary_structure(2, 1)


def masks():
    rng = np.random.default_rng(0)
    yield from (rng.random((rng.integers(1, 60), rng.integers(1, 60))) < p for p in (0.1, 0.4, 0.6, 0.9) * 8)
    spiral = np.zeros((41, 41), bool)  # one part with many turns
    for i in range(0, 20, 4):
        spiral[i, i : 41 - i] = spiral[i : 41 - i, 40 - i] = spiral[40 - i, i : 41 - i] = True
        spiral[i + 4 : 41 - i, i] = True
        if i:
            spiral[i + 0, i - 4 : i + 1] = True
    yield spiral
    yield np.zeros((5, 7), bool)
    yield np.ones((5, 7), bool)
    checkers = np.indices((20, 20)).sum(axis=0) % 2 == 0
    yield checkers


@pytest.mark.parametrize(("connectivity", "structure"), [(4, FOUR), (8, EIGHT)])
def test_parts_and_their_numbers_are_those_of_scipy(connectivity, structure):
    for mask in masks():
        expected, count = ndimage.label(mask, structure)
        found = label_components(mask, connectivity)
        np.testing.assert_array_equal(found, expected)
        boxes = boxes_from_mask(mask, connectivity=connectivity)
        slices = ndimage.find_objects(expected)
        assert boxes.tolist() == [[x.start, y.start, x.stop, y.stop] for y, x in slices]
        assert len(boxes) == count


def test_an_empty_mask_has_no_part():
    assert label_components(np.zeros((0, 4))).shape == (0, 4)
    assert boxes_from_mask(np.zeros((3, 0))).shape == (0, 4)


def test_small_parts_are_left_out():
    mask = np.zeros((6, 6))
    mask[0, 0] = mask[2:4, 2:5] = 3
    assert boxes_from_mask(mask, min_area_px=2).tolist() == [[2, 2, 5, 4]]


@pytest.mark.parametrize(("shape", "connectivity"), [((2, 2, 2), 8), ((4, 4), 6)])
def test_other_masks_are_refused(shape, connectivity):
    with pytest.raises(ValueError, match="expected"):
        label_components(np.zeros(shape), connectivity)


def test_heat_gives_boxes_by_falling_peak():
    rng = np.random.default_rng(1)
    for _ in range(20):
        heat = ndimage.gaussian_filter(rng.normal(size=(40, 50)), 2.0)
        boxes, scores = boxes_from_heat(heat, 0.5, relative=True)
        labels, count = ndimage.label(heat >= 0.5 * heat.max(), EIGHT)
        peaks = ndimage.maximum(heat, labels, range(1, count + 1))
        assert scores.tolist() == sorted(peaks, reverse=True)
        best = ndimage.find_objects(labels)[int(np.argmax(peaks))]
        assert boxes[0].tolist() == [best[1].start, best[0].start, best[1].stop, best[0].stop]


def test_heat_without_a_positive_value_has_no_relative_part():
    boxes, scores = boxes_from_heat(-np.ones((4, 4)), 0.5, relative=True)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
    assert len(boxes_from_heat(-np.ones((4, 4)), -2.0)[0]) == 1


def test_heat_of_nan_or_a_senseless_level_is_refused():
    with pytest.raises(ValueError, match="finite"):
        boxes_from_heat([[np.nan]], 0.5)
    with pytest.raises(ValueError, match="share of the highest"):
        boxes_from_heat([[1.0]], 1.5, relative=True)
