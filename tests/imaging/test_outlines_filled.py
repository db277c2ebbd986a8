import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.imaging.outlines import filled, outlines


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.floats(0, 1))
def test_outlines_give_the_mask_back(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    assert (filled(outlines(mask), height_px=height, width_px=width) == mask).all()


@pytest.mark.parametrize(
    "line",
    [
        [(0.0, 0.5), (9.0, 0.0), (1.0, 0.5)],
        [(0.2, 0.0), (1.0, 3.0), (0.3, 3.0)],
        [(float("nan"), 0.0), (1.0, 1.0)],
    ],
)
def test_lines_of_no_mask_are_refused(line):
    with pytest.raises(ValueError, match="an outline"):
        filled([line], height_px=4, width_px=4)
