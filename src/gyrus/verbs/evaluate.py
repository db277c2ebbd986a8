"""``gyrus evaluate``: figures with intervals, of a run or of anybody's predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import EvaluateConfig
from gyrus.config.build import build
from gyrus.data import read_manifest
from gyrus.errors import UsageError
from gyrus.evaluation import evaluate_predictions, format_evaluation, read_predictions
from gyrus.runs import RunFolder, count_looks, record_look
from gyrus.verbs.sources import run_of


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """Figures of one set of predictions.

    Attributes
    ----------
    evaluation : dict
        See :func:`gyrus.evaluation.evaluate_predictions`.
    split : str
        ``val`` or ``test`` of a run; empty for a predictions file.
    report : Path or None
        The run's report, written anew.
    test_looks : int or None
        How often this test set has been looked at, this time included.
    """

    evaluation: dict[str, Any]
    split: str
    report: Path | None
    test_looks: int | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the figures, and where the report is."""
        return {
            "split": self.split or None,
            "report": None if self.report is None else str(self.report),
            "test_looks": self.test_looks,
            "evaluation": self.evaluation,
        }

    def to_text(self) -> str:
        """Return the figures as a table."""
        lines = [format_evaluation(self.evaluation)]
        if self.split == "test":
            lines.append(f"looks at this test set so far: {self.test_looks}")
        if self.report is not None:
            lines.append(f"report  {self.report}")
        return "\n".join(lines)


def run(config: EvaluateConfig) -> EvaluateResult:
    """Evaluate a run through its bundle, or a predictions file as it is."""
    if config.source.is_dir():
        return _evaluate_run(config, run_of(config.source))
    if config.test:
        raise UsageError(
            "--test is for a run folder; a predictions file is evaluated as it is", path=config.source
        )
    evaluation = evaluate_predictions(
        read_predictions(config.source),
        n_bootstrap=config.bootstrap_samples,
        confidence=config.confidence,
        seed=config.seed,
    )
    return EvaluateResult(evaluation, "", None, None)


def evaluate(source: Path | str, **options: Any) -> EvaluateResult:
    """Evaluate a run folder or a predictions file; options as in :class:`gyrus.config.EvaluateConfig`."""
    return run(build(EvaluateConfig, source=source, **options))


def _evaluate_run(config: EvaluateConfig, folder: RunFolder) -> EvaluateResult:
    from gyrus.bundles import read_bundle, rewrite_card
    from gyrus.inference import Predictor
    from gyrus.verbs.measure import measure, metrics_for_card
    from gyrus.verbs.report import report_possible, write_run_report

    manifest = read_manifest(folder.manifest)
    split = "test" if config.test else "val"
    predictor = Predictor.load(folder.bundle)
    if config.test:
        record_look(folder.ledger, manifest.fingerprint, folder.path.name)
    evaluation = measure(
        folder,
        manifest,
        split,
        predictor=predictor,
        bootstrap_samples=config.bootstrap_samples,
        confidence=config.confidence,
        seed=config.seed,
    )
    former = read_bundle(folder.bundle).card["metrics"] or {}
    rewrite_card(folder.bundle, metrics={**former, **metrics_for_card({split: evaluation})})
    report = None
    if report_possible():
        write_run_report(folder)
        report = folder.report
    return EvaluateResult(evaluation, split, report, count_looks(folder.ledger, manifest.fingerprint))
