"""The course of every cross-validation, whatever its folds are trained for: place, folds, looks, outcome."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import CrossvalConfig
from gyrus.data import read_manifest, write_manifest
from gyrus.errors import GyrusError, UsageError
from gyrus.pages.context import ReportContext
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.runs import count_looks, environment, locked, make_folder, next_run_folder, record_look
from gyrus.runs.atomic import write_json
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress, described, read_progress
from gyrus.verbs.crossval_plan import Plan
from gyrus.verbs.crossval_training import TrainFold, duration, train_folds
from gyrus.verbs.tables import align

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalOutcome:
    """A cross-validation, finished or as far as its folds allowed.

    Attributes
    ----------
    folder : CrossvalFolder
        Where everything lies.
    plan : Plan
        What was to be trained.
    progress : Progress
        What became of it.
    looks : int
        How often these folds have been cross-validated, this time included.
    seconds : float
        Wall time of this call.
    """

    folder: CrossvalFolder
    plan: Plan
    progress: Progress
    looks: int
    seconds: float

    @property
    def exit_code(self) -> int:
        """0, or that of the first fold that failed."""
        return next((int(failed["exit_code"]) for failed in self.progress.failed.values()), 0)

    def course(self) -> dict[str, Any]:
        """Return paths, verdict, and what became of every fold, as plain data."""
        return {
            "folder": str(self.folder.path),
            "report": str(self.folder.report),
            "predictions": str(self.folder.pooled),
            "verdict": self.plan.audit["verdict"],
            "sentence": self.plan.audit["sentence"],
            "looks": self.looks,
            "seconds": round(self.seconds, 2),
            "finished": self.progress.finished,
            "failed": self.progress.failed,
        }

    def told_folds(self) -> list[str]:
        """Return the table of the folds, those that failed, and where to look."""
        rows = [["training", "took", "run"]]
        for title, finished in self.progress.finished.items():
            rows.append([title, duration(finished["seconds"]), finished["run"]])
        parts = [align(rows)]
        parts += [f"failed  {title}: {failed['error']}" for title, failed in self.progress.failed.items()]
        if self.progress.failed:
            parts.append("The figures are of the other folds alone; give the same command again to go on.")
        return [
            *parts,
            f"these folds have been cross-validated {'once' if self.looks == 1 else f'{self.looks} times'}",
            f"report  {self.folder.report}",
            f"pooled  {self.folder.pooled}",
        ]


@contextmanager
def trained_folds(
    config: CrossvalConfig, plan: Plan, train: TrainFold
) -> Iterator[tuple[CrossvalFolder, Progress, int]]:
    """Train the folds of a plan that are not finished; then their folder, what became of them, and the looks.

    The folder is locked until the block ends, in which the folds are pooled.

    Raises
    ------
    UsageError
        When the folder holds folds of other data.
    GyrusError
        What the first fold failed with, when none succeeded.
    """
    logger.info("%s", plan.audit["sentence"])
    for note in plan.notes:
        logger.info("note: %s", note)
    folder = crossval_place(config)
    with locked(folder.path):
        progress = open_progress(config, folder, plan)
        looks = count_deals(folder, plan, progress)
        if config.jobs > 1:
            from gyrus.verbs.crossval_processes import train_folds_side_by_side

            first_error = train_folds_side_by_side(folder, plan, progress, config.jobs)
        else:
            first_error = train_folds(folder, plan, train, progress)
        if not progress.finished:
            raise first_error or GyrusError("no fold was trained")
        yield folder, progress, looks


def report_context(
    folder: CrossvalFolder,
    plan: Plan,
    progress: Progress,
    evaluation: dict[str, Any],
    looks: int,
    **more: Any,
) -> ReportContext:
    """Return what the report of every cross-validation tells; ``more`` are further fields of the context."""
    manifest = read_manifest(folder.manifest)
    return ReportContext(
        title=folder.path.resolve().name,
        config=json.loads(folder.config.read_text(encoding="utf-8")),
        environment=json.loads(folder.environment.read_text(encoding="utf-8")),
        audit=plan.audit,
        allow_leak=plan.audit["allow_leak"],
        synthetic=all(row.subject_source == "phantom" for row in manifest),
        sizes=dict(Counter(f"fold {row.fold}" for row in manifest if row.fold is not None)),
        fingerprint=manifest.fingerprint,
        evaluations={OUT_OF_FOLD: evaluation},
        test_looks=looks,
        notes=plan.audit["notes"],
        seconds={title: finished["seconds"] for title, finished in progress.finished.items()},
        **more,
    )


def crossval_place(config: CrossvalConfig) -> CrossvalFolder:
    """Make the folder, or take the one that is there."""
    if config.out is None:
        name = f"crossval-{config.architecture.replace('/', '_')}"
        folder = CrossvalFolder(next_run_folder(Path("runs"), name).path)
        logger.info("note: If it is interrupted, go on with: --out %s", folder.path)
        return folder
    return CrossvalFolder(make_folder(config.out))


def open_progress(config: CrossvalConfig, folder: CrossvalFolder, plan: Plan) -> Progress:
    """Write what stands before the first fold, and return what is finished already.

    Raises
    ------
    UsageError
        When the finished folds are of other data, or divided otherwise.
    """
    progress = read_progress(folder)
    other = [
        planned.title
        for planned in plan.folds
        if planned.title in progress.finished
        and progress.finished[planned.title]["fingerprint"] != planned.divided.manifest.fingerprint
    ]
    if other:
        raise UsageError(
            "holds folds of other data, or of data divided otherwise",
            path=folder.path,
            details=other,
            fix="name another folder with --out",
        )
    write_json(folder.config, described(config))
    write_json(folder.environment, environment())
    write_json(folder.audit, plan.audit)
    write_manifest(plan.manifest, folder.manifest)
    return progress


def count_deals(folder: CrossvalFolder, plan: Plan, progress: Progress) -> int:
    """Record a look at each deal of the patients, before its first fold is tested; return the most looks.

    A cross-validation has no test set that stays closed: every image is tested once. What makes its figure
    optimistic is doing it again with choices in between, so that is what is counted, beside its folder.
    """
    for deal in plan.deals:
        if deal not in progress.counted:
            record_look(folder.ledger, deal, folder.path.name)
            progress.counted.append(deal)
            progress.write(folder)
    return max(count_looks(folder.ledger, deal) for deal in plan.deals)
