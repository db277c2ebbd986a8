"""What an importer is given, and what it gives back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from gyrus.config.importing import ImportOptions
from gyrus.data.files import Files, list_files
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.manifest import CLASSIFY, Row
from gyrus.errors import DataError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a data set lies.

    Attributes
    ----------
    source : Path
        What the user named: a folder, or one file.
    folder : Path
        The folder itself, or the one that the file lies in; rows' paths start from it.
    files : Files
        What lies in the folder; of a single file, that one alone.
    """

    source: Path
    folder: Path
    files: Files

    @property
    def names(self) -> list[str]:
        """All files below the folder, images and others."""
        return [*self.files.images, *self.files.others]


def place_of(source: Path) -> Place:
    """Return what lies at ``source``.

    Raises
    ------
    DataError
        When there is nothing, or it is neither a file nor a folder.
    """
    if source.is_dir():
        return Place(source, source.absolute(), list_files(source))
    if source.is_file():
        return Place(source, source.parent.absolute(), Files(others=[source.name]))
    problem = "is neither a file nor a folder" if source.exists() else "does not exist"
    raise DataError(problem, path=source, fix="check the path; or fetch a public set: --download NAME")


@dataclass(frozen=True, slots=True)
class Imported:
    """A data set as a manifest will hold it.

    Attributes
    ----------
    rows : tuple of Row
        Paths from :attr:`Place.folder`, or absolute where the importer wrote the file.
    notes : tuple of str
        Sentences for the user.
    task : str
        As in :class:`gyrus.data.manifest.Manifest`.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    task: str = CLASSIFY


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of data set.

    Attributes
    ----------
    name, what : str
        Name of ``--kind`` and what it is.
    recognises : callable
        Tells by the names of the files whether a place holds this kind; opens little or nothing.
    read : callable
        Reads it; images that gyrus cannot read from where they lie go into the store.
    """

    name: str
    what: str
    recognises: Callable[[Place], bool]
    read: Callable[[Place, ImageStore, ImportOptions], Imported]


def one_by_one(items: Sequence[Item]) -> Iterator[Item]:
    """Yield items behind a bar on stderr, shown when it takes longer than a second."""
    yield from tqdm(items, desc="Importing", file=sys.stderr, delay=1.0, mininterval=0.5, leave=False)
