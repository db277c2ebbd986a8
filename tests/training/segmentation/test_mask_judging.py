"""What an epoch's figures are: Dice by hand, and the rule for images in which nothing is marked."""

import math

import pytest
import torch

from gyrus.training.segmentation.answers import Answers, Truth
from gyrus.training.segmentation.judging import chosen, dice_of, judge_masks


def test_dice_by_hand():
    truth = torch.zeros(4, 2, 4, dtype=torch.uint8)
    answer = truth.clone()
    truth[0, 0] = 1  # four marked, two of them found, one in vain: 2 * 2 / (4 + 3)
    answer[0, 0, :2] = answer[0, 1, 0] = 1
    truth[1, 0, 0] = 1  # missed
    answer[2, 0, 0] = 1  # in vain; the fourth: nothing marked, nothing found
    assert dice_of(answer, truth, classes=1).tolist() == pytest.approx([4 / 7, 0.0, 0.0, 1.0])


def test_classes_that_neither_marks_do_not_count():
    truth = torch.tensor([[[1, 1, 2, 0]]], dtype=torch.uint8)
    answer = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.uint8)
    assert dice_of(answer, truth, classes=3).tolist() == [0.5]  # 1 and 0, the third is nowhere


def test_one_plane_is_cut_at_the_half_and_several_by_the_largest():
    assert chosen(torch.tensor([[[[-1.0, 0.0, 2.0]]]])).tolist() == [[[0, 0, 1]]]
    assert chosen(torch.tensor([[[[3.0, 0.0]], [[1.0, 0.0]], [[2.0, 5.0]]]])).tolist() == [[[0, 2]]]


@pytest.mark.parametrize("planes", [1, 3])
def test_sums_are_those_of_the_finest_masks(planes):
    torch.manual_seed(0)
    fine = torch.randn(5, planes, 8, 8)
    truth = Truth(torch.randint(0, 2 if planes == 1 else 3, (5, 8, 8), dtype=torch.uint8))
    loss, dice = judge_masks(Answers((fine, torch.randn(5, planes, 4, 4))), truth)
    if planes == 1:
        each = torch.nn.functional.binary_cross_entropy_with_logits(fine[:, 0], truth.masks.float())
    else:
        each = torch.nn.functional.cross_entropy(fine, truth.masks.long())
    assert float(loss) == pytest.approx(5 * float(each), rel=1e-5)
    assert float(dice) == pytest.approx(
        float(dice_of(chosen(fine), truth.masks, classes=max(1, planes - 1)).sum())
    )


def test_what_is_no_number_stays_none():
    loss, _ = judge_masks(
        Answers((torch.full((1, 1, 2, 2), math.nan),)), Truth(torch.zeros(1, 2, 2, dtype=torch.uint8))
    )
    assert math.isnan(loss)
