"""What a leak is worth: one network, one recipe, four ways to divide and label the same images.

The result is a dictionary, written as ``leakage.json``::

    topic, source, images, patients, classes, test_images, recipe, seconds, notes, environment
    arms        name -> {"leaks", "meaningless", "accuracy": figure, "baseline", "test_images",
                "test_patients", "seen": test images whose patient is also in training, "best_epoch"}
    gain        {"value", "low", "high", "method"}: slice-wise less patient-wise accuracy
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from gyrus.config import LearnConfig, SplitOptions, TrainConfig
from gyrus.data import Manifest, make_split, write_manifest
from gyrus.data.sampling import sample_groups
from gyrus.data.slicewise import leaky_slice_wise_split, meaningless_labels
from gyrus.errors import DataError, GyrusError, UsageError, require
from gyrus.evaluation import Predictions, write_predictions
from gyrus.evaluation.figures import Figures
from gyrus.metrics import Interval
from gyrus.metrics.difference import difference_interval
from gyrus.pages.leakage_page import write_leakage_page
from gyrus.pages.leakage_plot import write_leakage_pictures
from gyrus.phantom import Phantom, write_cohort
from gyrus.runs import environment, make_folder, next_run_folder
from gyrus.runs.atomic import write_json
from gyrus.verbs.command_line import data_flags
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.train_checks import check_classes

logger = logging.getLogger("gyrus")

PAGE = "leakage.html"
COHORT = Phantom(subjects=120, slices_per_subject=4, image_size=128)
SPLIT = SplitOptions(split="new", val_fraction=0.1, cal_fraction=0.0, test_fraction=0.3)
RECIPE = TrainConfig(
    source=Path(),
    architecture="improved_cnn",
    image_size=64,
    epochs=15,
    batch_size=32,
    learning_rate=1e-3,
    weight_decay=0.01,
    dropout=0.0,
    augmentation="brain-mri",
    patience=None,
    precision="float32",
    device="cpu",
)
_TOLD = ("architecture", "image_size", "epochs", "batch_size", "learning_rate", "weight_decay",
         "augmentation", "class_weights", "precision")  # fmt: skip
ARMS = {
    "slice-wise": (True, False),
    "patient-wise": (False, False),
    "slice-wise, meaningless labels": (True, True),
    "patient-wise, meaningless labels": (False, True),
}
"""Name -> whether it leaks, whether the labels mean nothing."""


def experiment(config: LearnConfig) -> tuple[Path, dict[str, Any]]:
    """Divide, train and measure four times; write the page, the picture and the numbers.

    Returns
    -------
    folder : Path
    shown : dict
        See the module's text.

    Raises
    ------
    MissingDependencyError
        Without the extra ``train``.
    DataError
        When no patient is known, or none has two images.
    """
    require("torch", "train", "gyrus learn leakage")
    require("matplotlib", "train", "the picture of gyrus learn leakage")
    began = time.perf_counter()
    folder = _new_folder(config)
    try:
        source = config.source if config.source is not None else _cohort(folder, config.seed)
        prepared = prepare(source, config, cache_dir=config.cache_dir, image_size=RECIPE.image_size)
        usable, notes = _usable(prepared, source, config)
        arms = arms_of(usable, config.seed)
    except GyrusError:
        if not any(folder.iterdir()):  # data that cannot show it leave no trace
            folder.rmdir()
        raise
    measured = {name: _arm(name, manifest, prepared, config, folder) for name, manifest in arms.items()}
    shown = {
        "topic": "leakage",
        "source": "phantom" if config.source is None else str(config.source),
        "options": data_flags(config),
        "images": len(usable),
        "patients": len({row.subject_id for row in usable}),
        "classes": list(usable.classes),
        "arms": measured,
        "gain": _gain(measured),
        "recipe": {
            **{name: getattr(RECIPE, name) for name in _TOLD},
            "val_fraction": SPLIT.val_fraction,
            "test_fraction": SPLIT.test_fraction,
            "seed": config.seed,
        },
        "notes": [*prepared.notes, *notes],
        "seconds": round(time.perf_counter() - began, 1),
        "environment": environment(),
    }
    write_json(folder / "leakage.json", shown)
    write_leakage_page(shown, folder / PAGE)
    write_leakage_pictures(shown, folder)
    return folder, shown


def arms_of(manifest: Manifest, seed: int) -> dict[str, Manifest]:
    """Return the manifest divided and labelled in four ways, with equal numbers in every split and class."""
    honest = make_split(manifest, replace(SPLIT, seed=seed)).manifest
    nonsense = meaningless_labels(honest, seed)
    return {
        name: leaky_slice_wise_split(labelled, seed) if leaks else labelled
        for name, (leaks, meaningless) in ARMS.items()
        for labelled in [nonsense if meaningless else honest]
    }


def _new_folder(config: LearnConfig) -> Path:
    if config.out is None:
        return next_run_folder(Path("runs"), "learn-leakage").path
    if any(make_folder(config.out).iterdir()):
        raise UsageError("is not empty", path=config.out, fix="name a new folder with --out")
    return config.out


def _cohort(folder: Path, seed: int) -> Path:
    logger.info("drawing %d synthetic patients, %d slices each", COHORT.subjects, COHORT.slices_per_subject)
    write_cohort(folder / "phantom", replace(COHORT, seed=seed))
    return folder / "phantom"


def _usable(prepared: Prepared, source: Path, config: LearnConfig) -> tuple[Manifest, list[str]]:
    """Return the images with a patient and a class, at most so many, and what was left out."""
    if prepared.manifest.several:
        raise UsageError(
            "this experiment exchanges the one class of an image; these may show several (task multilabel)",
            path=source,
            fix="--task classify takes each set of classes for one class",
        )
    check_classes(prepared.manifest, source)
    rows = [row for row in prepared.manifest if row.subject_id and row.label and not row.synthetic]
    if not rows:
        raise DataError(
            "no patient is known, so dividing by slices cannot be compared with dividing by patients",
            path=source,
            fix="name the patients: --subjects TABLE.csv, or --subject-pattern 'patient(\\d+)_'",
        )
    if max(Counter(row.subject_id for row in rows).values()) < 2:
        raise DataError(
            f"each of {len(rows)} patients has one image, so slice-wise and patient-wise are the same",
            path=source,
            fix="take a set with several images of a patient, or leave DATA out for the synthetic cohort",
        )
    notes, images = [], len(prepared.manifest)
    if len(rows) < images:
        left = f"{images - len(rows)} of {images} images have no patient or class, or are generated"
        notes.append(f"{left}; they are left out.")
    known = prepared.manifest.with_rows(row.with_(split="", fold=None) for row in rows)
    manifest = sample_groups(known, config.max_images, config.seed)
    if len(manifest) < len(known):
        drawn = f"{len(manifest)} of {len(known)} images are used"
        notes.append(f"{drawn}: whole patients, drawn at random (--max-images).")
    for note in notes:
        logger.info("note: %s", note)
    return manifest, notes


def _arm(
    name: str, manifest: Manifest, prepared: Prepared, config: LearnConfig, folder: Path
) -> dict[str, Any]:
    """Train and measure one arm; its manifest, predictions and metrics go into a folder of its own."""
    from gyrus.verbs.leakage_training import train_and_predict

    if prepared.pixels is None:
        raise DataError("the images were not decoded for training", path=manifest.root)
    logger.info("training: %s", name)
    own = folder / name.replace(", ", "-").replace(" ", "-")
    write_manifest(manifest, own / "manifest.csv")
    recipe = replace(RECIPE, seed=config.seed, color=config.color)
    predictions, best_epoch = train_and_predict(manifest, prepared.pixels, recipe, own)
    write_predictions(predictions, own / "predictions-test.csv")
    leaks, meaningless = ARMS[name]
    return {
        **_figures(predictions, manifest),
        "leaks": leaks,
        "meaningless": meaningless,
        "best_epoch": best_epoch,
        "folder": own.name,
    }


def _figures(predictions: Predictions, manifest: Manifest) -> dict[str, Any]:
    figures = Figures(predictions, confidence=0.95)
    trained_on = {row.subject_id for row in manifest if row.split == "train"}
    return {
        "accuracy": figures.accuracy(),
        "baseline": float(figures.scores.majority_baseline),
        "test_images": len(predictions),
        "test_patients": figures.n_groups,
        "seen": sum(subject in trained_on for subject in predictions.subject_ids),
    }


def _gain(measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return how much better the leaking split looks, with an interval."""
    both = [
        Interval(figure["value"], figure["low"], figure["high"], figure["clusters"])
        for figure in (measured[name]["accuracy"] for name in ("slice-wise", "patient-wise"))
    ]
    gain = difference_interval(*both)
    method = "the two intervals joined by squares (MOVER), taken as independent"
    return {"value": gain.value, "low": gain.low, "high": gain.high, "method": method}
