"""What the OpenAPI description says of bodies that the routes read themselves, with examples."""

from __future__ import annotations

from typing import Any

from gyrus.serving.problems import MEDIA_TYPE

OK = 200
_WORDS = {
    400: "The request cannot be taken as it is.",
    401: "The key is missing or wrong.",
    403: "The request comes from another site, or without a form's token.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "It is about a former state.",
    413: "More than the server takes.",
    415: "Not an image that can be read, or another content type.",
    422: "Refused by the gate, or values that cannot be.",
    428: "The version that the change is about must be named.",
    503: "Too much is waiting, or the database is away: try again after Retry-After seconds.",
}
_PROBLEM_EXAMPLE = {
    "type": "/problems/not-a-brain-mri",
    "title": "Not a brain mri",
    "status": 422,
    "detail": "It does not look like a brain MRI.",
    "request_id": "6f1c7a5e2b7c4d0f9a3b2c1d0e9f8a7b",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Names the kind; stable; a path of this server."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "By which the server's log knows the request."},
    },
}
_EVIDENCE = {"type": "object", "description": "See evidence-schema.json: what gyrus predict --json prints."}
_SHARES = {"type": "object", "additionalProperties": {"type": "number"}}
_ANSWER = {
    "type": "object",
    "required": ["case", "outcome", "label", "probability", "reason", "evidence"],
    "properties": {
        "case": {"type": ["string", "null"], "description": "Of the kept case."},
        "outcome": {"enum": ["answered", "referred"]},
        "label": {"type": ["string", "null"]},
        "probability": {"type": ["number", "null"]},
        "reason": {"type": "string", "description": "Why a person should look; else empty."},
        "evidence": _EVIDENCE,
    },
}
_LIGHT = {
    "type": "object",
    "required": [
        "prediction",
        "probabilities",
        "decision",
        "images",
        "refused",
        "gate",
        "model_digest",
        "notes",
    ],
    "properties": {
        "prediction": {"type": ["string", "null"]},
        "probabilities": _SHARES,
        "decision": {"type": ["object", "null"]},
        "images": {"type": "integer"},
        "refused": {"type": "integer"},
        "gate": {"type": "boolean"},
        "model_digest": {"type": "string"},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}
_LIGHT_EXAMPLE = {
    "prediction": "glioma",
    "probabilities": {"glioma": 0.93, "meningioma": 0.05, "pituitary": 0.02},
    "decision": {"label": "glioma", "refer": False, "set": ["glioma"], "reason": "", "points": {}},
    "images": 1,
    "refused": 0,
    "gate": True,
    "model_digest": "0" * 64,
    "notes": [],
}
_ANSWER_EXAMPLE = {
    "case": "0f8fad5bd9cb469fa16570867728950e",
    "outcome": "answered",
    "label": "glioma",
    "probability": 0.93,
    "reason": "",
    "evidence": {"model": {}, "predictions": [], "groups": None, "failures": []},
}
ANSWERED = {
    "description": "The answer; with evidence=false the short one.",
    "content": {
        "application/json": {
            "schema": {"anyOf": [_ANSWER, _LIGHT]},
            "examples": {
                "evidence": {"summary": "With its evidence", "value": _ANSWER_EXAMPLE},
                "short": {"summary": "evidence=false", "value": _LIGHT_EXAMPLE},
            },
        }
    },
}
ANSWERED_BATCH = {
    "description": "A result an upload, in their order.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["results"],
                "properties": {
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {
                                "status": {"type": "integer"},
                                "answer": _ANSWER,
                                "problem": PROBLEM,
                            },
                        },
                    }
                },
            },
            "example": {
                "results": [
                    {"status": 200, "answer": _ANSWER_EXAMPLE},
                    {"status": 422, "problem": _PROBLEM_EXAMPLE},
                ]
            },
        }
    },
}
_FILE = {"type": "string", "format": "binary"}
_KEEP = {
    "name": "keep", "in": "query", "required": False, "schema": {"type": "boolean"},
    "description": "Whether it becomes a case; default: where the server keeps cases at all.",
}  # fmt: skip
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 150, "pattern": "^[!-~]+$"},
    "description": "The same key with the same upload keeps one case, however often it is sent.",
    "example": "5a3e1c52-8d4b-4c5e-9a37-6a6b5d1f0c21",
}  # fmt: skip
_EVIDENCE_FLAG = {
    "name": "evidence", "in": "query", "required": False, "schema": {"type": "boolean", "default": True},
    "description": "false: probabilities and decision only; nothing is kept.",
}  # fmt: skip


def predict() -> dict[str, Any]:
    """Return body and parameters of ``predict``."""
    form = {"type": "object", "required": ["image"], "properties": {"image": _FILE}}
    raw = {kind: {"schema": _FILE} for kind in ("image/png", "image/jpeg", "application/dicom")}
    content = {"multipart/form-data": {"schema": form}, **raw, "application/octet-stream": {"schema": _FILE}}
    return {
        "parameters": [_EVIDENCE_FLAG, _KEEP, _KEY],
        "requestBody": {"required": True, "content": content},
    }


def predict_batch() -> dict[str, Any]:
    """Return body and parameters of ``predict/batch``."""
    form = {
        "type": "object",
        "required": ["image"],
        "properties": {"image": {"type": "array", "minItems": 1, "items": _FILE}},
    }
    content = {"multipart/form-data": {"schema": form}}
    return {"parameters": [_KEEP, _KEY], "requestBody": {"required": True, "content": content}}


def json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON body with its example."""
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def responses(ok: dict[str, Any] | None, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route may answer: its own answer, and problems."""
    problems: dict[int | str, dict[str, Any]] = {
        status: {
            "description": _WORDS[status],
            "content": {MEDIA_TYPE: {"schema": PROBLEM, "example": {**_PROBLEM_EXAMPLE, "status": status}}},
        }
        for status in statuses
    }
    return problems if ok is None else {OK: ok, **problems}
