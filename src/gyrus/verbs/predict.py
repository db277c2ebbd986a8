"""``gyrus predict``: ask a bundle about images. No torch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import PredictConfig
from gyrus.config.build import build
from gyrus.data.files import shown
from gyrus.data.label_names import NONE
from gyrus.errors import DataError, UsageError
from gyrus.imaging import IMAGE_SUFFIXES, read_image
from gyrus.imaging.idx import holds_many, read_frames
from gyrus.imaging.source import Source
from gyrus.inference import Failure, Prediction, Predictor
from gyrus.verbs.sources import model_of
from gyrus.verbs.tables import align

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class PredictResult:
    """Answers, and the images that got none."""

    predictions: tuple[Prediction, ...]
    failures: tuple[Failure, ...]
    heatmaps: dict[str, Path]
    model: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """3 when an image could not be read, else 0; the readable ones are answered either way."""
        return DataError.exit_code if self.failures else 0

    def to_json(self) -> dict[str, Any]:
        """Return the model's identity, an entry per image, and the failures."""
        return {
            "model": self.model,
            "predictions": [
                {
                    **item.to_json(),
                    "heatmap": str(self.heatmaps[item.name]) if item.name in self.heatmaps else None,
                }
                for item in self.predictions
            ],
            "failures": [{"name": str(item.path), "error": str(item.error)} for item in self.failures],
        }

    def to_text(self) -> str:
        """Return a table, a row per image."""
        lines = []
        if self.predictions:
            classes = self.predictions[0].classes
            rows = [["image", "prediction", *classes]]
            rows += [
                [
                    item.name,
                    "(none)" if item.label == NONE else item.label,
                    *(f"{100 * value:.1f} %" for value in item.probabilities),
                ]
                for item in self.predictions
            ]
            lines.append(align(rows))
        lines += [f"heat map: {path}" for path in self.heatmaps.values()]
        lines.append(
            f"model {self.model['name']}: {self.model['leakage']} A research tool, not a medical device."
        )
        return "\n".join(lines)


def run(config: PredictConfig) -> PredictResult:
    """Answer ``config.files``; a file that cannot be read is named and does not stop the others."""
    files = list(_sources(config.files))
    predictor = Predictor.load(
        model_of(config.model), config.threads, runtime=config.runtime, device=config.device
    )
    if config.heatmaps is not None:
        _check_maps(predictor)
    predictions, failures = predictor.predict_files(files)
    for note in _reading_notes(predictions):
        logger.info("note: %s", note)
    for failure in failures:
        logger.error("error: %s", failure.error)
    heatmaps = {}
    if config.heatmaps is not None:
        heatmaps = _write_heatmaps(predictor, predictions, files, config.heatmaps)
    card = predictor.card
    model = {
        "name": card["name"] or card["architecture"],
        "digest": predictor.digest,
        "task": predictor.task,
        "classes": list(predictor.classes),
        "verdict": card["leakage"]["verdict"],
        "leakage": card["leakage"]["sentence"],
        "intended_use": card["intended_use"],
    }
    return PredictResult(tuple(predictions), tuple(failures), heatmaps, model)


def predict(files: Any, model: Path | str | None = None, **options: Any) -> PredictResult:
    """Ask a bundle about one image or several; options as in :class:`gyrus.config.PredictConfig`.

    Without ``model`` the one in the box answers.
    """
    return run(build(PredictConfig, files=files, model=model, **options))


def _sources(given: tuple[Path, ...]) -> Iterator[Source]:
    """Yield the images: a file each, but for IDX files, of which each of their images."""
    for path in _files(given):
        if holds_many(path):
            yield from (Source(path, str(number)) for number in range(len(read_frames(path))))
        else:
            yield Source(path)


def _files(given: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files; of a folder, the images in it by name."""
    if not given:
        raise UsageError("no file was named", fix="gyrus predict SCAN.png --model model.gyrus")
    for path in given:
        if not path.is_dir():
            yield path
            continue
        images = sorted(
            entry
            for entry in path.rglob("*")
            if entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file() and not entry.name.startswith(".")
        )
        if not images:
            raise DataError(
                "holds no image", path=path, fix=f"known endings: {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        yield from images


def _reading_notes(predictions: Iterable[Prediction]) -> list[str]:
    """Return one sentence per peculiarity, with the images that have it."""
    images: dict[str, list[str]] = {}
    for item in predictions:
        for note in item.notes:
            images.setdefault(note, []).append(item.name)
    return [f"{note} ({shown(names)})." for note, names in images.items()]


def _check_maps(predictor: Predictor) -> None:
    if predictor.card["outputs"]["maps"] != "exact":
        raise UsageError(
            f"{predictor.card['architecture']} has no exact class activation maps",
            path=predictor.path,
            fix="leave out --heatmaps, or train a network with global average pooling before its last layer",
        )


def _write_heatmaps(
    predictor: Predictor, predictions: list[Prediction], files: Iterable[Source], folder: Path
) -> dict[str, Path]:
    from gyrus.pages import write_overlay

    source_of = {str(source): source for source in files}
    written: dict[str, Path] = {}
    for item in predictions:
        source = source_of[item.name]
        stem = source.path.stem + (f"-{source.frame}" if source.frame else "")
        target = _free_name(folder, stem, set(written.values()))
        heat = item.heat()
        if heat is not None:
            pixels = read_image(source, color=predictor.card["input"]["color"])
            caption = f"{item.top} {100 * item.confidence:.1f} %"
            write_overlay(target, pixels, heat, caption=caption)
            written[item.name] = target
    return written


def _free_name(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return a name that no other image of this call has: two folders may hold the same file name."""
    target, number = folder / f"{stem}-heat.png", 2
    while target in taken:
        target = folder / f"{stem}-heat-{number}.png"
        number += 1
    return target
