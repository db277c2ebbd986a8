"""Cases to keep, for the tests of the store."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image

from gyrus.serving.store import NewCase


def png(value: int = 100) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (8, 8), value).save(stream, "PNG")
    return stream.getvalue()


PICTURE = png()


def new_case(**changes: Any) -> NewCase:
    known: dict[str, Any] = {
        "image_sha256": hashlib.sha256(PICTURE).hexdigest(),
        "kind": "png",
        "frames": 1,
        "outcome": "answered",
        "label": "glioma",
        "probability": 0.8125,
        "reason": "",
        "model_digest": "d" * 64,
        "evidence": {"model": {"task": "classify"}, "predictions": [], "groups": None, "failures": []},
    }
    return NewCase(**{**known, **changes})


BLOBS = {"original": PICTURE, "heat": b"\x89PNG heat"}
