"""``gyrus compare``: models that answered the same images, with paired tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import CompareConfig
from gyrus.config.build import build
from gyrus.data import read_manifest
from gyrus.data.manifest import SEGMENT
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import read_predictions, twin_free
from gyrus.evaluation.aligning import Entry
from gyrus.evaluation.compare import METRICS, compare_predictions
from gyrus.evaluation.segmentation_compare import format_segmentation_comparison
from gyrus.evaluation.verdicts import format_comparison
from gyrus.runs import RunFolder, record_look
from gyrus.verbs.segment_comparison import compare_masks, holds_masks
from gyrus.verbs.sources import run_of


@dataclass(frozen=True, slots=True)
class CompareResult:
    """A leaderboard and every pair's tests.

    Attributes
    ----------
    comparison : dict
        See :func:`gyrus.evaluation.compare.compare_predictions`; lines of runs also have ``without_twins``.
        Of masks: :func:`gyrus.evaluation.segmentation_compare.compare_segmentations`.
    test_looks : int or None
        How often the test set that was compared on has been looked at, this time included.
    """

    comparison: dict[str, Any]
    test_looks: int | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return the comparison."""
        return {**self.comparison, "test_looks": self.test_looks}

    def to_text(self) -> str:
        """Return leaderboard, sentences and tests."""
        masks = self.comparison.get("task") == SEGMENT
        text = (format_segmentation_comparison if masks else format_comparison)(self.comparison)
        if self.test_looks is None:
            return text
        return (
            f"{text}\n\nlooks at this test set so far: {self.test_looks}; "
            "who chooses a model by it needs another one to measure it"
        )


def run(config: CompareConfig) -> CompareResult:
    """Compare ``config.sources``.

    Raises
    ------
    PredictionsError
        When they are not about the same images, labels, patients or classes; both lists are named.
    DataError
        When a run has no predictions of the split.
    """
    names = _names(config.sources)
    split = "test" if config.test else "val"
    runs = {name: run_of(path) for name, path in names.items() if path.is_dir()}
    if config.test and not runs:
        raise UsageError("--test is for run folders; files are compared as they are", fix="leave it out")
    if any(holds_masks(path) for path in names.values()):
        looks = _look(runs, " and ".join(names)) if config.test else None
        return CompareResult(compare_masks(config, names, split), looks)
    metric = "accuracy" if config.metric == "auto" else config.metric
    if metric not in METRICS:
        raise UsageError(f"--metric {metric} is about masks, and these are classes", fix="leave it out")
    files = {name: _file_of(runs.get(name), path, split) for name, path in names.items()}
    looks = _look(runs, " and ".join(names)) if config.test else None
    entries = [Entry(name, read_predictions(path)) for name, path in files.items()]
    comparison = compare_predictions(
        entries,
        metric=metric,
        n_bootstrap=config.bootstrap_samples,
        seed=config.seed,
        confidence=config.confidence,
        power=config.power,
    )
    _enter_twin_free(comparison, entries, runs, config.confidence)
    return CompareResult(comparison, looks)


def compare(*sources: Path | str, **options: Any) -> CompareResult:
    """Compare run folders or predictions files; options as in :class:`gyrus.config.CompareConfig`."""
    return run(build(CompareConfig, sources=sources, **options))


def _names(sources: tuple[Path, ...]) -> dict[str, Path]:
    """Return the shortest ends of the paths that tell them apart."""
    full = [path.resolve() for path in sources]
    if len(sources) < 2:
        raise UsageError(
            f"{len(sources)} to compare; expected two or more", fix="gyrus compare runs/first runs/second"
        )
    twice = sorted({str(path) for path in full if full.count(path) > 1})
    if twice:
        raise UsageError(f"named twice: {', '.join(twice)}", fix="name each run or file once")
    for length in range(1, max(len(path.parts) for path in full) + 1):
        ends = ["/".join((path if path.is_dir() else path.with_suffix("")).parts[-length:]) for path in full]
        if len(set(ends)) == len(ends):
            return dict(zip(ends, sources, strict=True))
    return dict(zip(map(str, full), sources, strict=True))


def _file_of(run_folder: RunFolder | None, path: Path, split: str) -> Path:
    if run_folder is None:
        return path
    file = run_folder.predictions(split)
    if not file.is_file():
        flag = " --test" if split == "test" else ""
        raise DataError(
            f"has no predictions of the split {split!r}", path=path, fix=f"gyrus evaluate {path}{flag}"
        )
    return file


def _look(runs: dict[str, RunFolder], who: str) -> int:
    """Count one look at each test set that is compared on, before it is read."""
    sets = {(folder.ledger, read_manifest(folder.manifest).fingerprint) for folder in runs.values()}
    return max(record_look(ledger, fingerprint, f"compare {who}") for ledger, fingerprint in sets)


def _enter_twin_free(
    comparison: dict[str, Any], entries: list[Entry], runs: dict[str, RunFolder], confidence: float
) -> None:
    """Enter the accuracy without twins for the runs: each has its own training images."""
    predictions = {entry.name: entry.predictions for entry in entries}
    for line in comparison["leaderboard"]:
        if line["name"] in runs:
            manifest = read_manifest(runs[line["name"]].manifest)
            block = twin_free(predictions[line["name"]], manifest, confidence=confidence)
            left = block.get("without_twins")
            line["without_twins"] = None if left is None else left["accuracy"]
