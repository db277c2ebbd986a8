"""The evidence of a kept case as files that stand by themselves, as ``gyrus predict --out`` writes them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.inference.evidence import Evidence
from gyrus.inference.recorded import evidence_from_json
from gyrus.pages.evidence_page import render_evidence
from gyrus.pages.evidence_picture import evidence_picture
from gyrus.serving.site.case_view import chosen, records_of
from gyrus.serving.store import Case, Store


def evidence_page_of(store: Store, case: Case, card: Mapping[str, Any], asked: int | None) -> str:
    """Return the evidence of one image of a case as a page."""
    return render_evidence(_evidence(store, case, card, asked), card)


def evidence_picture_of(store: Store, case: Case, card: Mapping[str, Any], asked: int | None) -> bytes:
    """Return the evidence of one image of a case as a PNG picture."""
    buffer = io.BytesIO()
    evidence_picture(_evidence(store, case, card, asked), card).save(buffer, format="PNG", compress_level=2)
    return buffer.getvalue()


def _evidence(store: Store, case: Case, card: Mapping[str, Any], asked: int | None) -> Evidence:
    """Return the evidence with its pictures; pixels are those that were kept to be shown."""
    records = records_of(case.evidence)
    at = chosen(len(records), asked)
    pixels = _pixels(store, case, f"image-{at}")
    item = evidence_from_json(records[at], card, pixels=None if pixels is None else _with_channels(pixels))
    faces = (_pixels(store, case, f"nearest-{at}-{rank}") for rank in range(len(item.nearest)))
    nearest = tuple(replace(one, thumbnail=face) for one, face in zip(item.nearest, faces, strict=True))
    return replace(item, nearest=nearest)


def _pixels(store: Store, case: Case, name: str) -> npt.NDArray[np.uint8] | None:
    if name not in case.blobs:
        return None
    with Image.open(io.BytesIO(store.blob(case.id, name)), formats=("PNG",)) as image:
        return np.asarray(image)


def _with_channels(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
