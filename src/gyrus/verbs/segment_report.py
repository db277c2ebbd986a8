"""Write the report of a run of the task ``segment`` from the files of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.bundles import read_bundle
from gyrus.data import read_manifest
from gyrus.data.mask_classes import MaskClasses
from gyrus.evaluation.mask_predictions import read_mask_predictions
from gyrus.pages import context_of_run, write_model_card
from gyrus.pages.segmentation_report import headline_result, write_segmentation_report
from gyrus.runs import RunFolder, count_looks
from gyrus.runs.atomic import write_json
from gyrus.verbs.report import page_in
from gyrus.verbs.segment_measure import pictures_of


def write_segment_report(run: RunFolder, seconds: Mapping[str, float] | None = None) -> Path | None:
    """Write ``report.html`` and ``model-card.md`` anew; ``seconds``: times of a training, kept.

    Returns
    -------
    Path or None
        Of the report; None where its plots cannot be drawn (the extra ``report``), which is said.
    """
    if seconds is not None:
        write_json(run.timings, dict(seconds))
    kept = json.loads(run.timings.read_text(encoding="utf-8")) if run.timings.is_file() else {}
    manifest = read_manifest(run.manifest)
    looks = count_looks(run.ledger, manifest.fingerprint)
    context = context_of_run(run, test_looks=looks, seconds=kept)
    write_model_card(context, run.model_card)
    if page_in(run.path) is None:
        return None
    split, result = headline_result(context)
    pictures = {}
    if result is not None and run.predictions(split).is_file():
        predictions = read_mask_predictions(run.predictions(split))
        classes = classes_of_card(read_bundle(run.bundle).card)
        color = context.config.get("color", "grey")
        pictures = pictures_of(result, predictions, manifest, classes, color=color)
    write_segmentation_report(context, pictures, run.report)
    return run.report


def classes_of_card(card: Mapping[str, Any]) -> MaskClasses:
    """Return what the masks of a segmentation's card hold."""
    told = card["segmentation"]
    values = told["values"]
    known = None if values is None else {int(value): str(name) for value, name in values.items()}
    return MaskClasses(told["kind"], tuple(card["classes"]), known)
