"""The memory of what a scan learns about images (:class:`gyrus.imaging.seeing.Facts`), by content.

Facts are remembered under the SHA-256 of the file's bytes, in one file per decoder version: they can not
become stale, and a second look at the same data decodes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.imaging.decoding import DECODER
from gyrus.imaging.seeing import Facts
from gyrus.imaging.traces import FileTraces
from gyrus.runs.atomic import write_bytes

FACTS_VERSION = 5
_MOST_REMEMBERED = 200_000  # entries; about 80 MB


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
        lasting = [(sha256, facts) for sha256, facts in self.known.items() if not facts.passing]
        kept = lasting[-_MOST_REMEMBERED:]
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
