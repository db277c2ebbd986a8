"""An evaluation outside a run as a :class:`ReportContext`: anybody's predictions, external images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.bundles import read_bundle
from gyrus.evaluation.predictions import CLASSIFY, LABEL_SEPARATOR
from gyrus.imaging.geometry import geometry_of_card
from gyrus.pages.context import ReportContext
from gyrus.pages.examples import Example, collect_examples
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.pages.thumbnails import Thumbnails

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest
    from gyrus.evaluation.predictions import Predictions
    from gyrus.inference.outputs import Outputs

_THUMBNAIL_BYTES = 200_000


def context_of_evaluation(
    evaluation: Mapping[str, Any],
    predictions: Predictions,
    *,
    title: str,
    images: Manifest | None = None,
    outputs: Outputs | None = None,
    map_columns: Mapping[str, Sequence[int]] | None = None,
    bundle: Path | None = None,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
) -> ReportContext:
    """Put together what a report of predictions says.

    Parameters
    ----------
    evaluation : mapping
        From :func:`gyrus.evaluation.evaluate_predictions`; of what further blocks it has (``twin_free``,
        ``subgroups``, ``drift``, ``patients_in_both``, ``label_map``, ``folds``) there are sections.
    predictions : Predictions
        What was measured.
    title : str
    images : Manifest, optional
        Where the images lie, for the gallery.
    outputs : Outputs, optional
        With heat maps, in the order of the predictions.
    map_columns : mapping, optional
        See :func:`gyrus.pages.examples.collect_examples`.
    bundle : Path, optional
        The bundle that answered; none for anybody's predictions.
    config, environment : mapping, optional
        Options and machine, to make it again.
    """
    split = _noun(evaluation, external=bundle is not None)
    color = (config or {}).get("color", "grey")
    answered = _bundle(bundle) if bundle is not None else {}
    return ReportContext(
        title=title,
        kind="external" if bundle is not None else "predictions",
        about=_about(evaluation),
        synthetic=images is not None and all(row.subject_source == "phantom" for row in images),
        config=config or {},
        environment=environment or {},
        audit=_seen(evaluation),
        counts={split: _counts(predictions)},
        sizes={split: sum(bool(label) for label in predictions.labels)},
        subjects={split: evaluation["n_subjects"] if evaluation["clustered_by"] == "patients" else None},
        fingerprint=images.fingerprint if images is not None else "",
        evaluations={split: evaluation},
        bundle=answered,
        examples=_examples(predictions, images, outputs, map_columns, color, answered),
        examples_split=split,
        skipped=evaluation.get("skipped") or (),
        notes=evaluation.get("data_notes") or (),
        farthest=_farthest(evaluation, images, color),
    )


def _noun(evaluation: Mapping[str, Any], *, external: bool) -> str:
    if external:
        return "external"
    return OUT_OF_FOLD if evaluation.get("folds") else "evaluated"


def _about(evaluation: Mapping[str, Any]) -> str:
    model = evaluation.get("model")
    if model:
        return f"The model {model['name']} on images that it was not made with"
    if evaluation.get("folds"):
        return "Predictions of a cross-validation"
    return "Predictions from a file"


def _seen(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict on whether the model has seen what it was asked about."""
    block = evaluation.get("twin_free") or {}
    shared = (evaluation.get("folds") or {}).get("shared_patients")
    if not block.get("known"):
        sentence = block.get("sentence") or "Nothing is known of what the model was trained on."
        return {"verdict": "leaking" if shared else "unknowable", "sentence": sentence}
    unknown = block["patients_unknown"] or block.get("training_patients_unknown")
    verdict = "leaking" if block["n_twins"] or shared else "unknowable" if unknown else "clean"
    # with twins the notes stand beside the figures without them; without twins they are all there is to say
    notes = [] if block["n_twins"] else [f"{note[:1].upper()}{note[1:]}." for note in block["notes"]]
    return {"verdict": verdict, "sentence": " ".join([block["sentence"], *notes])}


def _counts(predictions: Predictions) -> dict[str, int]:
    separator = None if predictions.task == CLASSIFY else LABEL_SEPARATOR
    counted = Counter(
        name for label in predictions.labels for name in (label.split(separator) if separator else [label])
    )
    return {name: counted[name] for name in predictions.classes}


def _bundle(path: Path) -> dict[str, Any]:
    bundle = read_bundle(path)
    return {
        "digest": bundle.digest,
        "model_digest": bundle.model_digest,
        "size_bytes": path.stat().st_size,
        "card": bundle.card,
    }


def _examples(
    predictions: Predictions,
    images: Manifest | None,
    outputs: Outputs | None,
    map_columns: Mapping[str, Sequence[int]] | None,
    color: Any,
    bundle: Mapping[str, Any],
) -> list[Example]:
    if images is None or predictions.task != CLASSIFY:
        return []
    geometry = geometry_of_card(bundle["card"]) if bundle else None
    return collect_examples(
        images, predictions, outputs, color=color, geometry=geometry, map_columns=map_columns
    )


def _farthest(evaluation: Mapping[str, Any], images: Manifest | None, color: Any) -> dict[str, str]:
    """Return small pictures of the images that lie farthest from what the model knows."""
    drift = evaluation.get("drift") or {}
    if images is None or not drift.get("known"):
        return {}
    thumbnails = Thumbnails(images, color, _THUMBNAIL_BYTES)
    found = {item["image_id"]: thumbnails.address(item["image_id"]) for item in drift["farthest"]}
    return {name: address for name, address in found.items() if address is not None}
