"""The trainings of a cross-validation, one fold after the other."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from gyrus.config import TrainConfig
from gyrus.errors import GyrusError, StoppedError
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress
from gyrus.verbs.crossval_plan import Plan, PlannedFold
from gyrus.verbs.prepare import Prepared
from gyrus.verbs.resuming import check_resumable
from gyrus.verbs.tables import counts_table
from gyrus.verbs.train import Divided, TrainResult, train_divided

logger = logging.getLogger("gyrus")


class FoldDone(NamedTuple):
    """What a fold's training gave: the digest of its bundle, and how well it does, in a few words."""

    digest: str
    told: str


TrainFold = Callable[[TrainConfig, Divided], FoldDone]
"""Trains one fold, with its place in the options."""


def train_folds(
    folder: CrossvalFolder, plan: Plan, train: TrainFold, progress: Progress
) -> GyrusError | None:
    """Train every fold that is not finished; return the first error, with which the others still stand.

    A fold that was interrupted goes on where it was; one that failed begins anew. ``progress`` is kept up to
    date, and written after every fold.

    Raises
    ------
    StoppedError
        When SIGTERM came; what was done is saved.
    """
    failed_before = set(progress.failed)
    progress.failed.clear()
    missing = missing_folds(folder, plan, progress)
    kept = len(plan.folds) - len(missing)
    began, first_error = time.perf_counter(), None
    for number, planned in enumerate(missing):
        logger.info(
            "\n== %s (%d of %d)\n%s",
            planned.title, kept + number + 1, len(plan.folds), counts_table(planned.divided.manifest),
        )  # fmt: skip
        try:
            config = fold_options(folder, planned, interrupted=planned.title not in failed_before)
            _train(folder, planned, config, train, progress)
        except StoppedError as error:
            raise stopped(folder, planned.title) from error
        except GyrusError as error:
            first_error = first_error or error
            progress.failed[planned.title] = {"error": str(error), "exit_code": error.exit_code}
            logger.info("%s failed, the others go on: %s", planned.title, error)
        progress.write(folder)
        left = len(missing) - number - 1
        if left:
            each = (time.perf_counter() - began) / (number + 1)
            logger.info("%d of %d folds left, about %s", left, len(plan.folds), duration(each * left))
    return first_error


def missing_folds(folder: CrossvalFolder, plan: Plan, progress: Progress) -> list[PlannedFold]:
    """Return the folds that are still to be trained, and tell how many are kept."""
    missing = [planned for planned in plan.folds if not _is_finished(folder, planned, progress)]
    kept = len(plan.folds) - len(missing)
    if kept:
        logger.info("note: %d of %d folds are finished and are kept.", kept, len(plan.folds))
    return missing


def stopped(folder: CrossvalFolder, title: str) -> StoppedError:
    """Return the error that says that a fold's state is saved, and how to go on."""
    return StoppedError(
        f"{title} was stopped by SIGTERM; its state is saved",
        path=folder.path,
        fix="the same command with the same --out goes on where it stopped",
    )


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(7.31), duration(95), duration(7320)
    ('7.3 s', '1 min 35 s', '2 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _is_finished(folder: CrossvalFolder, planned: PlannedFold, progress: Progress) -> bool:
    """Tell whether a fold's predictions are there; a fold whose files were removed is trained again."""
    if planned.title not in progress.finished:
        return False
    if folder.run_of(planned.repeat, planned.fold).predictions("test").is_file():
        return True
    del progress.finished[planned.title]
    return False


def fold_options(folder: CrossvalFolder, planned: PlannedFold, *, interrupted: bool) -> TrainConfig:
    """Return the options of a fold with its place; an interrupted training of the same is gone on with."""
    run = folder.run_of(planned.repeat, planned.fold)
    if not run.path.exists():
        return replace(planned.config, out=run.path)
    if interrupted and run.config.is_file() and not run.report.is_file():
        resumed = replace(planned.config, resume=run.path)
        check_resumable(resumed)
        logger.info("note: %s was interrupted, and goes on.", planned.title)
        return resumed
    logger.info("note: %s did not end well before, and begins anew.", planned.title)
    shutil.rmtree(run.path)
    return replace(planned.config, out=run.path)


def classifier_of(prepared: Prepared) -> TrainFold:
    """Return what trains a classifier on a fold of a scanned data set."""

    def train(config: TrainConfig, divided: Divided) -> FoldDone:
        return done_of(train_divided(config, prepared, divided))

    return train


def done_of(result: TrainResult) -> FoldDone:
    """Return what a classifier's training gave."""
    tested = result.evaluations["test"]
    # of several classes an image: those all of whose classes are right
    right = tested["exact_match" if "exact_match" in tested else "accuracy"]["value"]
    return FoldDone(result.digest, f"{100 * right:.1f} % right")


def _train(
    folder: CrossvalFolder, planned: PlannedFold, config: TrainConfig, train: TrainFold, progress: Progress
) -> None:
    began = time.perf_counter()
    done = train(config, planned.divided)
    record(folder, planned, done, time.perf_counter() - began, progress)


def record(
    folder: CrossvalFolder, planned: PlannedFold, done: FoldDone, seconds: float, progress: Progress
) -> None:
    """Enter a fold as finished, and say so."""
    progress.finished[planned.title] = {
        "run": folder.run_of(planned.repeat, planned.fold).path.relative_to(folder.path).as_posix(),
        "fingerprint": planned.divided.manifest.fingerprint,
        "digest": done.digest,
        "seconds": round(seconds, 2),
    }
    logger.info("%s took %s: %s", planned.title, duration(seconds), done.told)
