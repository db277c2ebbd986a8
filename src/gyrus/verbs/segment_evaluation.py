"""``gyrus evaluate`` where masks are answered: a run, a bundle on other images, predicted masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gyrus.bundles import read_bundle, rewrite_card
from gyrus.config import EvaluateConfig
from gyrus.data import Manifest, load, read_manifest
from gyrus.data.label_maps import ENDINGS
from gyrus.data.manifest import SEGMENT
from gyrus.data.mask_classes import MaskClasses, classes_of
from gyrus.errors import BundleError, DataError, UsageError
from gyrus.evaluation.mask_folder import read_mask_folder
from gyrus.evaluation.mask_predictions import (
    MaskPredictions,
    is_mask_predictions,
    pool_masks,
    read_mask_predictions,
    write_mask_predictions,
)
from gyrus.evaluation.segmentation_text import format_segmentation
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import tag
from gyrus.pages.mask_pictures import MaskPicture
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.pages.segmentation_report import write_segmentation_report
from gyrus.runs import RunFolder, count_looks, record_look
from gyrus.runs.atomic import write_json
from gyrus.runs.provenance import environment
from gyrus.verbs.fold_files import fold_names
from gyrus.verbs.mask_gating import KeptOutputs
from gyrus.verbs.report import page_in
from gyrus.verbs.segment_measure import evaluate_masks, measure_masks, pictures_of
from gyrus.verbs.segment_report import classes_of_card, write_segment_report
from gyrus.verbs.sources import bundle_of, is_bundle, refuse_crossval, run_of

if TYPE_CHECKING:
    from gyrus.verbs.segment_external import ExternalMasks

_CARD_FIGURES = ("n_images", "n_subjects", "unit", "mean")


@dataclass(frozen=True, slots=True)
class SegmentEvaluateResult:
    """Figures of one set of predicted masks.

    Attributes
    ----------
    evaluation : dict
        See :mod:`gyrus.evaluation.segmentation`.
    split : str
        ``val`` or ``test`` of a run; empty for predicted masks and external data.
    report : Path or None
        The run's report, written anew; else the page that ``--report`` or ``--out`` asked for.
    test_looks : int or None
        How often this test set has been looked at, this time included.
    folder : Path or None
        Where figures were written.
    """

    evaluation: dict[str, Any]
    split: str
    report: Path | None
    test_looks: int | None
    folder: Path | None = None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the figures, and where the report is."""
        return {
            "split": self.split or None,
            "report": None if self.report is None else str(self.report),
            "folder": None if self.folder is None else str(self.folder),
            "test_looks": self.test_looks,
            "evaluation": self.evaluation,
        }

    def to_text(self) -> str:
        """Return the figures as tables."""
        lines = [format_segmentation(self.evaluation)]
        if self.split == "test":
            lines.append(f"looks at this test set so far: {self.test_looks}")
        lines.append("" if self.report is None else f"report  {self.report}")
        if self.folder is not None:
            lines.append(f"wrote   {self.folder}")
        return "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        """Show the figures and where the files are in a notebook."""
        from gyrus.pages.notebook import place

        files = (("report", self.report), ("files", self.folder))
        shown = "".join(place(name, path) for name, path in files if path is not None)
        return tag("pre", format_segmentation(self.evaluation)) + shown


def answers_masks(config: EvaluateConfig) -> bool:
    """Tell whether what is to be evaluated are masks: by the run, the bundle's card, or the file."""
    source = config.source
    if are_label_maps(config):
        return True
    if source.is_dir():
        if RunFolder(source).manifest.is_file() and RunFolder(source).config.is_file():
            return read_manifest(RunFolder(source).manifest).task == SEGMENT
        return config.data is not None and not RunFolder(source).bundle.is_file()
    if is_bundle(source):
        return bool(read_bundle(source).card["task"] == SEGMENT)
    return is_mask_predictions(source) or source.name.lower().endswith(ENDINGS)


def run(config: EvaluateConfig) -> SegmentEvaluateResult:
    """Evaluate masks; see :func:`answers_masks` for what may be given.

    Raises
    ------
    UsageError
        For options that are about classes, and for masks without the data that they are about.
    """
    _check_options(config)
    source = config.source
    refuse_crossval(source)
    if are_label_maps(config) and config.masks is not None:
        return _label_maps(config, config.masks)
    if source.is_dir() and RunFolder(source).bundle.is_file() and config.data is None:
        return _evaluate_run(config, run_of(source))
    if config.data is None:
        raise UsageError(
            "the true masks are needed beside the predicted ones", path=source,
            fix=f"gyrus evaluate {source} DATA; of label maps without images: gyrus evaluate {source} "
            "--masks TRUE",
        )  # fmt: skip
    if is_bundle(source) or (source.is_dir() and RunFolder(source).bundle.is_file()):
        return _external(config, bundle_of(source), config.data)
    try:
        return _evaluate_files(config)
    except DataError as error:
        if not source.is_dir():
            raise
        raise DataError(
            "holds no finished run (no model.gyrus); taken for a folder of predicted masks: "
            + (f"{error.path}: {error.message}" if error.path not in (None, str(source)) else error.message),
            path=source, fix=error.fix, details=error.details,
        ) from error  # fmt: skip


def are_label_maps(config: EvaluateConfig) -> bool:
    """Tell whether label maps are to be measured by themselves: NIfTI files, without images."""
    if config.data is not None:
        return False
    if config.source.is_dir():
        run = RunFolder(config.source)
        return config.masks is not None and not (run.bundle.is_file() or run.config.is_file())
    return config.source.name.lower().endswith(ENDINGS)


def _check_options(config: EvaluateConfig) -> None:
    given = {
        "--label-map": bool(config.label_map), "--prevalence": bool(config.prevalence),
        "--suspects": config.suspects is not None, "--out-of-fold": config.out_of_fold,
    }  # fmt: skip
    wrong = [*(name for name, used in given.items() if used), *config.deciding_given]
    if wrong:
        raise UsageError(
            f"{' and '.join(wrong)}: about classes of images, and these are masks", path=config.source,
            fix="leave it out",
        )  # fmt: skip


def _evaluate_run(config: EvaluateConfig, folder: RunFolder) -> SegmentEvaluateResult:
    from gyrus.inference.mask_rows import predict_masks
    from gyrus.inference.segmenting import MaskPredictor

    if config.out is not None or config.report is not None:
        raise UsageError(
            "--out and --report: a run's report and figures lie in the run", path=folder.report,
            fix="leave them out, and copy the files if they are wanted elsewhere",
        )  # fmt: skip
    manifest = read_manifest(folder.manifest)
    split = "test" if config.test else "val"
    if not len(manifest.select(split)):
        raise DataError(
            f"no image of the run is in the split {split!r}", path=folder.manifest,
            fix="train again on data that are divided so that there are: gyrus split DATA",
        )  # fmt: skip
    card = read_bundle(folder.bundle).card
    if card["data"].get("fingerprint") != manifest.fingerprint:
        raise BundleError(
            f"was not trained on the division in {folder.manifest.name} beside it: it is of another run, or "
            "the manifest was altered",
            path=folder.bundle,
            fix="evaluate it on images of its own: gyrus evaluate model.gyrus DATA; or train again",
        )
    if config.test:
        record_look(folder.ledger, manifest.fingerprint, folder.path.name)
    predictor, kept = MaskPredictor.load(folder.bundle), KeptOutputs()
    predict_masks(predictor, manifest, folder.predictions(split).parent, split, each=kept.take)
    kept.write(folder.outputs(split), predictor.model_digest)
    evaluation = measure_masks(
        folder, manifest, split, classes_of_card(card), options=config, confidence=config.confidence
    )
    rewrite_card(folder.bundle, metrics={**(card["metrics"] or {}), split: figures_for_card(evaluation)})
    report = write_segment_report(folder)
    looks = count_looks(folder.ledger, manifest.fingerprint)
    return SegmentEvaluateResult(evaluation, split, report, looks)


def figures_for_card(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that the card shows: those of each class in short, no image."""
    return {
        **{name: evaluation[name] for name in _CARD_FIGURES},
        "per_class": {
            name: {key: block[key] for key in ("dice", "iou", "precision", "recall", "surface_dice", "hd95")}
            for name, block in evaluation["per_class"].items()
        },
    }


def _external(config: EvaluateConfig, bundle: Path, source: Path) -> SegmentEvaluateResult:
    """Evaluate a bundle on images that it was not made with."""
    from gyrus.verbs.segment_external import measure_external

    if config.test or config.more:
        raise UsageError("a bundle is evaluated on one set of images", fix="gyrus evaluate model.gyrus DATA")
    if config.out is not None:
        return _written(config, measure_external(config, bundle, source, config.out))
    with TemporaryDirectory(prefix="gyrus-masks-") as folder:
        return _written(config, measure_external(config, bundle, source, Path(folder)))


def _written(config: EvaluateConfig, found: ExternalMasks) -> SegmentEvaluateResult:
    return _finished(config, found.predictions, found.manifest, found.classes, found.evaluation)


def _label_maps(config: EvaluateConfig, true: Path) -> SegmentEvaluateResult:
    """Evaluate predicted label maps of volumes against true ones, without the volumes."""
    from gyrus.verbs.segment_label_maps import measure_label_maps

    found = measure_label_maps(config, true)
    return _published(config, found.evaluation, found.manifest, found.pictures)


def _evaluate_files(config: EvaluateConfig) -> SegmentEvaluateResult:
    """Evaluate predicted masks: a file or one a fold, or a folder of masks."""
    if config.test:
        raise UsageError("--test is for a run folder; masks are evaluated as they are", path=config.source)
    if config.training is not None:
        raise UsageError(
            "--training is for a bundle: what drew these masks is not known", path=config.source,
            fix="leave it out",
        )  # fmt: skip
    given = [path for path in (config.source, config.data, *config.more) if path is not None]
    files, data = given[:-1], given[-1]
    manifest = load(data, _as_segment(config)).manifest
    classes = classes_of(manifest, config)
    if config.source.is_dir():
        if len(files) > 1:
            raise UsageError("is one of several sources", path=files[1], fix="gyrus evaluate MASKS DATA")
        return _finished(config, read_mask_folder(config.source, manifest, classes.names), manifest, classes)
    return _finished(config, _read_all(files), manifest, classes)


def _read_all(files: Sequence[Path]) -> MaskPredictions:
    strange = [path for path in files if not is_mask_predictions(path)]
    if strange:
        raise UsageError(
            "is no predictions file of masks (image_id, mask, classes)", path=strange[0],
            fix="gyrus evaluate fold0.csv fold1.csv … DATA; of label maps without images: gyrus evaluate "
            "PREDICTED --masks TRUE",
        )  # fmt: skip
    parts = [read_mask_predictions(path) for path in files]
    return parts[0] if len(parts) == 1 else pool_masks(parts, fold_names(files))


def _finished(
    config: EvaluateConfig,
    predictions: MaskPredictions,
    manifest: Manifest,
    classes: MaskClasses,
    evaluation: dict[str, Any] | None = None,
) -> SegmentEvaluateResult:
    """Measure where that was not done, write what was asked for, and return the result."""
    if evaluation is None:
        evaluation = evaluate_masks(
            predictions, manifest, classes, options=config, confidence=config.confidence
        )
    if config.out is not None:
        listed = config.out / "predictions.csv"
        given = (config.source, config.data, *config.more)
        if listed.resolve() not in {path.resolve() for path in given if path is not None}:
            write_mask_predictions(predictions, listed)
    figures = evaluation
    return _published(
        config, figures, manifest,
        lambda: pictures_of(figures, predictions, manifest, classes, color=config.color),
    )  # fmt: skip


def _published(
    config: EvaluateConfig,
    evaluation: dict[str, Any],
    manifest: Manifest,
    pictures: Callable[[], dict[str, MaskPicture]],
) -> SegmentEvaluateResult:
    """Write the figures and the page where they were asked for, and return the result."""
    page = config.report
    if config.out is not None:
        write_json(config.out / "evaluation.json", evaluation)
        page = page or page_in(config.out)
    if page is not None:
        write_segmentation_report(_context(config, evaluation, manifest), pictures(), page)
    return SegmentEvaluateResult(evaluation, "", page, None, config.out)


def _context(config: EvaluateConfig, evaluation: dict[str, Any], manifest: Manifest) -> ReportContext:
    source = config.source.resolve()
    data = Path(str([config.data or config.masks, *config.more][-1])).resolve()
    return ReportContext(
        title=f"{source.stem if source.is_file() else source.name} on {data.name}",
        kind="predictions",
        about=f"Predicted masks of {config.source.name}.",
        synthetic=all(row.subject_source == "phantom" for row in manifest),
        config={"verb": "evaluate", **asdict(config)},
        environment=environment(),
        evaluations={OUT_OF_FOLD if evaluation["folds"] else "": evaluation},
        fingerprint=manifest.fingerprint,
        skipped=evaluation.get("skipped") or (),
    )


def _as_segment(config: EvaluateConfig) -> EvaluateConfig:
    """Return the options with the task told, so that masks are looked for."""
    return replace(config, task="segment")
