import math

import numpy as np
import pytest
from drawn_by_hand import fixed

from gyrus.training.augmentation import part_lost
from gyrus.training.augmentation.mixing import Mixed


@pytest.fixture
def mask():
    """Return ten columns at the right border, 10 rows high."""
    lesion = np.zeros((40, 40), dtype=bool)
    lesion[10:20, 30:40] = True
    return lesion


def test_nothing_is_lost_where_nothing_moves(mask):
    assert part_lost(mask, fixed(), 0) == 0


@pytest.mark.parametrize(("shift", "lost"), [(0.075, 0.3), (0.125, 0.5), (0.25, 1.0), (-0.25, 0.0)])
def test_what_a_shift_pushes_out_is_lost(mask, shift, lost):
    # by 3, 5 and 10 of 40 pixels
    assert part_lost(mask, fixed(shift_x=shift), 0) == pytest.approx(lost)


def test_a_reduction_loses_nothing_and_an_enlargement_does(mask):
    assert part_lost(mask, fixed(scale=0.5), 0) == 0
    assert part_lost(mask, fixed(scale=1.25), 0) == pytest.approx(0.4)


def test_mirrors_and_turns_lose_nothing(mask):
    for turns in range(4):
        drawn = fixed(mirror_left_right=True, mirror_up_down=turns == 1, quarter_turns=turns)
        assert part_lost(mask, drawn, 0) == 0


def test_what_an_erased_rectangle_covers_is_lost_also_after_a_mirror(mask):
    left_half = [[0.0, 0.0, 1.0, 0.5]]
    assert part_lost(mask, fixed(erased=left_half), 0) == 0
    assert part_lost(mask, fixed(erased=left_half, mirror_left_right=True), 0) == 1
    assert part_lost(mask, fixed(erased=[[0.0, 0.0, 0.375, 1.0]]), 0) == pytest.approx(0.5)


def test_what_cutmix_pastes_over_is_lost_and_mixup_loses_nothing(mask):
    boxes = np.array([[0, 0, 0, 0], [10, 20, 35, 40]])
    mixed = Mixed("cutmix", np.array([1, 0]), np.ones(2, np.float32), boxes)
    assert part_lost(mask, fixed(2), 0, mixed) == 0
    assert part_lost(mask, fixed(2), 1, mixed) == pytest.approx(0.5)


def test_of_an_empty_mask_nothing_can_be_said():
    assert math.isnan(part_lost(np.zeros((8, 8), dtype=bool), fixed(), 0))
