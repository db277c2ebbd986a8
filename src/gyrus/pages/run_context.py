"""A run folder as a :class:`ReportContext`: the report says what the files say, nothing else."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.bundles import read_bundle
from gyrus.data.manifest import SEGMENT, Manifest, read_manifest
from gyrus.errors import DataError
from gyrus.evaluation.predictions import read_predictions
from gyrus.imaging.geometry import geometry_of_card
from gyrus.inference.outputs import read_outputs
from gyrus.inference.segmenting import predictor_of
from gyrus.pages.context import ReportContext
from gyrus.pages.examples import Example, collect_examples
from gyrus.pages.refusals import Refusals, collect_refusals
from gyrus.runs import RunFolder

_SPLITS = ("test", "val", "cal", "train")


def context_of_run(
    run: RunFolder, *, test_looks: int = 0, seconds: Mapping[str, float] | None = None
) -> ReportContext:
    """Read a run folder.

    Parameters
    ----------
    run : RunFolder
        A finished run; what is absent (no bundle, no evaluation yet) is left out of the report.
    test_looks : int
        From the ledger.
    seconds : mapping, optional
        What took how long.

    Raises
    ------
    DataError
        When a file of the run is damaged, or the manifest is absent.
    """
    manifest = read_manifest(run.manifest)
    config, audit = _read_json(run.config), _read_json(run.audit)
    evaluations = {split: _read_json(run.evaluation(split)) for split in _SPLITS}
    evaluations = {split: evaluation for split, evaluation in evaluations.items() if evaluation}
    shown = next((split for split in _SPLITS if split in evaluations), "")
    bundle = _bundle(run.bundle)
    return ReportContext(
        title=run.path.resolve().name,
        synthetic=all(row.subject_source == "phantom" for row in manifest),
        config=config,
        environment=_read_json(run.environment),
        audit=audit,
        allow_leak=audit.get("allow_leak") or config.get("allow_leak"),
        counts=manifest.counts(),
        sizes=manifest.sizes(),
        subjects=_subjects(manifest),
        fingerprint=manifest.fingerprint,
        history=_history(run.metrics),
        evaluations=evaluations,
        test_looks=test_looks,
        bundle=bundle,
        examples=_examples(run, manifest, shown, config, bundle),
        examples_split=shown,
        refusals=_refusals(run, manifest, tuple(evaluations)),
        skipped=audit.get("skipped") or (),
        notes=audit.get("notes") or (),
        seconds=seconds or {},
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is damaged: {error}", path=path, fix="train again, or restore the file") from error
    if not isinstance(value, dict):
        raise DataError("is damaged: expected a JSON object", path=path, fix="restore the file")
    return value


def _history(path: Path) -> list[dict[str, Any]]:
    """Return the rows of ``metrics.csv`` as numbers, and the name of the stage."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [
            {name: text if name == "stage" else float(text) if text else None for name, text in row.items()}
            for row in rows
        ]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"is damaged: {error}", path=path, fix="restore the file") from error


def _subjects(manifest: Manifest) -> dict[str, int | None]:
    """Return patients by split; None where any image of the split has no known patient."""
    found: dict[str, int | None] = {}
    for split in manifest.counts():
        names = [row.subject_id for row in manifest if row.split == split]
        found[split] = len(set(names)) if all(names) else None
    return found


def _bundle(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    bundle = read_bundle(path)
    return {
        "digest": bundle.digest,
        "model_digest": bundle.model_digest,
        "size_bytes": path.stat().st_size,
        "card": bundle.card,
    }


def _refusals(run: RunFolder, manifest: Manifest, measured: tuple[str, ...]) -> Refusals | None:
    if not run.bundle.is_file():
        return None
    splits = [split for split in measured if run.outputs(split).is_file()]
    return collect_refusals(run, manifest, predictor_of(read_bundle(run.bundle)), splits)


def _examples(
    run: RunFolder, manifest: Manifest, split: str, config: Mapping[str, Any], bundle: Mapping[str, Any]
) -> list[Example]:
    if manifest.several or manifest.task == SEGMENT or not split or not run.predictions(split).is_file():
        return []  # the gallery sets one class against another
    outputs = read_outputs(run.outputs(split)) if run.outputs(split).is_file() else None
    predictions = read_predictions(run.predictions(split))
    geometry = geometry_of_card(bundle["card"]) if bundle else None
    color = config.get("color", "grey")
    return collect_examples(manifest, predictions, outputs, color=color, geometry=geometry)
