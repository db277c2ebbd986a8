"""Write a run's report from the files of the run."""

from __future__ import annotations

import json
import logging
from importlib.util import find_spec
from pathlib import Path

from gyrus.data import read_manifest
from gyrus.pages import context_of_run, write_model_card, write_report
from gyrus.runs import RunFolder, count_looks
from gyrus.runs.atomic import write_json

logger = logging.getLogger("gyrus")


def report_possible() -> bool:
    """Tell whether the report's plots can be drawn here (the extra ``report``)."""
    return find_spec("matplotlib") is not None


def page_in(folder: Path) -> Path | None:
    """Return where the page of a folder's figures is to lie; None, and a note, where it cannot be drawn."""
    if report_possible():
        return folder / "report.html"
    logger.info("note: report.html is not written: its plots need pip install 'gyrus[report]'")
    return None


def write_run_report(run: RunFolder, seconds: dict[str, float] | None = None) -> None:
    """Write ``report.html`` and ``model-card.md`` anew; ``seconds``: times of a training, kept.

    Raises
    ------
    MissingDependencyError
        Without the extra ``report``.
    """
    if seconds is not None:
        write_json(run.timings, seconds)
    kept = json.loads(run.timings.read_text(encoding="utf-8")) if run.timings.is_file() else {}
    looks = count_looks(run.ledger, read_manifest(run.manifest).fingerprint)
    context = context_of_run(run, test_looks=looks, seconds=kept)
    write_report(context, run.report)
    write_model_card(context, run.model_card)
