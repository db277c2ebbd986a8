"""Evidence read back from its published JSON form, so that a stored answer gets the pages a fresh one gets.

What the JSON leaves out stays out: thumbnails, embeddings, the maps of the other classes. Pixels can be
given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision import Decided
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import DataError
from gyrus.imaging.brain_box import Box
from gyrus.imaging.geometry import Placement
from gyrus.imaging.source import Source
from gyrus.inference.evidence import FORMER_SCHEMAS, SCHEMA, Asked, Evidence, Model
from gyrus.inference.heat_map import HeatMap
from gyrus.inference.neighbours import Case, InTraining
from gyrus.inference.prediction import Prediction, Stored
from gyrus.inference.recorded_masks import (
    mask_spread_from_json,
    regions_from_json,
    segmented_from_json,
    spacing_from_json,
)
from gyrus.inference.segmented import Segmented
from gyrus.inference.spread import Spread


def evidence_from_json(
    record: Mapping[str, Any], card: Mapping[str, Any], *, pixels: npt.NDArray[np.uint8] | None = None
) -> Evidence:
    """Return the evidence that :meth:`gyrus.inference.evidence.Evidence.to_json` wrote down.

    Parameters
    ----------
    record : mapping
        One evidence object of the published schema.
    card : mapping
        Of the bundle that answered: a refused image does not tell the classes, and none how near the training
        images of two patients come to each other.
    pixels : ndarray of uint8, optional
        (height, width, channels) of the image as it was read.

    Returns
    -------
    Evidence
        Of a refused image the probabilities are NaN: they were not kept. ``closer_than_patients`` says what
        it said, also with the card of another bundle.

    Raises
    ------
    DataError
        When it is no evidence of this schema.
    """
    if record.get("schema") not in (SCHEMA, *FORMER_SCHEMAS):
        raise DataError(f"evidence of schema {record.get('schema')!r} cannot be read; expected {SCHEMA}")
    try:
        return _evidence(record, card, pixels)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"evidence lacks a part of its schema: {error}") from error


def _evidence(
    record: Mapping[str, Any], card: Mapping[str, Any], pixels: npt.NDArray[np.uint8] | None
) -> Evidence:
    given = record["input"]
    nearest = tuple(
        Case(case["image_id"], case["subject_id"] or "", case["label"], float(case["distance"]), None)
        for case in record["nearest"]
    )
    names = tuple(record["probabilities"] or card["classes"])
    told = record.get("segmentation")  # absent in evidence/1
    return Evidence(
        asked=Asked(
            source=Source(Path(given["file"]), given["frame"] or ""),
            image_id=record["name"],
            subject_id=record["subject_id"] or "",
            label=record["label"] or "",
            spacing=None if told is None else spacing_from_json(told),
        ),
        answer=_answer(record, names, pixels),
        model=Model(reading_policy=given["reading_policy"], **record["model"]),
        in_training=InTraining(
            known=record["in_training"]["known"],
            match=record["in_training"]["match"],
            image_id=record["in_training"]["image_id"] or "",
        ),
        nearest=nearest,
        apart=_apart(record["closer_than_patients"], nearest, card),
        spread=_spread(record["spread"], names),
        heat_map=_heat_map(record["heat_map"], given["height_px"], given["width_px"]),
        regions=() if told is None else regions_from_json(told),
        mask_spread=None if told is None else mask_spread_from_json(told),
        seconds=dict(record["seconds"]),
    )


def _answer(
    record: Mapping[str, Any], classes: tuple[str, ...], pixels: npt.NDArray[np.uint8] | None
) -> Prediction:
    given = record["input"]
    stored = None
    if given["format"] is not None:
        stored = Stored(given["format"], given["mode"] or "", given["pixel_hash"] or "")
    return Prediction(
        name=record["name"],
        classes=classes,
        probabilities=_by_class(record["probabilities"], classes),
        logits=_by_class(record["logits"], classes).astype(np.float32),
        embedding=None,
        maps=None,
        height_px=given["height_px"],
        width_px=given["width_px"],
        sha256=given["sha256"] or "",
        seconds=float(record["seconds"]["answer"]),
        notes=tuple(record["notes"]),
        task=record["task"],
        pixels=pixels,
        stored=stored,
        decided=_decided(record["decision"]),
        gate=tuple(_finding(finding) for finding in record["gate"]["findings"]),
        segmentation=_segmented(record),
    )


def _segmented(record: Mapping[str, Any]) -> Segmented | None:
    told, given = record.get("segmentation"), record["input"]
    if told is None:
        return None
    return segmented_from_json(told, height_px=given["height_px"], width_px=given["width_px"])


def _by_class(values: Mapping[str, float] | None, classes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    if values is None:
        return np.full(len(classes), np.nan)
    return np.array([values[name] for name in classes], dtype=np.float64)


def _decided(block: Mapping[str, Any] | None) -> Decided | None:
    if block is None:
        return None
    return Decided(
        label=block["label"],
        refer=block["refer"],
        set=None if block["set"] is None else tuple(block["set"]),
        reason=block["reason"],
        points=dict(block["points"]),
    )


def _finding(block: Mapping[str, Any]) -> GateFinding:
    numbers = {
        name: math.nan if block[name] is None else float(block[name]) for name in ("score", "threshold")
    }
    return GateFinding(step=block["step"], passed=block["passed"], reason=block["reason"], **numbers)


def _apart(closer: bool | None, nearest: tuple[Case, ...], card: Mapping[str, Any]) -> float | None:
    """Return the smallest distance between patients: the card's, where it puts the nearest case on the side
    on which it was, else one that does."""
    if closer is None:
        return None
    distance = nearest[0].distance if nearest else 0.0
    told = (card.get("neighbours") or {}).get("apart")
    if told is not None and (not nearest or (distance < told) is closer):
        return float(told)
    return math.nextafter(distance, math.inf) if closer else 0.0


def _spread(block: Mapping[str, Any] | None, classes: tuple[str, ...]) -> Spread | None:
    if block is None:
        return None
    mean, sd = (_by_class(block[name], classes) for name in ("mean", "sd"))
    return Spread(block["views"], mean, sd, dict(block["answers"]))


def _heat_map(block: Mapping[str, Any] | None, height_px: int, width_px: int) -> HeatMap | None:
    if block is None:
        return None
    seen = block["seen"]
    placement = None
    if seen is not None:
        placement = Placement(
            height_px, width_px, seen["side_px"], Box(**seen["of_image"]), Box(**seen["in_square"])
        )
    values = np.array(block["values"], dtype=np.float32)
    if values.shape != (block["rows"], block["columns"]):
        raise ValueError(f"a heat map of {block['rows']} x {block['columns']} has shape {values.shape}")
    return HeatMap(block["kind"], block["of"], values, placement, block["network_passes"])
