"""``report.html`` of a segmentation: how well it draws, on what it fails."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.document import document
from gyrus.pages.markup import Html
from gyrus.pages.mask_pictures import MaskPicture
from gyrus.pages.sections_first import top, verdict
from gyrus.pages.sections_gate import input_gate
from gyrus.pages.sections_last import audit_section, left_out, reproduce
from gyrus.pages.sections_learning import learning
from gyrus.pages.segmentation_sections import cases, classes, empty_images, folds, headline, patients, sizes
from gyrus.runs.atomic import write_text

_PREFERRED = ("test", "val", "cal", "train")
_ANCHORS = {
    "verdict": "Verdict", "headline": "Dice", "cases": "Images", "sizes": "Sizes", "classes": "Every figure",
    "empty": "Empty images", "patients": "Patients", "folds": "Folds", "learning": "Learning",
    "gate": "Refused", "skipped": "Skipped", "audit": "Audit", "reproduce": "Reproduce",
}  # fmt: skip


def write_segmentation_report(
    context: ReportContext, pictures: Mapping[str, MaskPicture], path: Path
) -> None:
    """Write the page: self-contained, without script.

    Parameters
    ----------
    context : ReportContext
        Its evaluations are those of :func:`gyrus.evaluation.segmentation.evaluate_segmentation`.
    pictures : mapping of str to MaskPicture
        By ``image_id``, of the images that :func:`shown_ids` names; those that are absent are named only.
    path : Path

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_segmentation(context, pictures))


def render_segmentation(context: ReportContext, pictures: Mapping[str, MaskPicture]) -> str:
    """Return the page; see :func:`write_segmentation_report`."""
    split, result = headline_result(context)
    sections: list[Html | None] = [verdict(context)] if context.audit or context.kind == "run" else []
    if result is not None:
        sections += [headline(context, result, split), cases(result, pictures), sizes(result)]
        sections += [classes(result), empty_images(result), patients(result), folds(result)]
    sections += [learning(context), input_gate(context)]
    sections += [audit_section(context) if context.kind == "run" else left_out(context), reproduce(context)]
    return document(
        f"gyrus report: {context.title}", top(context), [part for part in sections if part], anchors=_ANCHORS,
        styles=("segmentation.css",),
    )  # fmt: skip


def headline_result(context: ReportContext) -> tuple[str, Mapping[str, Any] | None]:
    """Return what the page is about: the test set where it was looked at, else validation."""
    for split in (*_PREFERRED, *context.evaluations):
        if split in context.evaluations:
            return split, context.evaluations[split]
    return "", None


def shown_ids(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the images whose pictures the page shows, each once."""
    return tuple(dict.fromkeys(one["image_id"] for row in result["shown"].values() for one in row))
