"""A bundle on images that it was not made with: what becomes of its figures elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gyrus.config import EvaluateConfig
from gyrus.data import Manifest, read_manifest
from gyrus.errors import UsageError
from gyrus.evaluation import evaluate_predictions, subgroups, twin_free
from gyrus.evaluation.decided import cases_of, said_by
from gyrus.evaluation.decision_figures import decision_figures
from gyrus.evaluation.drift import drift_untold, embedding_drift
from gyrus.evaluation.joining import cluster_of
from gyrus.evaluation.label_map import LabelMap, make_label_map
from gyrus.evaluation.predictions import CLASSIFY, Predictions
from gyrus.evaluation.twin_free import twins_untold
from gyrus.inference import Outputs, Predictor, predict_rows, read_outputs
from gyrus.runs import RunFolder
from gyrus.verbs.evaluated import Evaluated
from gyrus.verbs.mask_heat import heat_in_masks
from gyrus.verbs.prepare import Prepared, prepare
from gyrus.verbs.training_set import (
    TrainingSet,
    join_training,
    patients_untold,
    shared_patients,
    training_of,
)

_WHERE = "predictions/outputs-SPLIT.npz of the run folder around the bundle"
_EXTERNAL = "test"
# not train: a network knows its training images by heart, and every new image would look far away
_REFERENCE = ("cal", "val")


def evaluate_external(config: EvaluateConfig, bundle: Path, source: Path) -> Evaluated:
    """Answer every image of ``source`` with the bundle's own graphs, and measure.

    Returns
    -------
    Evaluated
        Its evaluation is what :func:`gyrus.evaluation.evaluate_predictions` returns, and ``twin_free``,
        ``subgroups``, ``patients_in_both``, ``drift``, ``label_map`` (see
        :meth:`gyrus.evaluation.label_map.LabelMap.to_json`), ``data_notes`` (how the data were read),
        ``skipped`` and ``model`` (``digest``, ``name``, ``classes``).

    Raises
    ------
    DataError
        When the data hold no image, no label, or a class that the model does not know.
    UsageError
        For a label map that names what does not exist.
    """
    predictor = Predictor.load(bundle)
    if predictor.task != CLASSIFY:
        raise UsageError(
            "answers with several classes an image; with DATA only answers of one class are compared so far",
            path=bundle,
            fix="gyrus evaluate RUN measures the images of its own run",
        )
    prepared = prepare(source, config, cache_dir=config.cache_dir)
    labels = [row.label for row in prepared.manifest]
    mapping = make_label_map(config.label_map, labels, predictor.classes, source)
    prepared = replace(prepared, manifest=_measurable(mapping.apply(prepared.manifest), prepared.manifest))
    training = training_of(config.training, bundle, predictor.card)
    together, notes = _beside_training(prepared, training, config)
    external = together.select(_EXTERNAL)
    predictions, outputs = _answers(predictor, external, mapping)
    evaluation = {
        **evaluate_predictions(
            predictions,
            n_bootstrap=config.bootstrap_samples,
            seed=config.seed,
            confidence=config.confidence,
            prevalence=config.prevalences,
        ),
        "twin_free": twins_untold(training.why),
        "patients_in_both": patients_untold(training.why),
        "subgroups": subgroups(
            predictions,
            external,
            class_names=[*labels, *joined_names(config.join_classes)],
            min_images=config.min_images,
            min_patients=config.min_patients,
            confidence=config.confidence,
        ),
        "drift": _drift(bundle, predictor, predictions, outputs, config.confidence),
        "label_map": mapping.to_json(labels),
        "data_notes": [*prepared.notes, *mapping.notes, *notes],
        "skipped": [asdict(item) for item in prepared.skipped],
        "model": {
            "name": predictor.card["name"] or predictor.card["architecture"],
            "digest": predictor.digest,
            "classes": list(predictor.classes),
        },
    }
    if training.manifest is not None:
        evaluation["twin_free"] = twin_free(predictions, together, confidence=config.confidence)
        evaluation["patients_in_both"] = shared_patients(together)
    if predictions.classes == predictor.classes and any(predictions.labels):
        said = said_by(predictor.decision, cases_of(predictions, outputs.logits, split=_EXTERNAL))
        evaluation["decision"] = decision_figures(said, confidence=config.confidence, seed=config.seed)
    if predictions.classes == predictor.classes:
        heat = heat_in_masks(external, predictions, outputs, predictor.card, confidence=config.confidence)
        if heat is not None:
            evaluation["heat_in_mask"] = heat
    return Evaluated(
        evaluation=evaluation,
        predictions=predictions,
        images=prepared.manifest,
        manifest=prepared.manifest,
        outputs=outputs,
        map_columns={
            name: tuple(predictor.classes.index(part) for part in mapping.merged.get(name, (name,)))
            for name in predictions.classes
        },
        bundle=bundle,
    )


def joined_names(joins: Sequence[str]) -> list[str]:
    """Return every class name in ``NAME=VARIANT,VARIANT``: folders of these names are no sources."""
    return [name.strip() for join in joins for name in join.replace("=", ",").split(",") if name.strip()]


def _measurable(mapped: Manifest, given: Manifest) -> Manifest:
    """Leave out the images of classes that the label map leaves out."""
    return mapped.with_rows(
        row for row, old in zip(mapped.rows, given.rows, strict=True) if row.label or not old.label
    )


def _beside_training(
    prepared: Prepared, training: TrainingSet, config: EvaluateConfig
) -> tuple[Manifest, list[str]]:
    if training.manifest is None:
        rows = (row.with_(split=_EXTERNAL) for row in prepared.manifest.rows)
        return prepared.manifest.with_rows(rows), []
    return join_training(prepared, training.manifest, cache_dir=config.cache_dir)


def _answers(predictor: Predictor, manifest: Manifest, mapping: LabelMap) -> tuple[Predictions, Outputs]:
    """Answer all images; the labels come in afterwards, for they may be coarser than the model's."""
    blank = manifest.with_rows(row.with_(label="") for row in manifest.rows)
    predictions, outputs = predict_rows(predictor, blank, _EXTERNAL)
    labels = tuple(row.label for row in manifest.rows)
    return replace(mapping.merge(predictions), labels=labels), outputs


def _drift(
    bundle: Path, predictor: Predictor, predictions: Predictions, outputs: Outputs, confidence: float
) -> dict[str, Any]:
    """Compare embeddings with those that the run around the bundle holds."""
    run = RunFolder(bundle.parent)
    if outputs.embedding is None:
        return drift_untold("the network of this bundle gives no embedding")
    found = {split: run.outputs(split) for split in _REFERENCE if run.outputs(split).is_file()}
    if not found or not run.manifest.is_file():
        return drift_untold(f"no outputs of the model's own data are at hand ({_WHERE})")
    row_of = {row.image_id: row for row in read_manifest(run.manifest)}
    embeddings, groups = [], list[str]()
    for path in found.values():
        known = read_outputs(path)
        if known.model_digest != predictor.model_digest or known.embedding is None:
            return drift_untold(f"{path} was made by another model")
        embeddings.append(known.embedding)
        groups += [
            cluster_of(row_of[name]) if name in row_of else f"image:{name}" for name in known.image_ids
        ]
    block = embedding_drift(
        np.concatenate(embeddings), groups, outputs.embedding, predictions.group_ids, predictions.image_ids,
        confidence=confidence,
    )  # fmt: skip
    return {**block, "reference": f"{len(groups)} images of the run ({', '.join(found)})"}
