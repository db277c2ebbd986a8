"""The images that an export is held against its network on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gyrus.data import Manifest, read_manifest
from gyrus.data.label_names import names_of
from gyrus.errors import DataError
from gyrus.imaging import read_image
from gyrus.imaging.reading import Color
from gyrus.imaging.source import Source
from gyrus.phantom import Phantom, generate_subject
from gyrus.verbs.predict_files import asked_of

logger = logging.getLogger("gyrus")

Pixels = npt.NDArray[np.uint8]
_SIZES = (96, 131, 160, 224, 257)
_SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Images:
    """Images, read when they are asked for.

    Attributes
    ----------
    sources : tuple of Source or ndarray
        Files, or pixels.
    color : str
        ``grey`` or ``rgb``.
    of : str
        Which they are, in words.
    """

    sources: tuple[Source | Pixels, ...]
    color: Color
    of: str

    def __iter__(self) -> Iterator[Pixels]:
        """Yield them as uint8 (height, width, channels)."""
        for source in self.sources:
            yield source if isinstance(source, np.ndarray) else read_image(source, color=self.color)


def images_for(card: Mapping[str, Any], data: Path | None, run: Path | None = None) -> Images:
    """Return the images to compare on: those given, else a run's validation images, else synthetic ones.

    Parameters
    ----------
    card : mapping
        Of the model: how it reads images, and its classes.
    data : Path, optional
        A manifest, a folder or an image.
    run : Path, optional
        The manifest of the run that the model comes from.

    Raises
    ------
    DataError
        When there is no image, or a manifest has a class that the model has not.
    """
    color = cast("Color", card["input"]["color"])
    if data is not None and data.suffix.lower() == ".csv":
        manifest = read_manifest(data)
        _check_classes(manifest, card["classes"], data)
        chosen = manifest.select("val")
        of = f"validation images of {data.name}" if len(chosen) else f"images of {data.name}"
        return Images(_sources(chosen if len(chosen) else manifest), color, of)
    if data is not None:
        if not data.exists():
            raise DataError("does not exist", path=data, fix="name images with --data")
        asked = asked_of((data,), None)
        return Images(tuple(item.source for item in asked), color, f"images of {data.name}")
    if run is not None:
        return Images(_sources(read_manifest(run).select("val")), color, "validation images")
    logger.info("note: no --data: the export is held against the network on %d synthetic slices.", _SUBJECTS)
    return Images(tuple(synthetic(color, _SUBJECTS)), color, "synthetic slices")


def synthetic(color: str, count: int) -> list[Pixels]:
    """Return phantom slices of different sizes, in the channels that a model reads."""
    slices = []
    for number in range(count):
        phantom = Phantom(subjects=count, slices_per_subject=1, image_size=_SIZES[number % len(_SIZES)])
        pixels = next(iter(generate_subject(phantom, number))).pixels[:, :, None]
        slices.append(pixels if color == "grey" else pixels.repeat(3, axis=2))
    return slices


def _sources(rows: Manifest) -> tuple[Source, ...]:
    return tuple(rows.source_of(row) for row in rows)


def _check_classes(manifest: Manifest, classes: Iterable[str], path: Path) -> None:
    known = set(classes)
    labels = {name for row in manifest for name in names_of(row.label)}
    unknown = sorted(labels - known)
    if unknown:
        raise DataError(
            f"has the class {', '.join(unknown)}; the model has {', '.join(sorted(known))}",
            path=path,
            fix="name the model's --classes as the table does, in the order of its outputs",
        )
