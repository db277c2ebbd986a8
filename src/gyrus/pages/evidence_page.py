"""The evidence for one image on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.inference.evidence import Evidence
from gyrus.pages import evidence_sections as sections
from gyrus.pages.document import document
from gyrus.runs.atomic import write_text

_ANCHORS = {
    "answer": "Answer", "pictures": "The picture", "nearest": "Most alike", "gate": "Input gate",
    "model": "The model", "image": "The image",
}  # fmt: skip


def write_evidence_page(evidence: Evidence, card: Mapping[str, Any], path: Path) -> None:
    """Write the page: self-contained, without script; needs nothing but the base install.

    Parameters
    ----------
    evidence : Evidence
    card : mapping
        Of the bundle that answered.
    path : Path

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_evidence(evidence, card))


def render_evidence(evidence: Evidence, card: Mapping[str, Any]) -> str:
    """Return the page; see :func:`write_evidence_page`."""
    parts = [
        *sections.warnings(evidence),
        sections.answer(evidence),
        sections.pictures(evidence),
        sections.nearest(evidence),
        sections.gate(evidence),
        sections.model(evidence, card),
        sections.facts(evidence),
    ]
    present = [part for part in parts if part is not None]
    return document(
        f"gyrus evidence: {evidence.asked.source.path.name}", sections.top(evidence), present,
        anchors=_ANCHORS, styles=("evidence.css",),
    )  # fmt: skip
