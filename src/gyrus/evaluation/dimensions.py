"""What images can be divided by: source folder, image size, plane, and the further columns of a manifest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from gyrus.auditing.relations import RECOVERED_FROM
from gyrus.data.class_names import spelling_key
from gyrus.data.manifest import Row

_MOST_VALUES = 20
_MOST_SIZES = 8
_SIZE_LIMITS_PX = (128, 256, 512, 1024)
_EMPTY = "(empty)"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to divide images.

    Attributes
    ----------
    name : str
        ``source folder``, ``image size``, ``plane``, or the manifest's column.
    values : tuple of str
        (n,) group of each image.
    order : tuple of str
        The groups in the order in which they are shown.
    """

    name: str
    values: tuple[str, ...]
    order: tuple[str, ...]


def dimensions_of(
    rows: Sequence[Row], class_names: Collection[str] = ()
) -> tuple[list[Dimension], list[tuple[str, str]]]:
    """Return the ways to divide these images, and the columns that are none, each with its reason.

    Parameters
    ----------
    rows : sequence of Row
    class_names : collection of str
        Names of folders that are classes, not sources, besides the labels of the rows.
    """
    named = {spelling_key(name) for name in (*class_names, *(row.label for row in rows)) if name}
    candidates = [
        ("source folder", [_source_folder(row, named) for row in rows]),
        ("image size", _sizes(rows)),
        ("plane", [row.plane or _EMPTY for row in rows]),
    ]
    facts = sorted({name for row in rows for name in row.facts} - {RECOVERED_FROM})
    candidates += [(name, [row.facts.get(name, "").strip() or _EMPTY for row in rows]) for name in facts]
    found: list[Dimension] = []
    left_out: list[tuple[str, str]] = []
    for name, values in candidates:
        dimension = _dimension(name, values)
        if isinstance(dimension, Dimension):
            found.append(dimension)
        elif name in facts or values[0] not in (_EMPTY, ""):
            left_out.append((name, dimension))
    return found, left_out


def _dimension(name: str, values: list[str]) -> Dimension | str:
    """Return the division, or why it is none."""
    if len(set(values)) == 1:
        return f"the same for all images: {values[0] or 'none'}"
    numbers = _as_numbers(values)
    if numbers is not None and len(set(values)) > _MOST_SIZES:
        return _in_quarters(name, values, numbers)
    if len(set(values)) > _MOST_VALUES:
        return f"{len(set(values))} different values: too many to divide by"
    counts = Counter(values)
    if name == "image size":
        order = sorted(counts, key=_size_key)
    elif numbers is not None:
        order = sorted(counts, key=lambda value: math.inf if value == _EMPTY else float(value))
    else:
        order = sorted(counts, key=lambda value: (-counts[value], value))
    return Dimension(name, tuple(values), tuple(order))


def _source_folder(row: Row, named: Collection[str]) -> str:
    """Return the folders above the image that are no classes."""
    folders = [part for part in row.image_id.split("/")[:-1] if spelling_key(part) not in named]
    return "/".join(folders)


def _sizes(rows: Sequence[Row]) -> list[str]:
    """Return exact sizes where they are few, else ranges of the longer side."""
    if any(row.width_px is None or row.height_px is None for row in rows):
        return [_EMPTY] * len(rows)
    pairs = [(row.width_px or 0, row.height_px or 0) for row in rows]
    if len(set(pairs)) <= _MOST_SIZES:
        return [f"{width} x {height} px" for width, height in pairs]
    return [_range_of(max(pair)) for pair in pairs]


def _range_of(side: int) -> str:
    low = 0
    for limit in _SIZE_LIMITS_PX:
        if side <= limit:
            return f"{low + 1} to {limit} px"
        low = limit
    return f"over {low} px"


def _size_key(value: str) -> tuple[int, ...]:
    digits = "".join(character if character.isdigit() else " " for character in value).split()
    return (0 if value[0].isdigit() else 1, *(int(number) for number in digits))


def _as_numbers(values: Sequence[str]) -> list[float] | None:
    """Return the values as finite numbers, NaN for empty ones; None when one is no number."""
    try:
        numbers = [math.nan if value == _EMPTY else float(value) for value in values]
    except ValueError:
        return None
    return None if any(math.isinf(number) for number in numbers) else numbers


def _in_quarters(name: str, values: Sequence[str], numbers: Sequence[float]) -> Dimension:
    """Divide by the quartiles; each group is named by the least and the largest value in it."""
    column = np.array(numbers)
    edges = np.unique(np.nanquantile(column, [0.25, 0.5, 0.75]))
    place = np.searchsorted(edges, column, side="left")
    named = {}
    for number in np.unique(place[~np.isnan(column)]).tolist():
        inside = column[(place == number) & ~np.isnan(column)]
        named[number] = f"{inside.min():g} to {inside.max():g}"
    groups = [
        _EMPTY if value == _EMPTY else named[number]
        for value, number in zip(values, place.tolist(), strict=True)
    ]
    order = [*named.values(), *([_EMPTY] if _EMPTY in groups else [])]
    return Dimension(name, tuple(groups), tuple(order))
