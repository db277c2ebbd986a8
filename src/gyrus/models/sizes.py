"""The next image size that a network takes, found by asking it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

# what sides have to be a multiple of, where they have to: patches of 14 or 16, windows of 7 or 8 patches
_STEPS = (8, 14)
_FARTHEST = 256


def next_size(takes: Callable[[int], bool], asked: int) -> int | None:
    """Return the smallest size above ``asked`` that ``takes`` says yes to, in pixels.

    Multiples of 8 and of 14 are asked, up to 256 pixels above; then the sizes below the first good one, which
    is right for a network that takes every size from some smallest one on. None where no size was good.
    """
    tried = sorted(
        {step * n for step in _STEPS for n in range(asked // step + 1, (asked + _FARTHEST) // step + 1)}
    )
    below = asked
    for size in tried:
        if takes(size):
            between = range(below + 1, size)
            return int((*between, size)[bisect_left(between, True, key=takes)])
        below = size
    return None
