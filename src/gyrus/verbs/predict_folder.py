"""The folder of ``gyrus predict --out``: a page and a picture per image, and the page that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gyrus.data.safe_names import stem_of
from gyrus.errors import UsageError
from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.pooling import Pooled
from gyrus.pages.evidence_index import Index
from gyrus.pages.evidence_page import write_evidence_page
from gyrus.pages.evidence_picture import write_evidence_picture
from gyrus.runs.atomic import atomic_writer
from gyrus.verbs.predict_result import PredictResult

INDEX, TABLE, RECORD = "index.html", "predictions.csv", "evidence.json"
_TAKEN = frozenset(Path(name).stem for name in (INDEX, TABLE, RECORD))


class EvidenceFolder:
    """Writes the evidence of one image after the other.

    Parameters
    ----------
    path : Path
        A new or empty folder.
    card : mapping
        Of the bundle that answers.

    Raises
    ------
    UsageError
        When something lies in the folder.
    """

    def __init__(self, path: Path, card: Mapping[str, Any]) -> None:
        check_new(path)
        self.path, self._card = path, card
        self._index = Index(card)
        self._stems = FreeStems()

    def add(self, evidence: Evidence) -> tuple[Path, Path]:
        """Write page and picture of an image, and return where they lie."""
        stem = self._stems.free(evidence.asked)
        page, picture = self.path / f"{stem}.html", self.path / f"{stem}.png"
        write_evidence_page(evidence, self._card, page)
        write_evidence_picture(evidence, self._card, picture)
        self._index.add(evidence, page)
        return page, picture

    def add_unread(self, asked: Asked, why: str) -> None:
        """Note an image that could not be read."""
        self._index.add_unread(asked, why)

    def close(
        self, result: PredictResult, pooled: Sequence[Pooled], pooled_labels: Sequence[str | None]
    ) -> None:
        """Write ``evidence.json`` and ``index.html``."""
        with atomic_writer(self.path / RECORD) as stream:
            for piece in result.json_pieces():
                stream.write(piece.encode("utf-8"))
        self._index.write(self.path / INDEX, pooled, pooled_labels)


class FreeStems:
    """Gives every image of a call a file name of its own: two folders may hold the same."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}

    def free(self, asked: Asked) -> str:
        """Return a name, without an ending, that no other image of this call has."""
        stem = stem_of(asked.source.path, asked.source.frame)
        free = stem
        while free.casefold() in self._names or free.casefold() in _TAKEN:
            number = self._names.get(stem.casefold(), 1) + 1
            self._names[stem.casefold()] = number
            free = f"{stem}-{number}"
        self._names.setdefault(free.casefold(), 1)
        return free


def check_new(path: Path) -> None:
    """Refuse a folder in which something lies: pages of another call would stand beside this one's.

    Raises
    ------
    UsageError
        For that, or for a file of this name.
    """
    if path.exists() and not path.is_dir():
        raise UsageError("is a file; expected a new folder", path=path, fix="name a NEW_FOLDER")
    if path.is_dir() and any(path.iterdir()):
        raise UsageError("is not empty", path=path, fix="name a NEW_FOLDER, or remove what lies in it")
