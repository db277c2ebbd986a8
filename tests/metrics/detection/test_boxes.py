"""Overlaps and suppression of boxes."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou as torch_iou
from torchvision.ops import nms

from gyrus.metrics.detection import box_iou, suppress
from gyrus.metrics.detection.boxes import centre_in_pairs, iobb_of_pairs, overlap_of_pairs


def some_boxes(rng, n, side=40):
    corner = rng.integers(0, side, (n, 2))
    return np.concatenate([corner, corner + rng.integers(1, side // 2, (n, 2))], axis=1).astype(float)


def test_iou_is_that_of_torchvision():
    rng = np.random.default_rng(0)
    first, second = some_boxes(rng, 30), some_boxes(rng, 20)
    expected = torch_iou(torch.tensor(first), torch.tensor(second)).numpy()
    np.testing.assert_allclose(box_iou(first, second), expected, rtol=1e-12)


def test_centre_and_iobb_by_hand():
    true = np.array([[10.0, 10.0, 20.0, 20.0]])
    assert centre_in_pairs(np.array([[8.0, 8.0, 12.0, 12.0]]), true).tolist() == [True]  # centre on x0
    assert centre_in_pairs(np.array([[18.0, 18.0, 22.0, 22.0]]), true).tolist() == [False]  # on x1: half-open
    assert iobb_of_pairs(np.array([[8.0, 8.0, 12.0, 12.0]]), true).tolist() == [0.25]
    assert iobb_of_pairs(np.array([[12.0, 12.0, 14.0, 14.0]]), true).tolist() == [1.0]
    with pytest.raises(ValueError, match="expected one of iou, centre, iobb"):
        overlap_of_pairs(true, true, "dice")


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_suppression_is_that_of_torchvision(threshold):
    rng = np.random.default_rng(1)
    for _ in range(20):
        boxes = some_boxes(rng, int(rng.integers(0, 80)))
        scores = rng.permutation(len(boxes)).astype(float)
        expected = nms(torch.tensor(boxes), torch.tensor(scores), threshold).tolist()
        assert suppress(boxes, scores, threshold).tolist() == expected


def test_suppression_stays_within_its_group_and_keeps_the_first_of_equals():
    boxes = [[0, 0, 4, 4]] * 3
    assert suppress(boxes, [0.5, 0.5, 0.9], 0.5, groups=[0, 0, 1]).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("boxes", "told"),
    [
        ([[0, 0, 1, 1], [3, 3, 3, 5]], "number 1"),
        ([[0, 0, 1, np.nan]], "number 0"),
        ([[5, 5, 2, 9]], "x0 < x1"),
        ([[0, 0, 1]], r"expected \(n, 4\)"),
    ],
)
def test_what_is_no_box_is_named(boxes, told):
    with pytest.raises(ValueError, match=told):
        box_iou(boxes, [[0, 0, 1, 1]])


def test_suppression_wants_a_score_per_box():
    with pytest.raises(ValueError, match="as many scores"):
        suppress([[0, 0, 1, 1]], [0.5, 0.4], 0.5)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        suppress([[0, 0, 1, 1]], [0.5], 1.5)
