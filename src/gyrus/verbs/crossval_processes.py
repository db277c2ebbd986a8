"""Folds of a cross-validation side by side: each in a process of its own, with its share of the cores.

Small steps leave the second thread of a training idle for a part of the time; a second training does not.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from gyrus.config import TrainConfig
from gyrus.data import read_manifest
from gyrus.errors import DataError, GyrusError, StoppedError, StorageError
from gyrus.inference.runtime import usable_cores
from gyrus.training.stopping import listening
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress
from gyrus.verbs.crossval_plan import Plan, PlannedFold
from gyrus.verbs.crossval_training import FoldDone, fold_options, missing_folds, record, stopped

logger = logging.getLogger("gyrus")
_LOOK_S = 0.2
_SHOW_S, _SHOW_IN_A_LOG_S = 1.0, 60.0
_CHILD = [sys.executable, "-m", "gyrus.verbs.fold_process"]


@dataclass(slots=True)
class _Training:
    """A fold's process, its log, and when it began."""

    planned: PlannedFold
    process: subprocess.Popen[bytes]
    log: Path
    written: BinaryIO
    answer: BinaryIO
    began: float

    def outcome(self) -> FoldDone | GyrusError:
        """Return what became of it, once it has ended."""
        self.answer.seek(0)
        try:
            outcome: FoldDone | GyrusError = pickle.load(self.answer)
            return outcome
        except (EOFError, pickle.UnpicklingError):  # nothing, or it was ended while it wrote
            pass
        finally:
            self.close()
        return GyrusError(
            f"its process ended with code {self.process.returncode} and without an answer",
            path=self.log,
            fix="the log's last lines say more; code -9 mostly means that memory ran out: fewer --jobs",
        )

    def ask_to_end(self) -> None:
        """Ask for the state to be saved; the process ends by itself."""
        if self.process.poll() is None:
            self.process.terminate()

    def close(self) -> None:
        """Give back the pipe and the files."""
        for stream in (self.process.stdin, self.written, self.answer):
            if stream is not None:
                stream.close()


def train_folds_side_by_side(
    folder: CrossvalFolder, plan: Plan, progress: Progress, jobs: int
) -> GyrusError | None:
    """Train every fold that is not finished, ``jobs`` at a time; else as ``train_folds``.

    Raises
    ------
    StoppedError
        When SIGTERM came; each process has saved its state.
    """
    failed_before = set(progress.failed)
    progress.failed.clear()
    waiting = deque(missing_folds(folder, plan, progress))
    threads = max(1, usable_cores() // jobs)
    running: list[_Training] = []
    first_error: GyrusError | None = None
    next_shown = 0.0
    with (
        listening() as request,
        tqdm(total=len(waiting), desc="folds", unit="fold", file=sys.stderr, leave=False) as bar,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < jobs and not request.asked:
                    planned = waiting.popleft()
                    try:
                        going_on = planned.title not in failed_before
                        config = fold_options(folder, planned, interrupted=going_on)
                        running.append(_start(folder, planned, config, threads))
                    except GyrusError as error:
                        failed = _failed(folder, planned, error, progress)
                        first_error = first_error or failed
                        bar.update()
                for training in [one for one in running if one.process.poll() is not None]:
                    running.remove(training)
                    outcome = _entered(folder, training, progress)
                    first_error = first_error or outcome
                    bar.update()
                if request.asked:
                    raise stopped(folder, ", ".join(one.planned.title for one in running) or "it")
                if time.monotonic() >= next_shown:
                    bar.set_postfix_str(_epochs_done(folder, running))
                    next_shown = time.monotonic() + (_SHOW_S if sys.stderr.isatty() else _SHOW_IN_A_LOG_S)
                time.sleep(_LOOK_S)
        finally:  # after SIGTERM, Ctrl-C or an error of ours: none of them trains on unseen
            for training in running:
                training.ask_to_end()
            for training in running:
                training.process.wait()
                training.close()
    return first_error


def _epochs_done(folder: CrossvalFolder, running: Iterable[_Training]) -> str:
    """Return how far each fold is; a fold may take an hour, and its own bar goes into its log."""
    told = []
    for training in running:
        metrics = folder.run_of(training.planned.repeat, training.planned.fold).metrics
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.is_file() else []
        told.append(f"{training.planned.title}: {max(0, len(lines) - 1)} epochs")
    return ", ".join(told)


def _start(folder: CrossvalFolder, planned: PlannedFold, config: TrainConfig, threads: int) -> _Training:
    log = folder.log_of(planned.repeat, planned.fold)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        written = log.open("ab")
    except OSError as error:
        raise StorageError(
            f"the fold's log cannot be written: {error.strerror}",
            path=log,
            fix="name another folder with --out",
        ) from error
    answer = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process; a pipe would hold up long answers
    process = subprocess.Popen(
        _CHILD, stdin=subprocess.PIPE, stdout=answer, stderr=written,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"},
    )  # fmt: skip
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it ended at once; its log says why
        pickle.dump(config, process.stdin)
        process.stdin.flush()  # the pipe stays open: its end would end the training
    logger.info("%s begins, with %d of the cores: %s", planned.title, threads, log)
    return _Training(planned, process, log, written, answer, time.perf_counter())


def _entered(folder: CrossvalFolder, training: _Training, progress: Progress) -> GyrusError | None:
    """Enter an ended process's fold into the progress; return its error."""
    planned, outcome = training.planned, training.outcome()
    error = outcome if isinstance(outcome, GyrusError) else _other_data(folder, planned)
    if isinstance(error, StoppedError):
        raise stopped(folder, planned.title) from error
    if error is not None:
        return _failed(folder, planned, error, progress)
    if isinstance(outcome, FoldDone):
        record(folder, planned, outcome, time.perf_counter() - training.began, progress)
    progress.write(folder)
    return None


def _failed(
    folder: CrossvalFolder, planned: PlannedFold, error: GyrusError, progress: Progress
) -> GyrusError:
    """Enter a fold as failed, say so, and return the error."""
    progress.failed[planned.title] = {"error": str(error), "exit_code": error.exit_code}
    logger.info("%s failed, the others go on: %s", planned.title, error)
    progress.write(folder)
    return error


def _other_data(folder: CrossvalFolder, planned: PlannedFold) -> GyrusError | None:
    """Return an error where the process read other data than this one planned with."""
    run = folder.run_of(planned.repeat, planned.fold)
    if read_manifest(run.manifest).fingerprint == planned.divided.manifest.fingerprint:
        return None
    return DataError(
        "the data changed while the folds were trained", path=run.manifest, fix="give the same command again"
    )
