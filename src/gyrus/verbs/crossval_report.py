"""The folds of a cross-validation put together: one file of predictions, one set of figures, one page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.config import CrossvalConfig
from gyrus.data import Manifest, Row, read_manifest
from gyrus.data.label_names import names_of
from gyrus.evaluation import (
    Predictions,
    evaluate_predictions,
    pool_folds,
    read_predictions,
    subgroups,
    twin_free,
    write_predictions,
)
from gyrus.evaluation.repeats import repeat_figures, write_pooled
from gyrus.evaluation.twin_free import twins_untold
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import Color
from gyrus.inference.outputs import Outputs, read_outputs
from gyrus.pages import write_report
from gyrus.pages.examples import Example, collect_examples
from gyrus.pages.measured import OUT_OF_FOLD
from gyrus.verbs.crossval_course import report_context
from gyrus.verbs.crossval_folder import CrossvalFolder, Progress
from gyrus.verbs.crossval_plan import Plan, PlannedFold
from gyrus.verbs.fitted_after import out_of_fold_block
from gyrus.verbs.mask_heat import heat_of_folds
from gyrus.verbs.measure import SEVERAL_HAVE_NO_TWINS


@dataclass(frozen=True, slots=True)
class Pooled:
    """What the folds answered, together.

    Attributes
    ----------
    predictions : tuple of Predictions
        Out of fold, one a repeat.
    evaluation : dict
        Of the first repeat: :func:`gyrus.evaluation.evaluate_predictions`, ``twin_free``, ``subgroups``.
    repeats : dict or None
        See :func:`gyrus.evaluation.repeats.repeat_figures`; None for one repeat.
    """

    predictions: tuple[Predictions, ...]
    evaluation: dict[str, Any]
    repeats: dict[str, Any] | None


def pool(config: CrossvalConfig, folder: CrossvalFolder, plan: Plan, progress: Progress) -> Pooled:
    """Pool the test predictions of the finished folds, write them, and measure them."""
    manifest = read_manifest(folder.manifest)
    finished = [planned for planned in plan.folds if planned.title in progress.finished]
    predictions = tuple(
        _pooled([one for one in finished if one.repeat == repeat], folder)
        for repeat in sorted({one.repeat for one in finished})
    )
    write_pooled(predictions, folder.pooled)
    if len(predictions) > 1:
        for repeat, one in enumerate(predictions):
            write_predictions(one, folder.predictions_of(repeat))
    first = predictions[0]
    evaluation = evaluate_predictions(first, seed=config.seed)
    of_first = [one for one in finished if one.repeat == finished[0].repeat]
    evaluation["decision"] = out_of_fold_block(config, first, _logits(of_first, folder), seed=config.seed)
    if manifest.several:
        evaluation["twin_free"] = twins_untold(SEVERAL_HAVE_NO_TWINS)
    else:
        evaluation["twin_free"] = twin_free(first, manifest, out_of_fold=True)
        evaluation["subgroups"] = subgroups(first, manifest)
        heat = heat_of_folds([folder.run_of(one.repeat, one.fold) for one in of_first])
        if heat is not None:
            evaluation["heat_in_mask"] = heat
    evaluation["notes"] += _absent(plan, progress, manifest, first)
    return Pooled(predictions, evaluation, repeat_figures(predictions))


def _pooled(finished: Sequence[PlannedFold], folder: CrossvalFolder) -> Predictions:
    parts = [read_predictions(folder.run_of(one.repeat, one.fold).predictions("test")) for one in finished]
    leaking = any(one.divided.reason is not None for one in finished)
    return pool_folds(parts, [str(one.fold) for one in finished], allow_shared=leaking)


def _logits(finished: Sequence[PlannedFold], folder: CrossvalFolder) -> npt.NDArray[np.float32] | None:
    """Return the networks' own logits in the order of the pooled predictions; None where a file is absent."""
    paths = [folder.run_of(one.repeat, one.fold).outputs("test") for one in finished]
    if not all(path.is_file() for path in paths):
        return None
    return np.concatenate([read_outputs(path).logits for path in paths])


def _absent(plan: Plan, progress: Progress, manifest: Manifest, first: Predictions) -> list[str]:
    """Say which folds have no answers."""
    absent = [one.title for one in plan.folds if one.title not in progress.finished]
    if not absent:
        return []
    tested = sum(row.fold is not None for row in manifest)
    return [
        f"not all folds are there ({', '.join(absent)} failed): the figures are of {len(first)} of the "
        f"{tested} images"
    ]


def write_crossval_report(
    folder: CrossvalFolder,
    plan: Plan,
    progress: Progress,
    pooled: Pooled,
    *,
    looks: int,
    skipped: Sequence[dict[str, Any]],
) -> None:
    """Write ``report.html`` of a cross-validation.

    Raises
    ------
    MissingDependencyError
        Without the extra ``report``.
    """
    config = json.loads(folder.config.read_text(encoding="utf-8"))
    manifest = read_manifest(folder.manifest)
    geometry = Geometry(config["image_size"], config["resize"], config["brain_crop"])
    counts, subjects = _by_fold(manifest)
    context = report_context(
        folder,
        plan,
        progress,
        pooled.evaluation,
        looks,
        counts=counts,
        subjects=subjects,
        repeats=pooled.repeats or {},
        examples=_examples(
            folder, plan, progress, pooled.predictions[0], manifest, config["color"], geometry
        ),
        examples_split=OUT_OF_FOLD,
        skipped=skipped,
    )
    write_report(context, folder.report)


def _by_fold(manifest: Manifest) -> tuple[dict[str, dict[str, int]], dict[str, int | None]]:
    """Return images by fold and class, and patients by fold (None where one is unknown)."""
    counts: dict[str, dict[str, int]] = {}
    subjects: dict[str, int | None] = {}
    folds = sorted({row.fold for row in manifest if row.fold is not None})
    for number in folds:
        rows = [row for row in manifest if row.fold == number]
        title = f"fold {number}"
        counts[title] = {name: sum(_shows(row, name, manifest) for row in rows) for name in manifest.classes}
        names = {row.subject_id for row in rows}
        subjects[title] = None if "" in names else len(names)
    return counts, subjects


def _shows(row: Row, name: str, manifest: Manifest) -> bool:
    return name in names_of(row.label) if manifest.several else row.label == name


def _examples(
    folder: CrossvalFolder,
    plan: Plan,
    progress: Progress,
    predictions: Predictions,
    manifest: Manifest,
    color: Color,
    geometry: Geometry,
) -> list[Example]:
    """Choose images among all folds; their maps are those of the bundle that answered.

    Of several classes an image there are none: the gallery sets one class against another.
    """
    if manifest.several:
        return []
    finished = [one for one in plan.folds if one.title in progress.finished and one.repeat == 0]
    parts = []
    for one in finished:
        path = folder.run_of(0, one.fold).outputs("test")
        if not path.is_file():
            return collect_examples(manifest, predictions, None, color=color)
        parts.append(read_outputs(path))
    return collect_examples(manifest, predictions, _joined(parts), color=color, geometry=geometry)


def _joined(parts: Sequence[Outputs]) -> Outputs | None:
    """Return the outputs of all folds in the order of the pooled predictions; None without maps."""
    maps = [part.maps for part in parts if part.maps is not None]
    if len(maps) < len(parts) or not maps:
        return None
    return Outputs(
        image_ids=tuple(name for part in parts for name in part.image_ids),
        logits=np.concatenate([part.logits for part in parts]),
        embedding=None,
        maps=np.concatenate(maps),
        model_digest="",
    )
