"""A bundle of masks on other images: drawn, measured, and which of them the model has seen before."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.config import EvaluateConfig
from gyrus.data import Manifest, Row
from gyrus.data.mask_cache import unusable_masks
from gyrus.data.mask_classes import MaskClasses
from gyrus.data.masks import read_mask
from gyrus.data.parallel import ordered_map
from gyrus.errors import DataError
from gyrus.evaluation.mask_predictions import MaskPredictions, read_mask_predictions, select_images
from gyrus.evaluation.text import long_figure
from gyrus.evaluation.twins import ITSELF, PATIENT, find_twins
from gyrus.inference.mask_rows import predict_masks
from gyrus.inference.segmenting import MaskPredictor
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.segment_measure import evaluate_masks
from gyrus.verbs.segment_report import classes_of_card
from gyrus.verbs.training_set import TrainingSet, join_training, training_of


@dataclass(frozen=True, slots=True)
class ExternalMasks:
    """What a bundle drew on other images, and the images with their true masks.

    Attributes
    ----------
    predictions : MaskPredictions
    manifest : Manifest
    classes : MaskClasses
    evaluation : dict
        See :mod:`gyrus.evaluation.segmentation`; with ``seen_before``.
    """

    predictions: MaskPredictions
    manifest: Manifest
    classes: MaskClasses
    evaluation: dict[str, Any]


def measure_external(config: EvaluateConfig, bundle: Path, source: Path, folder: Path) -> ExternalMasks:
    """Draw the masks of ``source`` with a bundle into ``folder``, and measure them.

    All true masks and the training images are read first: what cannot be used would be told after the work
    otherwise.

    Raises
    ------
    DataError
        When images or true masks are missing or cannot be used, or ``--training`` names nothing trained on.
    """
    predictor = MaskPredictor.load(bundle)
    classes = classes_of_card(predictor.card)
    prepared = prepare(source, replace(config, task="segment"), cache_dir=config.cache_dir)
    _check_masks(prepared.manifest, classes)
    training = training_of(config.training, bundle, predictor.card)
    seen, block, notes = _seen_before(config, training, prepared)
    listed = predict_masks(predictor, prepared.manifest, folder, None)
    predictions = read_mask_predictions(listed)
    evaluation = evaluate_masks(
        predictions, prepared.manifest, classes, options=config, confidence=config.confidence
    )
    if 0 < len(seen) < len(predictions):
        unseen = select_images(predictions, lambda image_id: image_id not in seen)
        others = prepared.manifest.with_rows(row for row in prepared.manifest if row.image_id not in seen)
        without = evaluate_masks(unseen, others, classes, options=config, confidence=config.confidence)
        block["without"] = {"n_images": without["n_images"], "mean": without["mean"]}
        block["sentence"] += (
            f" On the other {without['n_images']:,} the mean Dice is {long_figure(without['mean']['dice'])}."
        )
    elif seen:
        block["sentence"] += " No image is left that is new to it: these figures say nothing about others."
    evaluation = {
        **evaluation,
        "seen_before": block,
        "skipped": [asdict(item) for item in prepared.skipped],
        "notes": [block["sentence"], *notes, *evaluation["notes"]],
    }
    return ExternalMasks(predictions, prepared.manifest, classes, evaluation)


def _check_masks(manifest: Manifest, classes: MaskClasses) -> None:
    def work(row: Row) -> DataError | None:
        try:
            read_mask(row, manifest, classes)
        except DataError as error:
            return error
        return None

    problems = [error for error in ordered_map(work, manifest) if error is not None]
    if problems:
        raise unusable_masks(problems, len(manifest), manifest)


def _seen_before(
    config: EvaluateConfig, training: TrainingSet, prepared: Prepared
) -> tuple[frozenset[str], dict[str, Any], list[str]]:
    """Return the images that the model was made with, or whose patient, the block on them, and notes."""
    if training.manifest is None:
        told = (
            f"Whether the model was made with any of these images or patients cannot be told: {training.why}."
        )
        unknown: dict[str, Any] = {
            "known": False,
            "n": None,
            "reasons": {},
            "without": None,
            "sentence": told,
        }
        return frozenset(), unknown, []
    together, notes = join_training(prepared, training.manifest, cache_dir=config.cache_dir)
    twins = find_twins(together, [row.image_id for row in prepared.manifest])
    reasons = dict(Counter(twin.reason for twin in twins.values()))
    told = (
        "None of these images, and no known patient of them, was in the training or validation of the model."
    )
    if twins:
        same = sum(count for reason, count in reasons.items() if reason not in (ITSELF, PATIENT))
        parts = [
            f"{count:,} {words}"
            for count, words in (
                (same, "by copies of the image"),
                (reasons.get(PATIENT, 0), "by the patient"),
            )
            if count
        ]
        told = (
            f"The model has seen {len(twins):,} of these {len(prepared.manifest):,} images in its training "
            f"or validation ({', '.join(parts)})."
        )
    block = {"known": True, "n": len(twins), "reasons": reasons, "without": None, "sentence": told}
    return frozenset(twins), block, notes
