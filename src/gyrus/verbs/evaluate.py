"""``gyrus evaluate``: figures with intervals, of a run or of anybody's predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import EvaluateConfig
from gyrus.config.build import build
from gyrus.data import Manifest, read_manifest
from gyrus.data.files import list_files
from gyrus.errors import BundleError, DataError, PredictionsError, UsageError, require
from gyrus.evaluation import (
    Predictions,
    evaluate_predictions,
    format_evaluation,
    format_subgroups,
    format_twin_free,
    read_predictions,
)
from gyrus.evaluation.decision_text import format_decision
from gyrus.evaluation.drift import format_drift
from gyrus.evaluation.label_suspects import LabelSuspects
from gyrus.evaluation.twin_free import twins_untold
from gyrus.runs import RunFolder, count_looks, record_look
from gyrus.verbs.evaluated import Evaluated, write_files
from gyrus.verbs.segment_evaluation import SegmentEvaluateResult, answers_masks, are_label_maps
from gyrus.verbs.segment_evaluation import run as evaluate_segmentation
from gyrus.verbs.sources import is_bundle, refuse_crossval, run_of

_NO_PLOTS = "none: its plots need pip install 'gyrus[report]'"
_NO_PAGE = "none was asked for (--report page.html, or --out FOLDER)"


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """Figures of one set of predictions.

    Attributes
    ----------
    evaluation : dict
        See :func:`gyrus.evaluation.evaluate_predictions`; with images or a manifest at hand also
        ``twin_free`` and ``subgroups``, on external data ``drift`` and ``patients_in_both``.
    split : str
        ``val`` or ``test`` of a run; empty for a predictions file and external data.
    report : Path or None
        The run's report, written anew; else the page that ``--report`` or ``--out`` asked for.
    test_looks : int or None
        How often this test set has been looked at, this time included.
    folder : Path or None
        Where predictions and figures were written.
    suspects : LabelSuspects or None
        Where they were asked for.
    """

    evaluation: dict[str, Any]
    split: str
    report: Path | None
    test_looks: int | None
    folder: Path | None = None
    suspects: LabelSuspects | None = None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the figures, and where the report is."""
        return {
            "split": self.split or None,
            "report": None if self.report is None else str(self.report),
            "folder": None if self.folder is None else str(self.folder),
            "test_looks": self.test_looks,
            "evaluation": self.evaluation,
            "label_suspects": None if self.suspects is None else self.suspects.to_json(),
        }

    def to_text(self) -> str:
        """Return the figures as tables."""
        lines = [format_all(self.evaluation, with_subgroups=not self.split)]
        if self.split == "test":
            lines.append(f"looks at this test set so far: {self.test_looks}")
        if self.suspects is not None:
            lines += [self.suspects.to_text(), ""]
        lines.append(f"report  {self.report or (_NO_PLOTS if self.split else _NO_PAGE)}")
        if self.folder is not None:
            lines.append(f"wrote   {self.folder}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the figures and what becomes of them without twins in a notebook."""
        from gyrus.pages.notebook import evaluation_box, place

        files = (("report", self.report), ("files", self.folder))
        shown = "".join(place(name, path) for name, path in files if path is not None)
        return evaluation_box(self.evaluation, self.split) + shown


def run(config: EvaluateConfig) -> EvaluateResult | SegmentEvaluateResult:
    """Evaluate a run through its bundle, a predictions file, a bundle on external images, or masks.

    Raises
    ------
    UsageError
        For a bundle without images, or ``--test`` for what is no run.
    """
    if config.report is not None:
        require("matplotlib", "report", "the plots of the report")
    if config.data is None and not are_label_maps(config):
        config.check_needs_data()
    if answers_masks(config):
        return evaluate_segmentation(config)
    if config.source.is_dir() or is_bundle(config.source):
        _check_deciding(config)
    if config.source.is_dir():
        _check_folder(config)
        folder = run_of(config.source)
        if config.data is None:
            _check_run(config, folder)
        return _evaluate_run(config, folder) if config.data is None else _external(config, folder.bundle)
    if is_bundle(config.source):
        if config.data is None:
            raise UsageError(
                "a bundle holds no images to be evaluated on",
                path=config.source,
                fix="gyrus evaluate model.gyrus DATA, or name the run folder",
            )
        return _external(config, config.source)
    if config.test:
        raise UsageError(
            "--test is for a run folder; a predictions file is evaluated as it is", path=config.source
        )
    return _evaluate_files(config)


def _check_deciding(config: EvaluateConfig) -> None:
    """Refuse options about fitting a decision where the bundle brings its own."""
    if config.deciding_given:
        raise UsageError(
            f"{' and '.join(config.deciding_given)}: a bundle is measured with the decision that it brings",
            path=config.source,
            fix="to fit another on labelled cases: gyrus calibrate BUNDLE DATA --out NEW.gyrus",
        )


def _check_folder(config: EvaluateConfig) -> None:
    """Tell what a folder of images without any file of a run can be."""
    refuse_crossval(config.source)
    run = RunFolder(config.source)
    is_run = any(path.exists() for path in (run.config, run.manifest, run.bundle))
    if config.data is None and not is_run and list_files(config.source).images:
        raise UsageError(
            "holds no run; predicted masks are measured against true ones",
            path=config.source,
            fix=f"gyrus evaluate {config.source} DATA; label maps (NIfTI) without images: gyrus evaluate "
            f"{config.source} --masks TRUE; or name a folder made by gyrus train",
        )


def _check_run(config: EvaluateConfig, folder: RunFolder) -> None:
    """Refuse another place for a run's files: report, card and figures belong together."""
    given = [name for name, path in (("--out", config.out), ("--report", config.report)) if path is not None]
    if given:
        raise UsageError(
            f"{' and '.join(given)}: a run's report and figures lie in the run",
            path=folder.report,
            fix=f"leave out {' and '.join(given)}, and copy the file if it is wanted elsewhere",
        )


def format_all(evaluation: Mapping[str, Any], *, with_subgroups: bool = False) -> str:
    """Return figures, the twin-free score and, where there are, subgroups, patients and drift as text."""
    parts = [format_evaluation(evaluation), format_decision(evaluation.get("decision"))]
    if "twin_free" in evaluation:
        parts.append(format_twin_free(evaluation["twin_free"]))
    if "heat_in_mask" in evaluation:
        parts.append(evaluation["heat_in_mask"]["sentence"])
    if "patients_in_both" in evaluation:
        parts.append(evaluation["patients_in_both"]["sentence"])
    if "drift" in evaluation:
        parts.append(format_drift(evaluation["drift"]))
    if with_subgroups and "subgroups" in evaluation:
        parts.append(format_subgroups(evaluation["subgroups"], evaluation["confidence"]))
    return "\n\n".join(part for part in parts if part)


def evaluate(source: Path | str, **options: Any) -> EvaluateResult | SegmentEvaluateResult:
    """Evaluate a run folder or a predictions file; options as in :class:`gyrus.config.EvaluateConfig`."""
    return run(build(EvaluateConfig, source=source, **options))


def _evaluate_files(config: EvaluateConfig) -> EvaluateResult:
    from gyrus.verbs.fitted_after import add_decision
    from gyrus.verbs.fold_files import read_pooled, sort_out

    files, config = sort_out(config)
    if config.data is not None:
        from gyrus.verbs.joined import evaluate_joined

        return _written(config, evaluate_joined(config, files, config.data))
    predictions = read_pooled(files)
    if not any(predictions.labels):
        raise PredictionsError(
            "no image has a label, so nothing can be measured",
            path=files[0],
            fix=f"fill the column label, or let the images' folders tell: gyrus evaluate {files[0]} DATA",
        )
    evaluation = evaluate_predictions(
        predictions,
        n_bootstrap=config.bootstrap_samples,
        confidence=config.confidence,
        seed=config.seed,
        prevalence=config.prevalences,
    )
    add_decision(config, evaluation, predictions)
    evaluation["twin_free"] = twins_untold(
        "only the predictions are at hand (gyrus evaluate predictions.csv DATA)"
    )
    return _written(config, Evaluated(evaluation=evaluation, predictions=predictions))


def _external(config: EvaluateConfig, bundle: Path) -> EvaluateResult:
    from gyrus.verbs.external import evaluate_external

    if config.data is None or config.out_of_fold or config.more:
        raise UsageError(
            f"{'--out-of-fold is' if config.out_of_fold else 'several files are'} about predictions files",
            fix="gyrus evaluate model.gyrus DATA",
        )
    return _written(config, evaluate_external(config, bundle, config.data))


def _written(config: EvaluateConfig, evaluated: Evaluated) -> EvaluateResult:
    page = write_files(config, evaluated)
    suspects = _suspects(config, evaluated.predictions, evaluated.images, config.source)
    return EvaluateResult(evaluated.evaluation, "", page, None, config.out, suspects)


def _suspects(
    config: EvaluateConfig, predictions: Predictions, images: Manifest | None, about: Path
) -> LabelSuspects | None:
    if config.suspects is None:
        return None
    from gyrus.verbs.suspects import write_suspects

    return write_suspects(config.suspects, predictions, images, about=f"Predictions of {about.name}.")


def _evaluate_run(config: EvaluateConfig, folder: RunFolder) -> EvaluateResult:
    from gyrus.bundles import read_bundle, rewrite_card
    from gyrus.inference import Predictor
    from gyrus.verbs.decided import points_measured
    from gyrus.verbs.measure import measure, metrics_for_card
    from gyrus.verbs.report import report_possible, write_run_report

    manifest = read_manifest(folder.manifest)
    split = "test" if config.test else "val"
    if not len(manifest.select(split)):
        raise DataError(
            f"no image of the run is in the split {split!r}",
            path=folder.manifest,
            fix="train again on data that are divided so that there are: gyrus split DATA",
        )
    predictor = Predictor.load(folder.bundle)
    if predictor.card["data"].get("fingerprint") != manifest.fingerprint:
        raise BundleError(
            f"was not trained on the division in {folder.manifest.name} beside it: it is of another run, or"
            " the manifest was altered",
            path=folder.bundle,
            fix="evaluate it on images of its own: gyrus evaluate model.gyrus DATA; or train again",
        )
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
        prevalence=config.prevalences,
    )
    former = read_bundle(folder.bundle).card["metrics"] or {}
    rewrite_card(
        folder.bundle,
        metrics={**former, **metrics_for_card({split: evaluation})},
        operating_points=points_measured(predictor.decision, {split: evaluation}),
    )
    report = None
    if report_possible():
        write_run_report(folder)
        report = folder.report
    suspects = None
    if config.suspects is not None:
        suspects = _suspects(config, read_predictions(folder.predictions(split)), manifest, folder.path)
    looks = count_looks(folder.ledger, manifest.fingerprint)
    return EvaluateResult(evaluation, split, report, looks, None, suspects)
