"""Write a run's report from the files of the run."""

from __future__ import annotations

import json
from importlib.util import find_spec

from gyrus.data import read_manifest
from gyrus.pages import context_of_run, write_model_card, write_report
from gyrus.runs import RunFolder, count_looks
from gyrus.runs.atomic import write_json


def report_possible() -> bool:
    """Tell whether the report's plots can be drawn here (the extra ``report``)."""
    return find_spec("matplotlib") is not None


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
