"""``gyrus crossval``: a run for every fold, out-of-fold predictions pooled, one report."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.config import CrossvalConfig
from gyrus.config.build import build
from gyrus.data import read_manifest
from gyrus.data.loading import task_of
from gyrus.data.manifest import SEGMENT
from gyrus.evaluation.label_suspects import LabelSuspects
from gyrus.evaluation.repeats import format_repeats
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.pages.notebook import figures_table, place, verdict_box
from gyrus.runs.atomic import write_json
from gyrus.verbs.crossval_course import CrossvalOutcome, trained_folds
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress, check_folder
from gyrus.verbs.crossval_plan import Plan, plan_folds
from gyrus.verbs.crossval_report import Pooled, pool, write_crossval_report
from gyrus.verbs.crossval_training import classifier_of
from gyrus.verbs.decided import check_wish
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.prepare import Prepared, cached_geometry, prepare
from gyrus.verbs.suspects import suspects_possible, write_suspects
from gyrus.verbs.train_checks import check_before_reading, check_no_masks

if TYPE_CHECKING:
    from gyrus.verbs.crossval_masks import MaskCrossvalResult


@dataclass(frozen=True, slots=True)
class CrossvalResult(CrossvalOutcome):
    """A cross-validation of a classifier.

    Attributes
    ----------
    pooled : Pooled
        Predictions and figures of all folds that stand.
    suspects : LabelSuspects or None
        Images whose label the first repeat's answers contradict; None where an image may have several labels.
    """

    pooled: Pooled
    suspects: LabelSuspects | None = None

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
            **self.course(),
            "repeats": self.repeats,
            "evaluation": self.evaluation,
            "label_suspects": None if self.suspects is None else self.suspects.to_json(),
        }

    def to_text(self) -> str:
        """Return the verdict, the pooled figures, the folds, and where to look."""
        parts = [self.plan.audit["sentence"], ""]
        if self.repeats is not None:
            parts += [format_repeats(self.repeats), "", "the first repeat:"]
        parts += [format_all(self.evaluation), "", *self.told_folds()]
        if self.suspects is not None:
            parts.append(f"labels  {len(self.suspects.suspects)} suspects  ({self.folder.suspects})")
        return "\n".join(parts)

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
    with trained_folds(config, plan, classifier_of(prepared)) as (folder, progress, looks):
        return _conclude(config, folder, plan, progress, prepared, looks, began)


def crossval(source: Path | str, **options: Any) -> CrossvalResult | MaskCrossvalResult:
    """Cross-validate on a folder or manifest; options as in :class:`gyrus.config.CrossvalConfig`.

    Raises
    ------
    LeakageError
        When a given fold leaks and ``allow_leak`` gives no reason.
    """
    return run(build(CrossvalConfig, source=source, **options))


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
    result = CrossvalResult(
        pooled, suspects, folder=folder, plan=plan, progress=progress, looks=looks, seconds=seconds
    )
    write_json(folder.evaluation, {"repeats": pooled.repeats, **pooled.evaluation})
    write_crossval_report(
        folder, plan, progress, pooled, looks=looks, skipped=[asdict(item) for item in prepared.skipped]
    )
    return result
