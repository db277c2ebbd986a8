"""Which model answers, as the evidence names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.inference.predictor import Predictor


def model_facts(card: Mapping[str, Any], predictor: Predictor) -> dict[str, Any]:
    """Return the fields of ``model`` in the published schema of the evidence."""
    return {
        "name": card["name"] or card["architecture"],
        "digest": predictor.digest,
        "model_digest": predictor.model_digest,
        "data_fingerprint": card["data"]["fingerprint"],
        "task": predictor.task,
        "classes": list(predictor.classes),
        "verdict": card["leakage"]["verdict"],
        "leakage": card["leakage"]["sentence"],
        "calibrated": card["calibration"] is not None,
        "gate": card["gate"] is not None,
        "maps": card["outputs"]["maps"],
        "neighbours": (card["neighbours"] or {}).get("count", 0),
        "private": card["private"],
        "runtime": predictor.runtime,
        "device": predictor.device,
        "intended_use": card["intended_use"],
    }
