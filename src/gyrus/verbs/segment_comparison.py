"""``gyrus compare`` where the models answer with masks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.config import CompareConfig
from gyrus.data import read_manifest
from gyrus.data.manifest import SEGMENT
from gyrus.errors import DataError, UsageError
from gyrus.evaluation.segmentation_compare import METRICS, compare_segmentations
from gyrus.runs import RunFolder


def holds_masks(source: Path) -> bool:
    """Tell whether a source of a comparison is about masks: a run of that task, or figures (JSON)."""
    if source.is_dir():
        manifest = RunFolder(source).manifest
        return manifest.is_file() and read_manifest(manifest).task == SEGMENT
    return source.suffix.lower() == ".json"


def compare_masks(config: CompareConfig, names: Mapping[str, Path], split: str) -> dict[str, Any]:
    """Compare the figures of runs or of files, as ``gyrus evaluate`` wrote them.

    Parameters
    ----------
    config : CompareConfig
    names : mapping of str to Path
        What each source is called.
    split : str
        Of the runs.

    Raises
    ------
    UsageError
        When a source answers with classes, or the metric is one of these.
    DataError
        When a run was not evaluated on the split, or a file is none of figures of masks.
    PredictionsError
        When they are not about the same images and true masks.
    """
    metric = "dice" if config.metric == "auto" else config.metric
    if metric not in METRICS:
        raise UsageError(
            f"--metric {metric} is about classes, and these are masks", fix=f"one of {', '.join(METRICS)}"
        )
    entries = {name: _figures(path, split) for name, path in names.items()}
    return compare_segmentations(entries, metric=metric, confidence=config.confidence, power=config.power)


def _figures(source: Path, split: str) -> dict[str, Any]:
    if not source.exists():
        raise DataError(
            "does not exist", path=source, fix="name finished runs, or figures (JSON) of gyrus evaluate"
        )
    if not holds_masks(source):
        raise UsageError(
            "answers with classes, and another source with masks",
            path=source,
            fix="compare models of one task",
        )
    path = RunFolder(source).evaluation(split) if source.is_dir() else source
    if not path.is_file():
        flag = " --test" if split == "test" else ""
        raise DataError(
            f"has no figures of the split {split!r}", path=source, fix=f"gyrus evaluate {source}{flag}"
        )
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", path=path, fix="evaluate again") from error
    if not isinstance(figures, dict) or figures.get("task") != SEGMENT or "cases" not in figures:
        raise DataError(
            "holds no figures of masks",
            path=path,
            fix="gyrus evaluate MASKS DATA --out FOLDER writes evaluation.json",
        )
    return figures
