"""What a scan learns about an image, and the memory of it by content.

Facts are remembered under the SHA-256 of the file's bytes, in one file per decoder version: they can not
become stale, and a second look at the same data decodes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.imaging import Decoded, pixel_hash
from gyrus.imaging.decoding import DECODER
from gyrus.imaging.nuisance import FileTraces, traces_of
from gyrus.runs.atomic import write_bytes

FACTS_VERSION = 4
_MOST_REMEMBERED = 200_000  # entries; about 80 MB


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pixels of an image tell; or why there are none.

    Attributes
    ----------
    pixel_hash : str
        See :func:`gyrus.imaging.pixel_hash`.
    width_px, height_px : int
        Size, upright.
    notes : str
        What the decoder had to say.
    traces : FileTraces or None
        See :mod:`gyrus.imaging.nuisance`; None when the image cannot be read.
    error : str
        Why the image cannot be read; empty when it can.
    """

    pixel_hash: str = ""
    width_px: int = 0
    height_px: int = 0
    notes: str = ""
    traces: FileTraces | None = None
    error: str = ""


def facts_of(data: bytes, decoded: Decoded, grey: npt.NDArray[np.uint8]) -> Facts:
    """Compute the facts of an image.

    Parameters
    ----------
    data : bytes
        Its file.
    decoded : Decoded
        What the file holds.
    grey : ndarray of uint8
        (height, width, 1) in 8 bits.
    """
    height, width = decoded.pixels.shape[:2]
    return Facts(
        pixel_hash=pixel_hash(decoded.pixels),
        width_px=width,
        height_px=height,
        notes="; ".join(decoded.notes),
        traces=traces_of(data, decoded, grey),
    )


class FactsMemory:
    """Facts by SHA-256 of the file, kept in a file of the cache folder.

    Parameters
    ----------
    folder : Path or None
        The cache folder; None remembers nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = folder / f"facts-{FACTS_VERSION}-{DECODER}.json" if folder is not None else None
        self.known: dict[str, Facts] = _read(self.path) if self.path is not None else {}

    def remember(self, new: Mapping[str, Facts]) -> None:
        """Add facts and write the file.

        Two processes that write at once do no harm: one's additions are lost, to be found again.

        Raises
        ------
        StorageError
            When the disk is full; the former file survives.
        """
        if not new:
            return
        for sha256 in new:
            self.known.pop(sha256, None)  # to the end: the oldest are dropped first
        self.known.update(new)
        if self.path is None:
            return
        kept = list(self.known.items())[-_MOST_REMEMBERED:]
        body = json.dumps({sha256: _to_list(facts) for sha256, facts in kept}).encode()
        write_bytes(self.path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _to_list(facts: Facts) -> list[Any]:
    traces = facts.traces.to_list() if facts.traces is not None else None
    return [facts.pixel_hash, facts.width_px, facts.height_px, facts.notes, traces, facts.error]


def _from_list(values: list[Any]) -> Facts:
    pixels, width, height, notes, traces, error = values
    return Facts(pixels, width, height, notes, FileTraces(*traces) if traces is not None else None, error)


def _read(path: Path) -> dict[str, Facts]:
    """Read the memory; one that is absent, damaged or altered is an empty one."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return {}
    return {sha256: _from_list(values) for sha256, values in json.loads(body).items()}
