"""Two grids of voxels: when they are the same place."""

import pytest

from gyrus.imaging.grids import Grid, difference

SHAPE = (256, 256, 20)


def grid(third: float) -> Grid:
    return Grid(SHAPE, 1, (0.9, 0, 0, 0, 0, 0.9, 0, 0, 0, 0, third, 0), True)


def test_a_spacing_is_judged_at_the_far_end_of_its_own_axis():
    assert difference(grid(3.0004), grid(3.0)) is None  # 19 steps: 0.0076 mm, a hundredth of a voxel
    assert difference(grid(3.004), grid(3.0)) is None
    told = difference(grid(3.01), grid(3.0))
    assert told == "has voxels of 0.9 x 0.9 x 3.01 mm, not of 0.9 x 0.9 x 3 mm (spacing)"


@pytest.mark.parametrize("third", [3.005, 3.1])
def test_what_differs_can_be_read(third):
    told = difference(grid(third), grid(3.0))
    assert told is not None
    assert f"{third:g} mm, not" in told
