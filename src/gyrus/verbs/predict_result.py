"""What ``gyrus predict`` gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gyrus.bundles.mask_rules import SEGMENT
from gyrus.data.label_names import NONE
from gyrus.errors import DataError
from gyrus.runs.atomic import to_json
from gyrus.verbs.predict_records import Records
from gyrus.verbs.tables import align

ROWS_SHOWN = 500
"""Rows of a table on a terminal; more than that nobody reads there."""
_CLASSES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PredictResult:
    """Answers, and the images that got none.

    Attributes
    ----------
    predictions : Records
        The evidence of each image that could be read, as the published schema has it; read from the disk.
    failures : tuple of dict
        ``name`` and ``error`` of each that could not.
    groups : dict or None
        What ``by`` took together.
    model : dict
        Which model answered.
    out, csv, masks : Path or None
        What was written.
    strict : bool
        Whether a refusal by the gate counts as a failure.
    """

    predictions: Records
    failures: tuple[dict[str, str], ...]
    groups: dict[str, Any] | None
    model: dict[str, Any]
    out: Path | None = None
    csv: Path | None = None
    masks: Path | None = None
    refused: int = 0
    strict: bool = False

    @property
    def exit_code(self) -> int:
        """3 when an image could not be read (with ``strict``: or was refused), else 0."""
        return DataError.exit_code if self.failures or (self.strict and self.refused) else 0

    def to_json(self) -> dict[str, Any]:
        """Return the model's identity, the evidence of each image, and the failures."""
        return {
            "model": self.model,
            "predictions": list(self.predictions),
            "groups": self.groups,
            "failures": list(self.failures),
        }

    def json_pieces(self, *, ascii_only: bool = False) -> Iterator[str]:
        """Yield the text of :meth:`to_json`, an image at a time: it need not fit into memory."""
        yield f'{{\n"model": {to_json(self.model, ascii_only=ascii_only)},\n"predictions": ['
        for number, record in enumerate(self.predictions):
            yield f"{',' if number else ''}\n{json.dumps(record, ensure_ascii=ascii_only)}"
        rest = {"groups": self.groups, "failures": list(self.failures)}
        yield f"\n],\n{to_json(rest, ascii_only=ascii_only)[1:].lstrip()}\n"

    def to_text(self) -> str:
        """Return a table, a row per image; then patients or folders; then where the evidence lies.

        Of many images the first are shown, and how many more there are.
        """
        parts = [_bounded(self._rows(), len(self.predictions))] if len(self.predictions) else []
        if self.groups is not None and self.groups["groups"]:
            parts.append(_bounded(self._group_rows(), len(self.groups["groups"])))
        places = [f"evidence  {self.out / 'index.html'}"] if self.out is not None else []
        places += [f"table     {self.csv}"] if self.csv is not None else []
        places += [f"masks     {self.masks}"] if self.masks is not None else []
        if self.refused:
            places.append(f"refused   {self.refused} of {self._asked} images by the input gate")
        if self.failures:
            places.append(f"not read  {len(self.failures)} of {self._asked} images, named on stderr")
        if places:
            parts.append("\n".join(places))
        said = [self.model["leakage"], *_lacks(self.model), "A research tool, not a medical device."]
        parts.append(f"model {self.model['name']}: {' '.join(said)}")
        return "\n\n".join(parts)

    @property
    def _asked(self) -> int:
        return len(self.predictions) + len(self.failures)

    def _rows(self) -> list[list[str]]:
        if self.model["task"] == SEGMENT:
            return self._mask_rows()
        classes = self.model["classes"][:_CLASSES_SHOWN]
        shown = list(islice(self.predictions, ROWS_SHOWN))
        known = any(record["label"] for record in shown)  # where a manifest tells the true classes
        rows = [["image", *(["label"] if known else []), "prediction", *classes, ""]]
        for record in shown:
            shares = record["probabilities"]
            numbers = [f"{100 * shares[name]:.1f} %" if shares else "" for name in classes]
            referred = record["decision"] is not None and record["decision"]["refer"]
            said = "(a person)" if referred else _label(record["prediction"])
            told = [record["label"] or ""] if known else []
            rows.append([record["name"], *told, said, *numbers, _remark(record)])
        return rows

    def _mask_rows(self) -> list[list[str]]:
        classes = self.model["classes"][:_CLASSES_SHOWN]
        rows = [["image", "marked", *classes, ""]]
        for record in islice(self.predictions, ROWS_SHOWN):
            told = record["segmentation"]
            by_class = {} if told is None else {region["class"]: region for region in told["classes"]}
            sizes = [_size(by_class[name]) if by_class else "" for name in classes]
            marked = "(no answer)" if told is None else "nothing" if record["prediction"] == NONE else "yes"
            rows.append([record["name"], marked, *sizes, _mask_remark(record)])
        return rows

    def _group_rows(self) -> list[list[str]]:
        classes = self.model["classes"][:_CLASSES_SHOWN]
        assert self.groups is not None
        rows = [[self.groups["by"], "prediction", *classes, "images"]]
        for group in self.groups["groups"][:ROWS_SHOWN]:
            shares = group["probabilities"]
            numbers = [f"{100 * shares[name]:.1f} %" if shares else "" for name in classes]
            rows.append([group["name"], _label(group["prediction"]), *numbers, _of_images(group)])
        return rows


def _bounded(rows: list[list[str]], count: int) -> str:
    """Return the aligned rows, and how many more there are."""
    rest = count - ROWS_SHOWN
    more = f"\n… and {rest:,} more (all of them: --csv FILE, --json)" if rest > 0 else ""
    return f"{align(rows)}{more}"


def _label(label: str | None) -> str:
    return "(no answer)" if label is None else "(none)" if label == NONE else label


def _lacks(model: dict[str, Any]) -> list[str]:
    """Return what the model has not of what would make its answers careful, as sentences."""
    lacks = [] if model["gate"] else ["It has no input gate: it answers whatever it is shown."]
    lacks += [] if model["calibrated"] else ["Its probabilities are not calibrated."]
    return lacks


def _size(region: dict[str, Any]) -> str:
    """Return area and largest diameter of what is marked as a class."""
    if not region["area_px"]:
        return "-"
    if region["area_mm2"] is not None:
        return f"{region['area_mm2']:,.0f} mm2, {region['largest_diameter_mm']:.0f} mm across"
    return f"{region['area_px']:,} px, {region['largest_diameter_px']:.0f} across"


def _mask_remark(record: dict[str, Any]) -> str:
    """Return what must be known beside a mask."""
    told = record["segmentation"]
    remarks = [_remark(record)] if _remark(record) else []
    if told is not None and told["picture"] is not None:
        sure = told["picture"]["probabilities"][told["picture"]["prediction"]]
        remarks.append(f"picture: {told['picture']['prediction']} {100 * sure:.1f} %")
    if told is not None and told["spread"] is not None and told["spread"]["entropy"] is not None:
        remarks.append(f"entropy {told['spread']['entropy']:.2f}")
    return "; ".join(remarks)


def _of_images(group: dict[str, Any]) -> str:
    """Return how many images a pooled answer rests on, and what must be known of them and the others."""
    answered = group["images"] - group["refused"] - group["unread"]
    told = {
        "refused": "refused",
        "unread": "not read",
        "referred": "for a person",
        "in_training": "trained on",
    }
    rest = ", ".join(f"{group[key]} {words}" for key, words in told.items() if group[key])
    return f"{answered} of {group['images']}{f' ({rest})' if rest else ''}"


def _remark(record: dict[str, Any]) -> str:
    """Return what must be known before the answer is believed."""
    remarks = []
    if record["gate"]["passed"] is False:
        failed = next(finding for finding in record["gate"]["findings"] if not finding["passed"])
        remarks.append(f"refused: {failed['reason']}")
    if record["decision"] is not None and record["decision"]["refer"]:
        remarks.append(f"a person should look: {record['decision']['reason']}")
    if record["decision"] is not None:
        points = record["decision"]["points"].items()
        remarks += [f"{'positive' if called else 'negative'} ({name})" for name, called in points]
    if record["in_training"]["match"]:
        remarks.append("the model was trained on it")
    elif record["closer_than_patients"]:
        remarks.append("near to a training image")
    if record["spread"] is not None and len(record["spread"]["answers"]) > 1:
        remarks.append("its answer changes when it is moved a little")
    return "; ".join(remarks)
