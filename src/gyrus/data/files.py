"""Listing the files below a folder: images, masks' neighbours, and what is left aside."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gyrus.errors import DataError
from gyrus.imaging.kinds import is_scan_name, kind_of_file, may_be_scan
from gyrus.imaging.reading import IMAGE_SUFFIXES

SHOWN_IN_NOTE = 50
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})


@dataclass(slots=True)
class Files:
    """What lies below a folder; all names relative to it, with ``/``, in natural order.

    Attributes
    ----------
    images : list of str
        Files whose ending is that of an image, and DICOM files without one.
    others : list of str
        Other files.
    hidden : list of str
        Hidden files and folders and those of operating systems; not entered.
    loops : list of str
        Links to a folder that they lie in, or to themselves; not followed.
    empty : list of str
        Folders without any entry but hidden ones.
    """

    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def list_files(folder: Path) -> Files:
    """List all files below ``folder``, following links but no loops.

    Raises
    ------
    DataError
        When a folder cannot be read, or names are no valid text (the manifest could not hold them).
    """
    files = Files()
    _walk(folder, "", files, frozenset())
    for names in (files.images, files.others, files.hidden, files.loops, files.empty):
        names.sort(key=natural_key)
    undecodable = [name for name in (*files.images, *files.others) if not _is_text(name)]
    if undecodable:
        raise DataError(
            f"{len(undecodable)} file names are not valid UTF-8",
            path=folder,
            details=[ascii(name) for name in undecodable],
            fix="rename them",
        )
    return files


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key under which ``im2`` comes before ``im10``; the name itself breaks ties."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part], name


def shown(names: Sequence[str], most: int = SHOWN_IN_NOTE) -> str:
    """Return names as a list for a sentence, cut after ``most``."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name belongs to the system rather than to the data."""
    return name.startswith(".") or name.casefold() in _SYSTEM_NAMES


def _walk(folder: Path, prefix: str, files: Files, above: frozenset[tuple[int, int]]) -> None:
    try:
        status = folder.stat()
        entries = list(os.scandir(folder))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=folder) from error
    inside = above | {(status.st_dev, status.st_ino)}
    visible = [entry for entry in entries if not is_hidden(entry.name)]
    files.hidden.extend(prefix + entry.name for entry in entries if is_hidden(entry.name))
    if not visible:
        files.empty.append(prefix.rstrip("/"))
    for entry in visible:
        name = prefix + entry.name
        if _leads_in_circles(entry):
            files.loops.append(name)
        elif not entry.is_dir():
            (files.images if _is_image(entry) else files.others).append(name)
        elif _identity(entry) in inside:
            files.loops.append(name)
        else:
            _walk(folder / entry.name, name + "/", files, inside)


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Tell an image by its ending; where a name says nothing, as those of DICOM often do, by its bytes."""
    if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES or is_scan_name(entry.name):
        return True
    return may_be_scan(entry.name) and kind_of_file(Path(entry.path)) == "dicom"


def _leads_in_circles(entry: os.DirEntry[str]) -> bool:
    """Tell whether a link leads to itself, at once or by way of others; it is neither file nor folder."""
    try:
        entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return True
        raise DataError(f"cannot be read: {error.strerror or error}", path=entry.path) from error
    return False


def _identity(entry: os.DirEntry[str]) -> tuple[int, int]:
    status = entry.stat()
    return status.st_dev, status.st_ino


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
