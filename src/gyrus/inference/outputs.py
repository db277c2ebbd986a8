"""The outputs file ``outputs-SPLIT.npz`` beside a predictions file: logits, embeddings, maps."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.errors import PredictionsError
from gyrus.runs.atomic import atomic_writer

_REQUIRED = ("image_ids", "logits", "model_digest")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the network of a bundle gave for a set of images.

    Attributes
    ----------
    image_ids : tuple of str
        (n,) images, in the order of the predictions file.
    logits : ndarray of float32
        (n, n_classes).
    embedding : ndarray of float32 or None
        (n, n_features).
    maps : ndarray of float32 or None
        (n, n_classes, rows, columns).
    model_digest : str
        Which graphs made them; see :attr:`gyrus.bundles.Bundle.model_digest`.
    """

    image_ids: tuple[str, ...]
    logits: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32] | None
    maps: npt.NDArray[np.float32] | None
    model_digest: str


def write_outputs(outputs: Outputs, path: Path) -> None:
    """Write an outputs file atomically; no pickle is in it."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "image_ids": np.array(outputs.image_ids, dtype=np.str_),
        "logits": outputs.logits,
        "model_digest": np.array(outputs.model_digest, dtype=np.str_),
    }
    for name, values in (("embedding", outputs.embedding), ("maps", outputs.maps)):
        if values is not None:
            arrays[name] = values
    with atomic_writer(path) as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_outputs(path: Path) -> Outputs:
    """Read an outputs file.

    Raises
    ------
    PredictionsError
        When it is absent, damaged, or its arrays do not belong together.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise PredictionsError("does not exist", path=path, fix="run: gyrus evaluate RUN") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise PredictionsError(
            f"cannot be read: {error}", path=path, fix="run: gyrus evaluate RUN"
        ) from error
    missing = [name for name in _REQUIRED if name not in arrays]
    lengths = {name: len(values) for name, values in arrays.items() if name != "model_digest"}
    if missing or len(set(lengths.values())) > 1:
        raise PredictionsError(
            f"lacks {', '.join(missing)}" if missing else f"has arrays of different lengths: {lengths}",
            path=path,
        )
    return Outputs(
        image_ids=tuple(str(name) for name in arrays["image_ids"]),
        logits=arrays["logits"],
        embedding=arrays.get("embedding"),
        maps=arrays.get("maps"),
        model_digest=str(arrays["model_digest"]),
    )
