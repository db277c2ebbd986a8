"""Anybody's predictions beside the images that they are about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from gyrus.config import EvaluateConfig
from gyrus.data import Manifest
from gyrus.errors import PredictionsError
from gyrus.evaluation import evaluate_predictions, join_manifest, subgroups, twin_free
from gyrus.evaluation.label_map import make_label_map
from gyrus.evaluation.predictions import CLASSIFY, Predictions
from gyrus.verbs.evaluated import Evaluated
from gyrus.verbs.external import joined_names
from gyrus.verbs.fitted_after import add_decision
from gyrus.verbs.fold_files import read_pooled
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.training_set import join_training, shared_patients, training_of_path


def evaluate_joined(config: EvaluateConfig, files: tuple[Path, ...], source: Path) -> Evaluated:
    """Evaluate predictions whose images lie in ``source``.

    Parameters
    ----------
    config : EvaluateConfig
    files : tuple of Path
        A predictions file, or one a fold of a cross-validation.
    source : Path
        Folder or manifest of the images.

    Returns
    -------
    Evaluated
        Its evaluation is what :func:`gyrus.evaluation.evaluate_predictions` returns, and ``twin_free``,
        ``subgroups``, ``label_map``, ``data_notes``, ``skipped``; with ``--training`` also
        ``patients_in_both``.

    Raises
    ------
    PredictionsError
        With line numbers: images that the data do not have; labels or patients that contradict them.
    DataError
        For a class of the data that the file has no column for.
    """
    predictions = read_pooled(files)
    if predictions.task != CLASSIFY:
        raise PredictionsError(
            "has several labels an image, and can be evaluated without DATA only",
            path=files[0],
            fix=f"gyrus evaluate {' '.join(map(str, files))}",
        )
    prepared = prepare(source, config, cache_dir=config.cache_dir)
    labels = {row.image_id: row.label for row in prepared.manifest}
    needed = {labels.get(image_id, "") for image_id in predictions.image_ids}
    told = make_label_map(config.label_map, list(labels.values()), predictions.classes, source, needed=needed)
    mapped = told.apply(prepared.manifest)
    left_out = {name for name, label in labels.items() if label and not told.names.get(label, label)}
    joined = join_manifest(_without(told.merge(predictions), left_out), mapped, *files)
    own, folded, out_of_fold = _folded(config, joined.predictions, mapped)
    evaluation = evaluate_predictions(
        own,
        n_bootstrap=config.bootstrap_samples,
        seed=config.seed,
        confidence=config.confidence,
        prevalence=config.prevalences,
    )
    add_decision(config, evaluation, own)
    notes = list(joined.notes)
    if config.training is None:
        evaluation["twin_free"] = twin_free(
            own, folded, confidence=config.confidence, out_of_fold=out_of_fold
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
    evaluation["label_map"] = told.to_json(list(labels.values()))
    evaluation["data_notes"] = [*prepared.notes, *told.notes, *notes]
    evaluation["skipped"] = [asdict(item) for item in prepared.skipped]
    return Evaluated(evaluation=evaluation, predictions=own, images=mapped, manifest=prepared.manifest)


def _folded(
    config: EvaluateConfig, predictions: Predictions, manifest: Manifest
) -> tuple[Predictions, Manifest, bool]:
    """Return predictions and manifest with their folds, and whether each image was answered out of fold.

    The predictions know best what their models were trained on; else it is the manifest's column fold, where
    ``--out-of-fold`` says that it is meant.
    """
    if predictions.folds:
        names = list(dict.fromkeys(name for name in predictions.folds if name))
        number = {name: int(name) if name.isdigit() else place for place, name in enumerate(names)}
        if len(set(number.values())) < len(names):
            number = {name: place for place, name in enumerate(names)}
        fold = {
            image_id: number.get(name)
            for image_id, name in zip(predictions.image_ids, predictions.folds, strict=True)
        }
        rows = (row.with_(fold=fold.get(row.image_id)) for row in manifest)
        return predictions, manifest.with_rows(rows), len(names) > 1
    if not config.out_of_fold:
        return predictions, manifest, False
    told = {row.image_id: "" if row.fold is None else str(row.fold) for row in manifest}
    folds = tuple(told[image_id] for image_id in predictions.image_ids)
    return replace(predictions, folds=folds if any(folds) else ()), manifest, True


def _without(predictions: Predictions, image_ids: Collection[str]) -> Predictions:
    kept = [number for number, name in enumerate(predictions.image_ids) if name not in image_ids]
    return predictions if len(kept) == len(predictions) else predictions.take(np.array(kept, dtype=np.int64))


def _beside(
    config: EvaluateConfig, training: Path, prepared: Prepared, mapped: Manifest, own: Predictions
) -> tuple[Manifest, list[str]]:
    answered = set(own.image_ids)
    kept = replace(prepared, manifest=mapped.with_rows(row for row in mapped if row.image_id in answered))
    return join_training(kept, training_of_path(training), cache_dir=config.cache_dir)
