"""The training cases that a bundle brings along, so that an answer can show what it is like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gyrus.bundles import encode_arrays, rewrite_bundle
from gyrus.bundles.members import NEIGHBOURS
from gyrus.bundles.neighbours import HASH_BYTES, THUMBNAIL_PX
from gyrus.imaging import resize
from gyrus.inference import Outputs, Predictor, write_outputs
from gyrus.inference.neighbours import smallest_between_patients
from gyrus.runs import RunFolder
from gyrus.verbs.training_outputs import training_outputs

if TYPE_CHECKING:
    from gyrus.config.packing import BundleOptions
    from gyrus.data import Manifest
    from gyrus.data.manifest import Row
    from gyrus.inference import Prediction


class Thumbnails:
    """Small grey pictures of training images; give :meth:`take` to ``training_outputs`` as ``each``."""

    def __init__(self) -> None:
        self.by_image: dict[str, npt.NDArray[np.uint8]] = {}

    def take(self, row: Row, answer: Prediction) -> None:
        """Keep a picture of an answered image."""
        if answer.pixels is not None:
            self.by_image[row.image_id] = thumbnail(answer.pixels)


def bring_cases(run: RunFolder, manifest: Manifest, options: BundleOptions) -> Outputs:
    """Ask a run's new bundle about its training images, and let it bring them as cases.

    Parameters
    ----------
    run : RunFolder
        With a bundle that has no cases yet; ``outputs-train.npz`` is written into it.
    manifest : Manifest
        Of the training.
    options : BundleOptions
        With ``private`` the bundle stays as it is.

    Returns
    -------
    Outputs
        Logits and embeddings of the images asked.
    """
    predictor, thumbnails = Predictor.load(run.bundle), Thumbnails()
    each = None if options.private else thumbnails.take
    outputs = training_outputs(predictor, manifest, most=options.cases, each=each)
    write_outputs(outputs, run.outputs("train"))
    if not options.private and outputs.embedding is not None:
        add_neighbours(run.bundle, predictor.classes, manifest, outputs, thumbnails)
    return outputs


def thumbnail(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an image (height, width, 1 or 3) as (48, 48) grey, its aspect kept, black beside it."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    small = resize(
        pixels,
        height_px=max(1, round(THUMBNAIL_PX * height / longest)),
        width_px=max(1, round(THUMBNAIL_PX * width / longest)),
    )
    grey = np.rint(small.mean(axis=2)).astype(np.uint8)
    square = np.zeros((THUMBNAIL_PX, THUMBNAIL_PX), np.uint8)
    top, left = (THUMBNAIL_PX - grey.shape[0]) // 2, (THUMBNAIL_PX - grey.shape[1]) // 2
    square[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return square


def add_neighbours(
    bundle: Path, classes: Sequence[str], manifest: Manifest, outputs: Outputs, thumbnails: Thumbnails
) -> str:
    """Write ``neighbours.npz`` and the card's field into a bundle; return its new digest.

    Parameters
    ----------
    bundle : Path
    classes : sequence of str
        Of the model.
    manifest : Manifest
        Of the training.
    outputs : Outputs
        From :func:`gyrus.verbs.training_outputs.training_outputs`; its images become the cases.
    thumbnails : Thumbnails
        Filled by the same call.
    """
    field, member = neighbours_of(classes, manifest, outputs, thumbnails)
    return rewrite_bundle(bundle, members={NEIGHBOURS: member}, neighbours=field)


def neighbours_of(
    classes: Sequence[str], manifest: Manifest, outputs: Outputs, thumbnails: Thumbnails
) -> tuple[dict[str, Any], bytes]:
    """Return the card's field ``neighbours`` and the content of the member; see :func:`add_neighbours`.

    Raises
    ------
    ValueError
        When the outputs have no embedding.
    """
    if outputs.embedding is None:
        raise ValueError("no embedding: cases cannot be compared")
    by_id = {row.image_id: row for row in manifest.select("train")}
    cases = [by_id.pop(name) for name in outputs.image_ids]
    others = [row for row in by_id.values() if not row.synthetic]
    pictures = [thumbnails.by_image[row.image_id] for row in cases if row.image_id in thumbnails.by_image]
    with_hashes = any(row.sha256 for row in cases)
    embedding = _unit(outputs.embedding).astype(np.float16)
    arrays: dict[str, npt.NDArray[Any]] = {
        "embedding": embedding,
        "label": _labels(cases, classes, manifest),
        "image_id": _texts([row.image_id for row in cases]),
        "subject_id": _texts([row.subject_id for row in cases]),
    }
    if with_hashes:
        arrays |= {name: _hashes(cases, name) for name in ("sha256", "pixel_hash")}
        if others:
            arrays |= {f"other_{name}": _hashes(others, name) for name in ("sha256", "pixel_hash")}
    if len(pictures) == len(cases):
        arrays["thumbnails"] = np.stack(pictures)
    field = {
        "count": len(cases),
        "features": embedding.shape[1],
        "thumbnails": "thumbnails" in arrays,
        "hashes": with_hashes,
        "others": len(others) if with_hashes else 0,
        "apart": smallest_between_patients(
            embedding.astype(np.float32), tuple(row.subject_id for row in cases)
        ),
    }
    return field, encode_arrays(arrays)


def _unit(embedding: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Bring rows to length 1: only directions are compared, and half precision ends at 65,504."""
    lengths = np.linalg.norm(embedding.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(embedding / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _labels(rows: Sequence[Row], classes: Sequence[str], manifest: Manifest) -> npt.NDArray[Any]:
    number = {name: index for index, name in enumerate(classes)}
    if not manifest.several:
        return np.array([number[row.label] for row in rows], dtype=np.int32)
    shown = np.zeros((len(rows), len(classes)), dtype=np.bool_)
    for index, row in enumerate(rows):
        shown[index, [number[name] for name in manifest.names_of(row)]] = True
    return shown


def _hashes(rows: Sequence[Row], name: str) -> npt.NDArray[np.uint8]:
    """Return (n, 32); zeros where a row has no hash."""
    lines = [bytes.fromhex(getattr(row, name)) or bytes(HASH_BYTES) for row in rows]
    return np.frombuffer(b"".join(lines), dtype=np.uint8).reshape(len(rows), HASH_BYTES)


def _texts(values: Sequence[str]) -> npt.NDArray[np.str_]:
    """Return an array of text; what is no character (in the name of a file with odd bytes) becomes ``?``."""
    plain = [value.encode("utf-8", "replace").decode("utf-8") for value in values]
    return np.array(plain, dtype=f"U{max(1, *map(len, plain))}" if plain else "U1")
