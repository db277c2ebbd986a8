"""COCO's outlines as masks: polygons and run lengths drawn to the pixel (Lin et al. 2014).

A pixel is marked where its centre lies within a polygon, by the even-odd rule; the outlines of one annotation
are joined. Where annotations overlap, the smaller ones lie on top. Crowds are drawn as all others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.data.importers.image_store import ImageStore
from gyrus.errors import DataError
from gyrus.imaging.limits import DEFAULT_LIMITS

Marked = npt.NDArray[np.bool_]
TABLE = "mask-values.csv"
MOST_CATEGORIES = 254


def values_of(names: Sequence[str]) -> dict[str, int]:
    """Return the grey value of each category, by name from 1.

    Raises
    ------
    DataError
        When there are more than a mask of bytes can tell apart.
    """
    found = sorted(set(names))
    if len(found) > MOST_CATEGORIES:
        raise DataError(f"{len(found)} categories; masks hold {MOST_CATEGORIES} at most")
    return {name: number for number, name in enumerate(found, start=1)}


def write_values(values: Mapping[str, int], store: ImageStore) -> str:
    """Write the table that ``--mask-values`` reads; return its path."""
    quoted = ('"' + name.replace('"', '""') + '"' for name in values)
    lines = ["value,name", *(f"{value},{name}" for value, name in zip(values.values(), quoted, strict=True))]
    return store.file(TABLE, ("\n".join(lines) + "\n").encode())


def draw_masks(
    content: Mapping[str, Sequence[Mapping[str, Any]]],
    values: Mapping[str, int],
    store: ImageStore,
    path: Path,
    prefix: str,
) -> dict[Any, str]:
    """Draw the mask of every image of a table; return where each was written, by the image's id.

    Parameters
    ----------
    content : mapping
        ``images``, ``annotations`` and ``categories`` of the table.
    values : mapping of str to int
        Category -> grey value.
    store : ImageStore
        Where masks are written.
    path : Path
        Of the table, for errors.
    prefix : str
        Folder of the masks, one for each table.

    Raises
    ------
    DataError
        When an image has no size, or an annotation no outline that can be drawn.
    """
    names = {item.get("id"): str(item.get("name", item.get("id"))) for item in content["categories"]}
    of_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for item in content["annotations"]:
        of_image[item.get("image_id")].append(item)
    written, problems = {}, []
    for image in content["images"]:
        name = str(image.get("file_name", image.get("id")))
        try:
            mask = _mask(image, of_image.get(image.get("id"), []), names, values)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        written[image.get("id")] = store.pixels(f"{prefix}/{name.rpartition('.')[0] or name}", mask)
    if problems:
        raise DataError(
            f"the masks of {len(problems)} images cannot be drawn", path=path, details=problems,
            fix="mend the table, or import the boxes alone: leave out --with-masks",
        )  # fmt: skip
    return written


def _mask(
    image: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    names: Mapping[Any, str],
    values: Mapping[str, int],
) -> npt.NDArray[np.uint8]:
    height, width = image.get("height"), image.get("width")
    if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
        raise ValueError(f"its size is {width} x {height}")
    DEFAULT_LIMITS.check_pixels(width, height, str(image.get("file_name")))
    drawn = []
    for item in annotations:
        name = names.get(item.get("category_id"))
        if name is None:
            raise ValueError(f"category_id {item.get('category_id')!r} is no category")
        marked = outline(item.get("segmentation"), height, width)
        drawn.append((int(marked.sum()), values[name], marked))
    mask = np.zeros((height, width), np.uint8)
    for _, value, marked in sorted(drawn, key=lambda one: -one[0]):
        mask[marked] = value
    return mask


def outline(told: Any, height: int, width: int) -> Marked:
    """Return what a ``segmentation`` marks, bool (height, width).

    Parameters
    ----------
    told : list or dict
        Polygons, each ``[x0, y0, x1, y1, …]``; or ``{"counts": …, "size": [height, width]}``.
    height, width : int
        Of the image.

    Raises
    ------
    ValueError
        When it is neither.
    """
    if isinstance(told, dict):
        return _run_lengths(told, height, width)
    if not isinstance(told, list) or not told:
        raise ValueError("an annotation has no segmentation")
    marked = np.zeros((height, width), np.bool_)
    for polygon in told:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon is no list of three or more points: {str(polygon)[:60]}")
        if not all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            for value in polygon
        ):
            raise ValueError(f"a polygon holds what is no number: {str(polygon)[:60]}")
        marked |= _filled(np.asarray(polygon, np.float64).reshape(-1, 2), height, width)
    return marked


def _filled(points: npt.NDArray[np.float64], height: int, width: int) -> Marked:
    """Return the pixels whose centres lie within a polygon of points (n, 2) x and y, by the even-odd rule."""
    marked = np.zeros((height, width), np.bool_)
    first, last = points, np.roll(points, -1, axis=0)
    top, bottom = points[:, 1].min(), points[:, 1].max()
    for row in range(max(0, math.floor(top - 0.5)), min(height, math.ceil(bottom + 0.5))):
        y = row + 0.5
        crossed = (first[:, 1] <= y) != (last[:, 1] <= y)
        if not crossed.any():
            continue
        (x0, y0), (x1, y1) = first[crossed].T, last[crossed].T
        edges = np.sort(x0 + (y - y0) / (y1 - y0) * (x1 - x0))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            begin, end = math.ceil(left - 0.5), math.ceil(right - 0.5)
            marked[row, max(0, begin) : max(0, min(width, end))] = True
    return marked


def _run_lengths(told: Mapping[str, Any], height: int, width: int) -> Marked:
    """Return what runs mark: down the columns, unmarked and marked in turn."""
    if told.get("size") != [height, width]:
        raise ValueError(f"run lengths are of {told.get('size')}, the image of [{height}, {width}]")
    counts = told.get("counts")
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError("run lengths are no list of whole numbers")
    if sum(runs) != height * width:
        raise ValueError(f"run lengths add up to {sum(runs)}, the image has {height * width} pixels")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(width, height).T.copy()


def _unpacked(text: str) -> list[int]:
    """Return the runs of COCO's compressed form: six bits a letter, from the third on as differences."""
    runs: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text):
                raise ValueError("compressed run lengths are cut off")
            bits = ord(text[place]) - 48
            if not 0 <= bits < 64:
                raise ValueError("compressed run lengths hold a letter that is none of theirs")
            value |= (bits & 0x1F) << shift
            more = bool(bits & 0x20)
            place, shift = place + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
