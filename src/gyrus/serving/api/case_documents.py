"""What the OpenAPI description says of kept cases and reviews, with examples; :mod:`.shown` makes them."""

from __future__ import annotations

from typing import Any

from gyrus.serving.api.shown import EXAMPLE_ID
from gyrus.serving.store.records import OUTCOMES, VERDICTS

_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TIME = {"type": "string", "format": "date-time", "description": "In UTC."}
_TEXT, _NUMBER, _MAYBE_TEXT = (
    {"type": "string"},
    {"type": "integer", "minimum": 1},
    {"type": ["string", "null"]},
)

_REVIEW: dict[str, Any] = {
    "version": {**_NUMBER, "description": "That the case got by it."},
    "created": _TIME,
    "verdict": {"enum": list(VERDICTS)},
    "label": {**_MAYBE_TEXT, "description": "The right class, with the verdict other."},
    "comment": _TEXT,
    "reviewer": _TEXT,
}
_REVIEW_EXAMPLE = {
    "version": 2,
    "created": "2026-11-20T16:48:57.081495+00:00",
    "verdict": "other",
    "label": "meningioma",
    "comment": "extra-axial",
    "reviewer": "A. B.",
}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _documented(
    description: str, schema: dict[str, Any], example: Any, *, etag: bool = False
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    if etag:
        version = {"description": "The case's version, for If-Match.", "schema": {"type": "string"}}
        said["headers"] = {"ETag": version}
    return said


_SUMMARY: dict[str, Any] = {
    "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "created": _TIME,
    "version": {**_NUMBER, "description": "1 at first; every review adds 1."},
    "image_sha256": _DIGEST,
    "kind": {**_TEXT, "description": "Of file: png, jpeg, dicom, nifti, …"},
    "frames": {"type": "integer", "minimum": 0, "description": "Images in the file."},
    "outcome": {"enum": list(OUTCOMES)},
    "label": {**_MAYBE_TEXT, "description": "The model's answer; null where it is refused."},
    "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "reason": {**_TEXT, "description": "Why it was referred or refused; else empty."},
    "model_digest": _DIGEST,
    "name": {**_MAYBE_TEXT, "description": "Of the file at the client; null unless the server keeps names."},
    "pictures": {
        "type": "array",
        "items": _TEXT,
        "description": "Of its files; original: the upload.",
    },
    "review": {"anyOf": [{"type": "null"}, _object(_REVIEW)], "description": "The last one, which counts."},
}
_SUMMARY_EXAMPLE = {
    "id": EXAMPLE_ID,
    "created": "2026-11-20T16:48:57.057180+00:00",
    "version": 2,
    "image_sha256": "a" * 64,
    "kind": "png",
    "frames": 1,
    "outcome": "answered",
    "label": "glioma",
    "probability": 0.93,
    "reason": "",
    "model_digest": "d" * 64,
    "name": "scan.png",  # FastAPI drops null from examples
    "pictures": ["heat-0", "image-0", "original"],
    "review": _REVIEW_EXAMPLE,
}
_EVIDENCE = {"type": "object", "description": "See evidence-schema.json: what gyrus predict --json prints."}

CASE = _documented(
    "The case.",
    _object({**_SUMMARY, "evidence": _EVIDENCE}),
    {**_SUMMARY_EXAMPLE, "evidence": {"model": {}, "predictions": [], "failures": []}},
    etag=True,
)
CASE_PAGE = _documented(
    "Some of the cases, and how many there are.",
    _object({
        "items": {"type": "array", "items": _object(_SUMMARY)},
        "total": {"type": "integer", "minimum": 0},
        "page": _NUMBER,
        "pages": _NUMBER,
    }),
    {"items": [_SUMMARY_EXAMPLE], "total": 1, "page": 1, "pages": 1},
)  # fmt: skip
REVIEW = _documented("The review, as it is kept.", _object(_REVIEW), _REVIEW_EXAMPLE, etag=True)
REVIEWS = _documented(
    "The trail of the case.",
    _object({"items": {"type": "array", "items": _object(_REVIEW)}}),
    {"items": [_REVIEW_EXAMPLE]},
)
