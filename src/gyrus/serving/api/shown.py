"""Kept cases and reviews as JSON."""

from __future__ import annotations

from typing import Any

from gyrus.serving.store import Case, CaseSummary, Review

EXAMPLE_ID = "0f8fad5bd9cb469fa16570867728950e"


def review_json(review: Review) -> dict[str, Any]:
    """Return a review."""
    return {
        "version": review.version,
        "created": review.created.isoformat(),
        "verdict": review.verdict,
        "label": review.label,
        "comment": review.comment,
        "reviewer": review.reviewer,
    }


def summary_json(case: CaseSummary) -> dict[str, Any]:
    """Return a case as lists show it."""
    return {
        "id": case.id,
        "created": case.created.isoformat(),
        "version": case.version,
        "image_sha256": case.image_sha256,
        "kind": case.kind,
        "frames": case.frames,
        "outcome": case.outcome,
        "label": case.label,
        "probability": case.probability,
        "reason": case.reason,
        "model_digest": case.model_digest,
        "name": case.name,
        "pictures": sorted(case.blobs),
        "review": None if case.review is None else review_json(case.review),
    }


def case_json(case: Case) -> dict[str, Any]:
    """Return a case with its evidence."""
    return {**summary_json(case), "evidence": dict(case.evidence)}
