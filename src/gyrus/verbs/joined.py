"""Anybody's predictions beside the images that they are about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.config import EvaluateConfig
from gyrus.data import Manifest
from gyrus.errors import PredictionsError
from gyrus.evaluation import evaluate_predictions, join_manifest, read_predictions, subgroups, twin_free
from gyrus.evaluation.label_map import make_label_map
from gyrus.evaluation.predictions import CLASSIFY, Predictions
from gyrus.verbs.external import joined_names, write_evaluation
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.training_set import join_training, shared_patients, training_of_path


def evaluate_joined(config: EvaluateConfig, path: Path, source: Path) -> dict[str, Any]:
    """Evaluate a predictions file whose images lie in ``source``.

    Returns
    -------
    dict
        What :func:`gyrus.evaluation.evaluate_predictions` returns, and ``twin_free``, ``subgroups``,
        ``data_notes``, ``skipped``; with ``--training`` also ``patients_in_both``.

    Raises
    ------
    PredictionsError
        With line numbers: images that the data do not have; labels or patients that contradict them.
    DataError
        For a class of the data that the file has no column for.
    """
    predictions = read_predictions(path)
    if predictions.task != CLASSIFY:
        raise PredictionsError(
            "has several labels an image, and can be evaluated without DATA only",
            path=path,
            fix=f"gyrus evaluate {path}",
        )
    prepared = prepare(source, config, cache_dir=config.cache_dir)
    labels = {row.image_id: row.label for row in prepared.manifest}
    needed = {labels.get(image_id, "") for image_id in predictions.image_ids}
    told = make_label_map(config.label_map, list(labels.values()), predictions.classes, source, needed=needed)
    mapped = told.apply(prepared.manifest)
    left_out = {name for name, label in labels.items() if label and not told.names.get(label, label)}
    joined = join_manifest(_without(told.merge(predictions), left_out), mapped, path)
    evaluation = evaluate_predictions(
        joined.predictions,
        n_bootstrap=config.bootstrap_samples,
        seed=config.seed,
        confidence=config.confidence,
        prevalence=config.prevalences,
    )
    own, notes = joined.predictions, list(joined.notes)
    if config.training is None:
        evaluation["twin_free"] = twin_free(
            own, mapped, confidence=config.confidence, out_of_fold=config.out_of_fold
        )
    else:
        together, more = _beside(config, config.training, prepared, mapped, own)
        evaluation["twin_free"] = twin_free(own, together, confidence=config.confidence)
        evaluation["patients_in_both"] = shared_patients(together)
        notes += more
    evaluation["subgroups"] = subgroups(
        own,
        mapped,
        class_names=[*labels.values(), *joined_names(config.join_classes)],
        min_images=config.min_images,
        min_patients=config.min_patients,
        confidence=config.confidence,
    )
    evaluation["data_notes"] = [*prepared.notes, *told.notes, *notes]
    evaluation["skipped"] = [asdict(item) for item in prepared.skipped]
    if config.out is not None:
        write_evaluation(config.out, evaluation, own, prepared.manifest)
    return evaluation


def _without(predictions: Predictions, image_ids: Collection[str]) -> Predictions:
    kept = [number for number, name in enumerate(predictions.image_ids) if name not in image_ids]
    return predictions if len(kept) == len(predictions) else predictions.take(np.array(kept, dtype=np.int64))


def _beside(
    config: EvaluateConfig, training: Path, prepared: Prepared, mapped: Manifest, own: Predictions
) -> tuple[Manifest, list[str]]:
    answered = set(own.image_ids)
    kept = replace(prepared, manifest=mapped.with_rows(row for row in mapped if row.image_id in answered))
    return join_training(kept, training_of_path(training), cache_dir=config.cache_dir)
