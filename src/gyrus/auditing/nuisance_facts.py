"""The nuisance facts of many images, cut into bins and put into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.auditing.telling import Codes, bins_of
from gyrus.data.manifest import Row
from gyrus.imaging.look import Looks
from gyrus.imaging.nuisance import Nuisance

CORNERS = "corners"
_TABLE_ROWS = 6
_CORNER_PX = 8  # of the 64 of a look
_CELL_PX = 2
_CORNER_BINS = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of all images.

    Attributes
    ----------
    title : str
        What it is called in a sentence.
    of_file : bool
        It can hold nothing of a disease.
    numbers : ndarray of float64, shape (n,)
        By which images are ordered and cut into bins.
    words : sequence of str
        The fact of each image as a person reads it.
    bins : ndarray of int64, shape (n,)
    """

    title: str
    of_file: bool
    numbers: npt.NDArray[np.float64]
    words: Sequence[str]
    bins: Codes

    def table(self, labels: npt.NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
        """Return which share of each class has which value.

        Returns
        -------
        dict
            ``{"values": [...], "shares": {class: [...]}, "images": {class: n}}``: values or ranges from low
            to high; the shares of a class sum to 1.
        """
        bins = bins_of(self.numbers, _TABLE_ROWS)
        rows = sorted(range(int(bins.max()) + 1), key=lambda row: float(self.numbers[bins == row].min()))
        totals = np.bincount(labels, minlength=len(classes))
        return {
            "values": [self._range(bins == row) for row in rows],
            "shares": {
                label: [round(float(np.mean(bins[labels == place] == row)), 4) for row in rows]
                for place, label in enumerate(classes)
            },
            "images": {label: int(totals[place]) for place, label in enumerate(classes)},
        }

    def _range(self, inside: npt.NDArray[np.bool_]) -> str:
        members = np.flatnonzero(inside)
        low = self.words[int(members[self.numbers[members].argmin()])]
        high = self.words[int(members[self.numbers[members].argmax()])]
        return low if low == high else f"{low} to {high}"


def facts_of_images(rows: Sequence[Row], nuisance: Sequence[Nuisance]) -> dict[str, Fact]:
    """Return the facts that are not the same in all images, by name."""
    sizes = [(row.width_px or 0, row.height_px or 0) for row in rows]
    modes = [f"{fact.format} {fact.mode}{' 16-bit' if fact.bits == 16 else ''}" for fact in nuisance]
    rank = {mode: place for place, mode in enumerate(sorted(set(modes)))}
    columns: dict[str, tuple[str, bool, Sequence[float], list[str]]] = {
        # ordered by area; the width tells sizes of equal area apart
        "size": ("image size", True, [w * h + w * 1e-6 for w, h in sizes], [f"{w} x {h}" for w, h in sizes]),
        "aspect": _numeric("aspect ratio", True, [w / max(h, 1) for w, h in sizes], "{:.2f}"),
        "mode": ("file format and colour mode", True, [rank[mode] for mode in modes], modes),
        "jpeg_quality": (
            "JPEG quality",
            True,
            [fact.jpeg_quality for fact in nuisance],
            [f"quality {fact.jpeg_quality}" if fact.jpeg_quality else "no JPEG" for fact in nuisance],
        ),
        "white_sides": _numeric(
            "white border", True, [fact.white_sides for fact in nuisance], "white on {:.0f} sides"
        ),
        **_of_the_picture(nuisance),
    }
    facts = {}
    for name, (title, of_file, values, words) in columns.items():
        numbers = np.asarray(values, dtype=np.float64)
        if len(numbers) and numbers.min() < numbers.max():
            facts[name] = Fact(title, of_file, numbers, words, bins_of(numbers))
    return facts


def _of_the_picture(nuisance: Sequence[Nuisance]) -> dict[str, tuple[str, bool, Sequence[float], list[str]]]:
    described: Mapping[str, tuple[str, str, Callable[[Nuisance], float]]] = {
        "file_bytes": ("file size", "{:.0f} bytes", lambda fact: fact.file_bytes),
        "mean": ("mean brightness", "{:.0f}", lambda fact: fact.mean),
        "contrast": ("contrast", "{:.0f}", lambda fact: fact.contrast),
        "sharpness": ("sharpness", "{:.2f}", lambda fact: fact.sharpness),
        "border_mean": ("border brightness", "{:.0f}", lambda fact: fact.border_mean),
        "border_width": ("border width", "{:.1%}", lambda fact: fact.border_width),
    }
    return {
        name: _numeric(title, False, [read(fact) for fact in nuisance], form)
        for name, (title, form, read) in described.items()
    }


def _numeric(
    title: str, of_file: bool, values: Sequence[float], form: str
) -> tuple[str, bool, Sequence[float], list[str]]:
    return title, of_file, values, [form.format(value) for value in values]


def corner_bins(looks: Looks) -> list[Codes]:
    """Return the four corners of looks, an eighth of the side each, as 64 facts cut into bins."""
    corners = []
    for rows in (slice(None, _CORNER_PX), slice(-_CORNER_PX, None)):
        for columns in (slice(None, _CORNER_PX), slice(-_CORNER_PX, None)):
            corner = looks[:, rows, columns].astype(np.float32)
            cells = _CORNER_PX // _CELL_PX
            means = corner.reshape(len(looks), cells, _CELL_PX, cells, _CELL_PX).mean(axis=(2, 4))
            corners += list(means.reshape(len(looks), -1).T)
    return [bins_of(cell, _CORNER_BINS) for cell in corners if cell.min() < cell.max()]
