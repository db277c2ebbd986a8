"""``gyrus demo``: the whole line on synthetic patients."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gyrus.config import BundleConfig, DemoConfig, PredictConfig, TrainConfig
from gyrus.config.build import build
from gyrus.data import Manifest, Row, read_manifest
from gyrus.errors import UsageError
from gyrus.inference import Failure, Predictor
from gyrus.phantom import Phantom, write_cohort
from gyrus.phantom.foreign import foreign_image
from gyrus.runs import next_run_folder
from gyrus.runs.atomic import to_json, write_text
from gyrus.verbs import bundle as bundle_verb
from gyrus.verbs import predict as predict_verb
from gyrus.verbs import train as train_verb
from gyrus.verbs.predict import PredictResult
from gyrus.verbs.train import TrainResult

logger = logging.getLogger("gyrus")

_UNFINISHED = "cohort.part"
_OURS = frozenset({"cohort", "cohort.json", _UNFINISHED, "runs"})


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Where the demo left its things."""

    cohort: Path
    trained: TrainResult
    predicted: PredictResult

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the cohort's folder, the run and the predictions."""
        return {
            "cohort": str(self.cohort),
            "train": self.trained.to_json(),
            "predict": self.predicted.to_json(),
        }

    def to_text(self) -> str:
        """Return the figures and where to look next."""
        return "\n".join(
            [
                self.trained.to_text(),
                "",
                "test images and a page of text through the bundle:",
                self.predicted.to_text(),
                "",
                f"open    {self.trained.run.report}",
                "These patients are synthetic; with your own folder:  gyrus train FOLDER",
                "",
                "its model as web pages and JSON API, on this machine alone (pip install 'gyrus[serve]'):",
                f"  gyrus serve {shlex.quote(str(self.trained.run.path))}",
            ]
        )


def run(config: DemoConfig) -> DemoResult:
    """Make a cohort, train on it, measure, verify the bundle, and ask it: test images, and a page of text."""
    cohort = _cohort(config)
    folder = next_run_folder(config.out / "runs", "demo")
    trained = train_verb.train_as(
        TrainConfig(
            source=cohort,
            out=folder.path,
            architecture="improved_cnn",
            image_size=config.image_size,
            epochs=config.epochs,
            patience=None,
            conformal_level=0.8,  # of 240 patients six of a class calibrate, too few to promise 90 %
            seed=config.seed,
            test=True,
        )
    )
    bundle_verb.run(BundleConfig(action="verify", file=trained.run.bundle))
    manifest = read_manifest(trained.run.manifest)
    test = manifest.select("test")
    chosen = [next(row for row in test if row.label == label) for label in manifest.classes[:3]]
    referred = _referred(trained.run.bundle, manifest)
    if referred is None:
        logger.info("note: No test image is referred to a person: the model is sure of each.")
    elif referred not in chosen:
        chosen.append(referred)
    files = [manifest.file_of(row) for row in chosen] + [_page_of_text(trained.run.path)]
    predicted = predict_verb.run(
        PredictConfig(
            files=tuple(Path(os.path.relpath(file)) for file in files),
            model=trained.run.bundle,
            out=trained.run.path / "evidence",
        )
    )
    return DemoResult(cohort, trained, predicted)


def demo(out: Path | str = "demo", **options: Any) -> DemoResult:
    """Run the whole line on the phantom; options as in :class:`gyrus.config.DemoConfig`."""
    return run(build(DemoConfig, out=out, **options))


def _referred(bundle: Path, manifest: Manifest) -> Row | None:
    """Return the first test image of which the model says that a person should look; None without one."""
    rows = manifest.select("test").rows
    for row, answer in zip(rows, Predictor.load(bundle).stream(map(manifest.source_of, rows)), strict=True):
        if isinstance(answer, Failure) or answer.refused is not None or answer.decided is None:
            continue
        if answer.decided.refer:
            return row
    return None


def _page_of_text(folder: Path) -> Path:
    """Draw a page of text, which is no brain MRI, into a folder."""
    path = folder / "no-brain-mri.png"
    Image.fromarray(foreign_image("text", 0, 4, side_px=240)).save(path)
    return path


def _cohort(config: DemoConfig) -> Path:
    """Return the folder of the cohort; one that was made with the same options is used again."""
    phantom = Phantom(
        subjects=config.subjects, slices_per_subject=config.slices_per_subject, seed=config.seed
    )
    folder = config.out / "cohort"
    recipe, wanted = config.out / "cohort.json", to_json(asdict(phantom))
    if folder.exists():
        if recipe.is_file() and recipe.read_text(encoding="utf-8") == wanted:
            return folder
        raise UsageError("holds another cohort", path=folder, fix="name another folder: gyrus demo FOLDER")
    part = config.out / _UNFINISHED
    if config.out.is_file():
        raise UsageError("is a file; a demo is a folder", path=config.out, fix="gyrus demo FOLDER")
    if config.out.is_dir() and any(entry.name not in _OURS for entry in config.out.iterdir()):
        raise UsageError(
            "is not empty, and no demo's folder; the demo draws patients of its own",
            path=config.out,
            fix="name a new folder: gyrus demo FOLDER; for your own images: gyrus train FOLDER",
        )
    shutil.rmtree(part, ignore_errors=True)  # of a demo that was interrupted
    logger.info("drawing %d synthetic patients, %d slices each", config.subjects, config.slices_per_subject)
    write_cohort(part, phantom)
    write_text(recipe, wanted)
    part.rename(folder)
    return folder
