"""The report: one file that a clinician can read from the top and a statistician to the bottom."""

from __future__ import annotations

from pathlib import Path

from gyrus.pages.context import ReportContext
from gyrus.pages.document import document
from gyrus.pages.markup import Html
from gyrus.pages.measured import Measured, measured_from
from gyrus.pages.sections_decision import recalibration, referrals, thresholds
from gyrus.pages.sections_elsewhere import drift, seen_before
from gyrus.pages.sections_figures import class_table, confusion, roc
from gyrus.pages.sections_first import data_table, headline, top, verdict
from gyrus.pages.sections_folds import fold_table
from gyrus.pages.sections_gate import input_gate
from gyrus.pages.sections_last import audit_section, gallery, left_out, reproduce
from gyrus.pages.sections_learning import learning
from gyrus.pages.sections_overall import overall
from gyrus.pages.sections_probabilities import calibration, patient_level
from gyrus.pages.sections_repeats import repeat_table
from gyrus.pages.sections_subgroups import subgroup_tables
from gyrus.runs.atomic import write_text

_PREFERRED = ("test", "val", "cal", "train")
_ANCHORS = {
    "verdict": "Verdict", "repeats": "Repeats", "headline": "Accuracy", "data": "Data", "folds": "Folds",
    "classes": "Classes", "overall": "Overall", "confusion": "Confusion", "roc": "ROC",
    "calibration": "Calibration", "recalibration": "Recalibration", "thresholds": "Thresholds",
    "referrals": "Referrals", "patients": "Patients", "subgroups": "Subgroups", "drift": "Drift",
    "seen": "Seen before", "learning": "Learning", "examples": "Examples", "gate": "Refused",
    "skipped": "Skipped", "audit": "Audit", "reproduce": "Reproduce",
}  # fmt: skip


def write_report(context: ReportContext, path: Path) -> None:
    """Write ``report.html``: self-contained, without script, under 5 MB.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_report(context))


def render_report(context: ReportContext) -> str:
    """Return the page; see :func:`write_report`."""
    measured = headline_split(context)
    sections: list[Html | None] = [verdict(context)]
    if measured is not None:
        sections += [repeat_table(context, measured), headline(context, measured)]
    sections.append(data_table(context, measured))
    if measured is not None:
        sections.append(fold_table(context, measured))
        sections += [class_table(context, measured), overall(context, measured)]
        sections += [confusion(context, measured), roc(context, measured)]
        sections += [calibration(context, measured), recalibration(context, measured)]
        sections += [thresholds(context, measured), referrals(context, measured)]
        sections.append(patient_level(context, measured))
        sections += [subgroup_tables(context, measured), drift(context, measured)]
        sections.append(seen_before(context, measured))
    sections += [learning(context), gallery(context), input_gate(context)]
    sections += [audit_section(context) if context.kind == "run" else left_out(context), reproduce(context)]
    return document(
        f"gyrus report: {context.title}", top(context), [part for part in sections if part], anchors=_ANCHORS
    )


def headline_split(context: ReportContext) -> Measured | None:
    """Return the figures that the page is about: of the test set where it was looked at, else validation."""
    for split in (*_PREFERRED, *context.evaluations):
        if split in context.evaluations:
            return measured_from(context.evaluations[split], split)
    return None
