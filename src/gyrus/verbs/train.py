"""``gyrus train``: audit, train, export, measure what was exported."""

from __future__ import annotations

import json
import logging
import shlex
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from gyrus.auditing import Audit, refuse_leak
from gyrus.bundles import read_bundle, rewrite_card
from gyrus.config import TrainConfig
from gyrus.config.build import build
from gyrus.data import Manifest, PixelCache, make_split, read_manifest, write_manifest
from gyrus.data.loading import task_of
from gyrus.data.manifest import SEGMENT
from gyrus.errors import DataError
from gyrus.imaging import read_image
from gyrus.imaging.geometry import geometry_of
from gyrus.inference import Predictor
from gyrus.pages.notebook import figures_table, place, verdict_box
from gyrus.runs import RunFolder, environment, locked, next_run_folder, record_look
from gyrus.runs.atomic import write_json
from gyrus.verbs.augmentation_sheet import AugmentationShown, show_augmentation
from gyrus.verbs.decided import CALIBRATION, decide_on, points_measured
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.found_rates import draw_found_rates
from gyrus.verbs.gating import bring_gate
from gyrus.verbs.measure import measure, metrics_for_card
from gyrus.verbs.neighbours import bring_cases
from gyrus.verbs.prepare import Prepared, cached_geometry, prepare
from gyrus.verbs.report import write_run_report
from gyrus.verbs.resuming import resumed_manifest
from gyrus.verbs.tables import counts_table
from gyrus.verbs.train_checks import check_before_reading, check_divided, check_no_masks

if TYPE_CHECKING:
    from gyrus.training import FilePixels, FitResult
    from gyrus.training.segmentation import MaskFit
    from gyrus.verbs.segment_training import MaskTrainResult

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A finished run.

    Attributes
    ----------
    run : RunFolder
        Where everything lies.
    evaluations : dict
        Split -> figures, measured through the bundle on the raw files.
    verdict : str
        ``clean``, ``leaking`` (allowed with a reason) or ``unknowable``.
    digest : str
        Of the bundle.
    seconds : dict
        Wall time of each part.
    found_rates : dict
        With ``find_rate``: picture in the run folder -> the learning rate that was found and used.
    """

    run: RunFolder
    evaluations: dict[str, dict[str, Any]]
    verdict: str
    sentence: str
    digest: str
    seconds: dict[str, float]
    found_rates: dict[str, float] = field(default_factory=dict)

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return paths, verdict, figures and times."""
        return {
            "run": str(self.run.path),
            "bundle": str(self.run.bundle),
            "report": str(self.run.report),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "digest": self.digest,
            "seconds": self.seconds,
            "found_rates": self.found_rates,
            "evaluations": self.evaluations,
        }

    def to_text(self) -> str:
        """Return the leak verdict, then the figures, then where to look."""
        parts = [self.sentence]
        for split, evaluation in self.evaluations.items():
            parts += ["", f"{SPLIT_TITLES[split]}:", format_all(evaluation)]
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        parts += [
            "",
            f"time    {times}",
            *(
                f"rate    {rate:g} found and used  ({self.run.path / picture})"
                for picture, rate in self.found_rates.items()
            ),
            f"report  {self.run.report}",
            f"bundle  {self.run.bundle}  (gyrus predict FILES --model {shlex.quote(str(self.run.bundle))})",
        ]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        """Return the verdict, the figures and the files for a notebook."""
        files = [place("report", self.run.report), place("bundle", self.run.bundle)]
        return "".join([verdict_box(self.verdict, self.sentence), figures_table(self.evaluations), *files])


SPLIT_TITLES = {"val": "validation images", "cal": "calibration images", "test": "test images"}


class Clock:
    """Wall time by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End the part that is running, under this name; the next begins."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 2)
        self._last = now


@dataclass(frozen=True, slots=True)
class Divided:
    """A data set divided as a configuration says, and what the audit found.

    Attributes
    ----------
    manifest : Manifest
        Every used image has a split.
    audit : Audit
        Of this division.
    reason : str or None
        Why a leak is accepted; None where nothing leaks.
    notes : tuple of str
        How it was divided, in sentences.
    """

    manifest: Manifest
    audit: Audit
    reason: str | None
    notes: tuple[str, ...]

    def tell(self) -> None:
        """Log the notes, the verdict and what stands where."""
        for note in self.notes:
            logger.info("note: %s", note)
        logger.info("%s\n%s", self.audit.sentence, counts_table(self.manifest))


def run(config: TrainConfig) -> TrainResult | MaskTrainResult | AugmentationShown:
    """Train as ``config`` says, or only show what the augmentation would do."""
    if config.show_augmentation:
        return show_augmentation(config)
    if task_of(config.source, config) == SEGMENT:
        from gyrus.verbs.segment_training import train_masks_as

        return train_masks_as(config)
    return train_as(config)


def train_as(config: TrainConfig) -> TrainResult:
    """Train as ``config`` says; a split that leaks is refused before anything is written.

    Raises
    ------
    LeakageError
        A patient or an image on two sides, without ``allow_leak``.
    """
    if config.fold is None and config.folds != TrainConfig.folds:
        logger.info("note: --folds %d is not used, because no --fold is asked for.", config.folds)
    check_before_reading(config)
    check_no_masks(config)
    clock = Clock()
    prepared = prepare(config.source, config, cache_dir=config.cache_dir, image_size=cached_geometry(config))
    divided = divide(config, prepared)
    divided.tell()
    clock.lap("audit")
    return train_divided(config, prepared, divided, clock)


def divide(config: TrainConfig, prepared: Prepared) -> Divided:
    """Divide a scanned data set and audit the division.

    Raises
    ------
    LeakageError
        A patient or an image on two sides, without ``allow_leak``.
    UsageError, DataError
        When the division lacks images that a training needs.
    """
    divided = make_split(prepared.manifest, config)
    notes = list(divided.notes)
    check_divided(config, divided.manifest)
    audit = prepared.audit(divided.manifest)
    reason = refuse_leak(audit, config.allow_leak)
    if reason is None and config.allow_leak is not None:
        notes.append("No leak was found: --allow-leak is not needed, and nothing is stamped.")
    return Divided(divided.manifest, audit, reason, tuple(notes))


def train_divided(
    config: TrainConfig, prepared: Prepared, divided: Divided, clock: Clock | None = None
) -> TrainResult:
    """Train on a division of a scanned data set: everything of ``gyrus train`` after the audit.

    Parameters
    ----------
    config : TrainConfig
        With the image size that ``prepared`` holds pixels of.
    prepared : Prepared
        The scanned data set.
    divided : Divided
        From :func:`divide` with the same two.
    clock : Clock, optional
        With the time of what went before.
    """
    clock = clock or Clock()
    config = replace(config, allow_leak=divided.reason)
    audit = divided.audit
    folder = run_folder_of(config)
    with locked(folder.path):
        if config.resume is None:
            start_run(folder, config, prepared, divided.manifest, audit)
        else:
            resumed_manifest(folder, divided.manifest)
        fitted, manifest = _fit(config, prepared, folder)
        enter_stages(folder, fitted)
        found_rates = draw_found_rates(folder, fitted)
        clock.lap("training")
        _export(config, fitted, manifest, audit, folder)
        clock.lap("export")
        cases = bring_cases(folder, manifest, config)
        clock.lap("training cases")
        evaluations = _measure(config, folder, manifest)
        clock.lap("measuring")
        bring_gate(folder, manifest, cases, config, private=config.private, seed=config.seed)
        clock.lap("gate")
        write_run_report(folder, clock.seconds)
        clock.lap("report")
        folder.state.unlink(missing_ok=True)  # finished: there is nothing to go on with
    digest = read_bundle(folder.bundle).digest
    return TrainResult(folder, evaluations, audit.verdict, audit.sentence, digest, clock.seconds, found_rates)


@overload
def train(source: Path | str, *, show_augmentation: Literal[True], **options: Any) -> AugmentationShown: ...
@overload
def train(source: Path | str, *, task: Literal["segment"], **options: Any) -> MaskTrainResult: ...
@overload
def train(source: Path | str, **options: Any) -> TrainResult: ...
def train(source: Path | str, **options: Any) -> TrainResult | MaskTrainResult | AugmentationShown:
    """Train on a folder or manifest; options as in :class:`gyrus.config.TrainConfig`.

    Raises
    ------
    LeakageError
        When the split leaks and ``allow_leak`` gives no reason.
    """
    return run(build(TrainConfig, source=source, **options))


def run_folder_of(config: TrainConfig) -> RunFolder:
    if config.resume is not None:
        return RunFolder(config.resume)
    if config.out is not None:
        return RunFolder(config.out).create()
    return next_run_folder(Path("runs"), config.architecture.replace("/", "_")).create()


def start_run(
    folder: RunFolder, config: TrainConfig, prepared: Prepared, manifest: Manifest, audit: Audit
) -> None:
    """Write what stands before the first step; config.json last: with it the run can be resumed."""
    write_manifest(manifest, folder.manifest)
    write_json(folder.environment, environment())
    write_json(
        folder.audit,
        {
            **audit.to_json(),
            "allow_leak": config.allow_leak,
            "notes": list(prepared.notes),
            "skipped": [asdict(item) for item in prepared.skipped],
        },
    )
    write_json(folder.config, {"verb": "train", **asdict(config)})


def _fit(config: TrainConfig, prepared: Prepared, folder: RunFolder) -> tuple[FitResult, Manifest]:
    from gyrus.training import FilePixels, fit

    # Read back: what is trained on is what stands in the run folder, with its paths.
    manifest = read_manifest(folder.manifest)
    pixels: PixelCache | FilePixels | None = prepared.pixels
    if config.no_cache:
        pixels = FilePixels(manifest, geometry_of(config), config.color)
    if pixels is None:
        raise DataError("the images were not decoded for training", path=config.source)
    return fit(manifest, pixels, config, folder, resume=config.resume is not None), manifest


def enter_stages(folder: RunFolder, fitted: FitResult | MaskFit) -> None:
    """Add to ``config.json`` what the options came to: the stages as they went."""
    options = json.loads(folder.config.read_text(encoding="utf-8"))
    write_json(folder.config, {**options, "training": fitted.course})


def _export(
    config: TrainConfig, fitted: FitResult, manifest: Manifest, audit: Audit, folder: RunFolder
) -> None:
    """Write the bundle, after its graphs have answered as the network does on every validation image."""
    from gyrus.exporting import check_parity, make_graphs
    from gyrus.verbs.packing import pack

    channels = {"grey": 1, "rgb": 3}[config.color]
    graphs = make_graphs(fitted.network, image_size=geometry_of(config), channels_in=channels)
    images = (read_image(manifest.source_of(row), color=config.color) for row in manifest.select("val"))
    parity = check_parity(fitted.network, graphs, images, task=fitted.task)
    pack(folder.bundle, graphs, fitted, manifest, audit, config, parity)


def _measure(config: TrainConfig, folder: RunFolder, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Fit the decision on cal, measure val (and, when asked, the test set), and enter all into the card."""
    answered = decide_on(config, folder.bundle, manifest, Predictor.load(folder.bundle), config.seed)
    predictor = Predictor.load(folder.bundle)
    splits = [split for split in ("val", "cal") if len(manifest.select(split))]
    if config.test:
        record_look(folder.ledger, manifest.fingerprint, folder.path.name)
        splits.append("test")
    evaluations = {
        split: measure(
            folder, manifest, split, predictor=predictor, seed=config.seed,
            answered=answered if split == CALIBRATION else None,
        )
        for split in splits
    }  # fmt: skip
    shown = {split: evaluation for split, evaluation in evaluations.items() if split != CALIBRATION}
    points = points_measured(predictor.decision, shown)
    rewrite_card(folder.bundle, metrics=metrics_for_card(shown), operating_points=points)
    return shown
