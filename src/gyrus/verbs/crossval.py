"""``gyrus crossval``: a run for every fold, out-of-fold predictions pooled, one report."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.config import CrossvalConfig
from gyrus.config.build import build
from gyrus.data import read_manifest, write_manifest
from gyrus.data.loading import task_of
from gyrus.data.manifest import SEGMENT
from gyrus.errors import GyrusError, StorageError, UsageError
from gyrus.evaluation.label_suspects import LabelSuspects
from gyrus.evaluation.repeats import format_repeats
from gyrus.pages.notebook import figures_table, place, verdict_box
from gyrus.runs import count_looks, environment, locked, next_run_folder, record_look
from gyrus.runs.atomic import write_json
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress, check_folder, described, read_progress
from gyrus.verbs.crossval_plan import Plan, plan_folds
from gyrus.verbs.crossval_report import OUT_OF_FOLD, Pooled, pool, write_crossval_report
from gyrus.verbs.crossval_training import classifier_of, duration, train_folds
from gyrus.verbs.decided import check_wish
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.prepare import Prepared, cached_geometry, prepare
from gyrus.verbs.suspects import suspects_possible, write_suspects
from gyrus.verbs.tables import align
from gyrus.verbs.train_checks import check_before_reading, check_no_masks

if TYPE_CHECKING:
    from gyrus.verbs.crossval_masks import MaskCrossvalResult

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class CrossvalResult:
    """A cross-validation, finished or as far as its folds allowed.

    Attributes
    ----------
    folder : CrossvalFolder
        Where everything lies.
    pooled : Pooled
        Predictions and figures of all folds that stand.
    plan : Plan
        What was to be trained.
    progress : Progress
        What became of it.
    looks : int
        How often these folds have been cross-validated, this time included.
    seconds : float
        Wall time of this call.
    suspects : LabelSuspects or None
        Images whose label the first repeat's answers contradict; None where an image may have several labels.
    """

    folder: CrossvalFolder
    pooled: Pooled
    plan: Plan
    progress: Progress
    looks: int
    seconds: float
    suspects: LabelSuspects | None = None

    @property
    def exit_code(self) -> int:
        """0, or that of the first fold that failed."""
        return next((int(failed["exit_code"]) for failed in self.progress.failed.values()), 0)

    @property
    def evaluation(self) -> dict[str, Any]:
        """The pooled figures; of several repeats those of the first."""
        return self.pooled.evaluation

    @property
    def repeats(self) -> dict[str, Any] | None:
        """Figures of each repeat and their mean; None for one. See :mod:`gyrus.evaluation.repeats`."""
        return self.pooled.repeats

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, pooled figures, repeats, and what became of every fold."""
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
            "repeats": self.repeats,
            "evaluation": self.evaluation,
            "label_suspects": None if self.suspects is None else self.suspects.to_json(),
        }

    def to_text(self) -> str:
        """Return the verdict, the pooled figures, the folds, and where to look."""
        parts = [self.plan.audit["sentence"], ""]
        if self.repeats is not None:
            parts += [format_repeats(self.repeats), "", "the first repeat:"]
        parts += [format_all(self.evaluation), "", self._folds()]
        parts += [f"failed  {title}: {failed['error']}" for title, failed in self.progress.failed.items()]
        if self.progress.failed:
            parts.append("The figures are of the other folds alone; give the same command again to go on.")
        parts += [
            f"these folds have been cross-validated {'once' if self.looks == 1 else f'{self.looks} times'}",
            f"report  {self.folder.report}",
            f"pooled  {self.folder.pooled}",
        ]
        if self.suspects is not None:
            parts.append(f"labels  {len(self.suspects.suspects)} suspects  ({self.folder.suspects})")
        return "\n".join(parts)

    def _folds(self) -> str:
        rows = [["training", "took", "run"]]
        for title, finished in self.progress.finished.items():
            rows.append([title, duration(finished["seconds"]), finished["run"]])
        return align(rows)

    def _repr_html_(self) -> str:
        """Return the verdict, the pooled figures and the files for a notebook."""
        audit = self.plan.audit
        files = [place("report", self.folder.report), place("pooled predictions", self.folder.pooled)]
        table = figures_table({OUT_OF_FOLD: self.evaluation})
        return "".join([verdict_box(audit["verdict"], audit["sentence"]), table, *files])


def run(config: CrossvalConfig) -> CrossvalResult | MaskCrossvalResult:
    """Cross-validate as ``config`` says; folds that are finished in its folder are not trained again.

    Raises
    ------
    LeakageError
        When a given fold leaks, without ``allow_leak``; nothing is written then.
    UsageError
        When the folder holds something else, or folds of other options or data.
    GyrusError
        What the first fold failed with, when none succeeded.
    """
    if task_of(config.source, config) == SEGMENT:
        from gyrus.verbs.crossval_masks import crossval_masks

        return crossval_masks(config)
    began = time.perf_counter()
    check_folder(config)
    check_before_reading(replace(config, out=None))
    check_no_masks(config)
    prepared = prepare(config.source, config, cache_dir=config.cache_dir, image_size=cached_geometry(config))
    plan = plan_folds(config, prepared)
    check_wish(config, plan.manifest, [row for row in plan.manifest if row.fold is not None and row.label])
    logger.info("%s", plan.audit["sentence"])
    for note in plan.notes:
        logger.info("note: %s", note)
    folder = crossval_place(config)
    with locked(folder.path):
        progress = open_progress(config, folder, plan)
        looks = count_deals(folder, plan, progress)
        first_error = train_folds(folder, plan, classifier_of(prepared), progress)
        if not progress.finished:
            raise first_error or GyrusError("no fold was trained")
        return _conclude(config, folder, plan, progress, prepared, looks, began)


def crossval(source: Path | str, **options: Any) -> CrossvalResult | MaskCrossvalResult:
    """Cross-validate on a folder or manifest; options as in :class:`gyrus.config.CrossvalConfig`.

    Raises
    ------
    LeakageError
        When a given fold leaks and ``allow_leak`` gives no reason.
    """
    return run(build(CrossvalConfig, source=source, **options))


def crossval_place(config: CrossvalConfig) -> CrossvalFolder:
    """Make the folder, or take the one that is there."""
    if config.out is None:
        name = f"crossval-{config.architecture.replace('/', '_')}"
        folder = CrossvalFolder(next_run_folder(Path("runs"), name).path)
        logger.info("note: If it is interrupted, go on with: --out %s", folder.path)
        return folder
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder cannot be made: {error.strerror}", path=config.out, fix="name another with --out"
        ) from error
    return CrossvalFolder(config.out)


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


def _conclude(
    config: CrossvalConfig,
    folder: CrossvalFolder,
    plan: Plan,
    progress: Progress,
    prepared: Prepared,
    looks: int,
    began: float,
) -> CrossvalResult:
    pooled = pool(config, folder, plan, progress)
    suspects = None
    if suspects_possible(pooled.predictions[0]):
        suspects = write_suspects(
            folder.path, pooled.predictions[0], read_manifest(folder.manifest), color=config.color,
            about=f"Cross-validation {folder.path.resolve().name}: each image by a model that has not seen "
            "its patient.",
        )  # fmt: skip
    seconds = time.perf_counter() - began
    result = CrossvalResult(folder, pooled, plan, progress, looks, seconds, suspects)
    write_json(folder.evaluation, {"repeats": pooled.repeats, **pooled.evaluation})
    write_crossval_report(
        folder, plan, progress, pooled, looks=looks, skipped=[asdict(item) for item in prepared.skipped]
    )
    return result
