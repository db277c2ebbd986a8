"""The outline of a mask as lines: halfway between the pixels inside and those outside (marching squares)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Point = tuple[int, int]

# corners of a cell: top left 8, top right 4, bottom right 2, bottom left 1; sides by the middle of each, in
# half pixels from the cell's top left corner (Lorensen and Cline, 1987, in the plane). The inside lies
# to the left, and pixels that touch at a corner belong together.
_TOP, _RIGHT, _BOTTOM, _LEFT = (1, 0), (2, 1), (1, 2), (0, 1)
_LINES: dict[int, tuple[tuple[Point, Point], ...]] = {
    8: ((_LEFT, _TOP),), 4: ((_TOP, _RIGHT),), 2: ((_RIGHT, _BOTTOM),), 1: ((_BOTTOM, _LEFT),),
    12: ((_LEFT, _RIGHT),), 6: ((_TOP, _BOTTOM),), 3: ((_RIGHT, _LEFT),), 9: ((_BOTTOM, _TOP),),
    7: ((_TOP, _LEFT),), 11: ((_RIGHT, _TOP),), 13: ((_BOTTOM, _RIGHT),), 14: ((_LEFT, _BOTTOM),),
    10: ((_RIGHT, _TOP), (_LEFT, _BOTTOM)), 5: ((_TOP, _LEFT), (_BOTTOM, _RIGHT)),
}  # fmt: skip


def outlines(mask: npt.ArrayLike) -> list[list[tuple[float, float]]]:
    """Return the closed outlines of a mask, holes as well.

    Parameters
    ----------
    mask : array_like, shape (height, width)
        Any number but 0 is set.

    Returns
    -------
    list of list of (x, y)
        In pixels from the image's top left corner; the last point joins the first.

    >>> outlines([[1]])
    [[(0.5, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 0.5)]]
    """
    padded = np.pad(np.asarray(mask) != 0, 1).astype(np.int64)
    kinds = 8 * padded[:-1, :-1] + 4 * padded[:-1, 1:] + 2 * padded[1:, 1:] + padded[1:, :-1]
    following: dict[Point, Point] = {}
    for row, column in np.argwhere((kinds > 0) & (kinds < 15)).tolist():
        for (from_x, from_y), (to_x, to_y) in _LINES[int(kinds[row, column])]:
            # the cell's corner is the middle of the padded pixel: half a pixel before the image begins
            start = (2 * column - 1 + from_x, 2 * row - 1 + from_y)
            following[start] = (2 * column - 1 + to_x, 2 * row - 1 + to_y)
    found = []
    while following:
        first = next(iter(following))  # in reading order
        line = [first]
        point = following.pop(first)
        while point != first:
            line.append(point)
            point = following.pop(point)
        found.append([(x / 2, y / 2) for x, y in _without_straight(line)])
    return found


def filled(
    lines: Iterable[Sequence[Sequence[float]]], *, height_px: int, width_px: int
) -> npt.NDArray[np.bool_]:
    """Return the mask (height_px, width_px) whose :func:`outlines` these are, exactly.

    A row's middle crosses such lines only where x is whole: between pixels. Every crossing changes sides.

    Raises
    ------
    ValueError
        When a point lies outside the image, or lines are none of a mask's.
    """
    crossed = np.zeros((height_px, width_px + 1), dtype=np.int64)
    for line in lines:
        x, y = np.array(line, dtype=np.float64).reshape(-1, 2).T
        if not (
            np.isfinite(x) & np.isfinite(y) & (x >= 0) & (x <= width_px) & (y >= 0) & (y <= height_px)
        ).all():
            raise ValueError("an outline leaves the image")
        next_x, next_y = np.roll(x, -1), np.roll(y, -1)
        for number in np.flatnonzero(y != next_y):
            low, high = sorted((float(y[number]), float(next_y[number])))
            rows = np.arange(np.ceil(low - 0.5), np.ceil(high - 0.5)).astype(np.int64)
            share = (rows + 0.5 - y[number]) / (next_y[number] - y[number])
            columns = x[number] + share * (next_x[number] - x[number])
            whole = np.rint(columns).astype(np.int64)
            if np.abs(columns - whole).max(initial=0.0) > 1e-6:
                raise ValueError("an outline is none of a mask of whole pixels")
            np.add.at(crossed, (rows, whole), 1)
    return np.asarray(np.cumsum(crossed, axis=1)[:, :-1] % 2 == 1)


def _without_straight(line: list[Point]) -> list[Point]:
    """Leave out the points at which a line does not turn."""
    kept = []
    for number, (x, y) in enumerate(line):
        (before_x, before_y), (after_x, after_y) = line[number - 1], line[(number + 1) % len(line)]
        if (x - before_x) * (after_y - y) != (y - before_y) * (after_x - x):
            kept.append((x, y))
    return kept
