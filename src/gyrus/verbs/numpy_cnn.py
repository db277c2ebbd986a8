"""``gyrus learn numpy-cnn``: a network in plain NumPy learns some images, and shows what it has learnt.

Its folder is a run folder: bundle, predictions and figures lie where those of ``gyrus train`` lie. Besides,
``network.npz`` (the network itself), the pictures, ``numpy-cnn.html`` and ``numpy-cnn.json``::

    topic, source, images, patients, classes, image_size, channels, notes, environment, seconds
    network     rows of {"layer", "output", "parameters"}
    epochs      rows of {"epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"}
    images_a_second  in training, of the median epoch
    accuracy    split -> figure, measured through the bundle on the raw files
    confusion   {"split", "classes", "matrix"}
    parity      see :class:`gyrus.exporting.agreement.Parity`; None without a bundle
    verdict, sentence, test_looks
    missing     what could not be made without an extra, in sentences
"""

from __future__ import annotations

import logging
import statistics
import time
from dataclasses import asdict, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gyrus.auditing import Audit, refuse_leak
from gyrus.bundles import rewrite_card
from gyrus.config import LearnConfig, SplitOptions
from gyrus.data import Manifest, PixelCache, load, make_split, write_manifest
from gyrus.errors import DataError, LeakageError, UsageError
from gyrus.imaging import read_image
from gyrus.inference import Predictor
from gyrus.numpy_nn import Sequential, save
from gyrus.numpy_nn.layer import Layer
from gyrus.phantom import Phantom, write_cohort
from gyrus.runs import RunFolder, environment, locked, next_run_folder, record_look
from gyrus.runs.atomic import write_json
from gyrus.verbs.command_line import data_flags
from gyrus.verbs.measure import measure, metrics_for_card
from gyrus.verbs.numpy_cnn_training import Trained, train_network
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.train_checks import check_classes

logger = logging.getLogger("gyrus")

PAGE = "numpy-cnn.html"
COHORT = Phantom(subjects=240, slices_per_subject=4, image_size=64)
LARGEST_OWN_SIDE_PX, USUAL_SIDE_PX = 64, 48
_MANY = 10_000  # of so many images a fiftieth is validation enough
_MEASURED = ("test", "val")


def experiment(config: LearnConfig) -> tuple[Path, dict[str, Any]]:
    """Train, pack, measure, and draw what can be drawn with the extras that are installed.

    Returns
    -------
    folder : Path
    shown : dict
        See the module's text.

    Raises
    ------
    LeakageError
        When the data bring a split that leaks.
    DataError, UsageError
        For data that cannot be learnt from.
    """
    began = time.perf_counter()
    run = (
        RunFolder(config.out) if config.out is not None else next_run_folder(Path("runs"), "learn-numpy-cnn")
    )
    run.check_free()
    source = config.source
    if source is None:
        source = _cohort(run.create().path, config.seed)
    size = config.image_size or own_side(source, config)
    prepared = prepare(source, config, cache_dir=config.cache_dir, image_size=size)
    manifest, audit = divided(prepared, source, config.seed)
    if config.source is not None:  # data that cannot be learnt from leave no trace
        run.create()
    with locked(run.path):
        _begin(run, config, prepared, manifest, audit, size)
        assert prepared.pixels is not None  # they were asked for
        trained = train_network(
            manifest, prepared.pixels, epochs=config.epochs, seed=config.seed, metrics=run.metrics
        )
        save(trained.network, run.path / "network.npz")
        shown: dict[str, Any] = {
            "topic": "numpy-cnn",
            "source": "phantom" if config.source is None else str(config.source),
            "options": data_flags(config),
            "images": len(manifest),
            "patients": len({row.subject_id for row in manifest if row.subject_id}) or None,
            "classes": list(manifest.classes),
            "image_size": size,
            "channels": trained.network.input_shape[2],
            **_course(trained, len(manifest.select("train"))),
            "verdict": audit.verdict,
            "sentence": audit.sentence,
            "notes": list(prepared.notes),
            "missing": [],
            "environment": environment(),
        }
        _measured(run, config, manifest, trained, audit, prepared.pixels, shown)
        shown["seconds"] = round(time.perf_counter() - began, 1)
        _drawn(run, config, manifest, trained, prepared.pixels, shown)
        write_json(run.path / "numpy-cnn.json", shown)
    return run.path, shown


def own_side(source: Path, config: LearnConfig) -> int:
    """Return the side of the first image where it is a small square, else the usual one."""
    manifest = load(source, config).manifest
    first = next(iter(manifest), None)
    if first is None:
        raise DataError("holds no image", path=source, fix="name a folder of images")
    height, width = read_image(manifest.source_of(first), color=config.color).shape[:2]
    side = height if height == width and 16 <= height <= LARGEST_OWN_SIDE_PX else USUAL_SIDE_PX
    logger.info("note: images are brought to %d x %d pixels (--image-size).", side, side)
    return side


def divided(prepared: Prepared, source: Path, seed: int) -> tuple[Manifest, Audit]:
    """Divide by patients and copies, keep a split that is given, and refuse one that leaks."""
    if prepared.manifest.several:
        raise UsageError(
            "this network gives one class to an image; these may show several (task multilabel)",
            path=source,
            fix="--task classify takes each set of classes for one class",
        )
    check_classes(prepared.manifest, source)
    usable = prepared.manifest.with_rows(row for row in prepared.manifest if row.label and not row.synthetic)
    if len(usable.classes) < 2:
        raise DataError(f"images of {len(usable.classes)} classes; expected at least 2", path=source)
    val = 0.02 if len(usable) >= _MANY else 0.1
    split = make_split(usable, SplitOptions(val_fraction=val, cal_fraction=0.0, test_fraction=0.2, seed=seed))
    for note in split.notes:
        logger.info("note: %s", note)
    sizes = split.manifest.sizes()
    for name in ("train", *_MEASURED):
        if not sizes.get(name):
            raise DataError(
                f"no image is in the split {name}",
                path=source,
                fix="more images, or a new split: gyrus split DATA",
            )
    audit = prepared.audit(split.manifest)
    try:
        refuse_leak(audit, None)
    except LeakageError as error:
        error.fix = "gyrus split DATA --split repair writes a manifest without the leak; learn from that"
        raise
    return split.manifest, audit


def _cohort(folder: Path, seed: int) -> Path:
    logger.info("drawing %d synthetic patients, %d slices each", COHORT.subjects, COHORT.slices_per_subject)
    write_cohort(folder / "phantom", replace(COHORT, seed=seed))
    return folder / "phantom"


def _begin(
    run: RunFolder, config: LearnConfig, prepared: Prepared, manifest: Manifest, audit: Audit, size: int
) -> None:
    write_manifest(manifest, run.manifest)
    write_json(run.environment, environment())
    skipped = [asdict(item) for item in prepared.skipped]
    write_json(
        run.audit, {**audit.to_json(), "allow_leak": None, "notes": list(prepared.notes), "skipped": skipped}
    )
    write_json(run.config, {"verb": "learn", **asdict(config), "image_size": size})


def _course(trained: Trained, images: int) -> dict[str, Any]:
    return {
        "network": described(trained.network),
        "epochs": [
            {
                "epoch": epoch.number, "train_loss": epoch.loss, "train_accuracy": epoch.accuracy,
                "val_loss": epoch.val_loss, "val_accuracy": epoch.val_accuracy, "seconds": epoch.seconds,
            }
            for epoch in trained.course
        ],
        "images_a_second": images / statistics.median(epoch.seconds for epoch in trained.course),
    }  # fmt: skip


def described(network: Sequential) -> list[dict[str, Any]]:
    """Return a row for each layer: what it is, the shape it gives, how many numbers it learns."""
    return [
        {
            "layer": _worded(layer),
            "output": list(layer.output_shape),
            "parameters": sum(value.size for part in layer.inside() for value in part.parameters.values()),
        }
        for layer in network.layers
    ]


def _worded(layer: Layer) -> str:
    """Return the layer as it is made, without what is its default."""
    usual = {field.name: field.default for field in fields(layer)}
    given = (f"{name}={value}" for name, value in layer.options().items() if value != usual[name])
    return f"{type(layer).__name__}({', '.join(given)})"


def _measured(
    run: RunFolder,
    config: LearnConfig,
    manifest: Manifest,
    trained: Trained,
    audit: Audit,
    pixels: PixelCache,
    shown: dict[str, Any],
) -> None:
    """Pack the network and measure the bundle; without the extra that writes ONNX, the network itself."""
    from gyrus.verbs.numpy_cnn_figures import measure_directly

    shown["test_looks"] = record_look(run.ledger, manifest.fingerprint, run.path.name)
    shown["parity"] = None
    if find_spec("onnx") is None:
        shown["missing"].append("no bundle was written: onnx is not installed (pip install 'gyrus[train]')")
        evaluations = {
            split: measure_directly(run, manifest, split, trained, pixels, config.seed) for split in _MEASURED
        }
    else:
        from gyrus.verbs.numpy_cnn_packing import pack_numpy

        images = (read_image(manifest.source_of(row), color=config.color) for row in manifest.select("val"))
        parity = pack_numpy(
            run.bundle, trained, manifest, audit, images, color=config.color, seed=config.seed
        )
        shown["parity"] = asdict(parity)
        predictor = Predictor.load(run.bundle)
        evaluations = {
            split: measure(run, manifest, split, predictor=predictor, seed=config.seed) for split in _MEASURED
        }
        rewrite_card(run.bundle, metrics=metrics_for_card(evaluations))
    shown["accuracy"] = {split: evaluation["accuracy"] for split, evaluation in evaluations.items()}
    matrix = evaluations["test"]["confusion_matrix"]
    shown["confusion"] = {"split": "test", "classes": list(manifest.classes), "matrix": matrix}


def _drawn(
    run: RunFolder,
    config: LearnConfig,
    manifest: Manifest,
    trained: Trained,
    pixels: PixelCache,
    shown: dict[str, Any],
) -> None:
    """Draw the pictures and the page, where matplotlib is there."""
    if find_spec("matplotlib") is None:
        shown["missing"].append(
            "no page and no pictures were drawn: matplotlib is not installed (pip install 'gyrus[report]')"
        )
        return
    from gyrus.pages.numpy_cnn_page import write_numpy_cnn_page
    from gyrus.pages.numpy_cnn_plots import write_numpy_cnn_pictures
    from gyrus.verbs.numpy_cnn_figures import look_inside

    looked = look_inside(run, manifest, trained, pixels, config.color)
    write_numpy_cnn_pictures(shown, looked, run.path)
    write_numpy_cnn_page(shown, looked, run.path / PAGE)
