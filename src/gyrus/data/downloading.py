"""Fetching a named public set: only when asked, only over what its checksum says, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import logging
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tqdm import tqdm

from gyrus.data.public_sets import PUBLIC_SETS, PublicSetFacts, RemoteFile
from gyrus.data.unpacking import unpack_tar
from gyrus.errors import DataError, UsageError
from gyrus.runs.atomic import atomic_writer

logger = logging.getLogger("gyrus")

_PATIENCE_S = 30.0
_PIECE = 1 << 20


def fetch(name: str, folder: Path) -> tuple[str, ...]:
    """Fetch a set into a folder, unless its files lie there already; archives are unpacked beside themselves.

    Returns
    -------
    tuple of str
        What was fetched, from where, under which licence.

    Raises
    ------
    UsageError
        When there is no set of this name.
    DataError
        When it has to be fetched by hand, cannot be reached, or is not what its checksum says.
    StorageError
        When the folder cannot be written.
    """
    facts = PUBLIC_SETS.get(name)
    if facts is None:
        raise UsageError(f"download {name!r} is none of {', '.join(PUBLIC_SETS)}")
    logger.info("note: %s. Licence: %s. %s", facts.title, facts.licence, facts.page)
    if not facts.files:
        raise DataError(
            f"{facts.title} cannot be fetched by gyrus",
            path=folder,
            fix=f"fetch from {facts.page}: {facts.by_hand} Then: gyrus import FOLDER",
        )
    notes = [f"{facts.title}; licence: {facts.licence}; {facts.page}."]
    for file in facts.files:
        path = folder / file.name
        if path.is_file() and _sha256(path) == file.sha256:
            notes.append(f"{file.name} lies there already; its checksum is right.")
        else:
            notes.append(
                f"{file.name} was fetched from {_fetch_file(file, path, facts)}; its checksum is right."
            )
        if file.name.endswith(".tar.gz"):
            unpack_tar(path, folder)
    return tuple(notes)


def _fetch_file(file: RemoteFile, path: Path, facts: PublicSetFacts) -> str:
    """Fetch one file from the first address that gives it, and return that."""
    problems = []
    for url in file.urls:
        try:
            _from(url, file, path)
        except (OSError, http.client.HTTPException, _WrongError) as error:
            reason = getattr(error, "reason", None) or error
            problems.append(f"{url}: {reason}")
        else:
            return url
    wanted = ", ".join(f"{one.name} (SHA-256 {one.sha256})" for one in facts.files)
    raise DataError(
        f"{file.name} cannot be fetched",
        path=path.parent,
        details=problems,
        fix=f"without a network: fetch by hand {wanted} into this folder from {facts.page}",
    )


class _WrongError(Exception):
    """What came is not the file."""


def _from(url: str, file: RemoteFile, path: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "gyrus"})
    with (
        urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer,
        atomic_writer(path) as stream,
        tqdm(total=file.size, desc=file.name, unit="B", unit_scale=True, file=sys.stderr, delay=1.0,
             leave=False) as bar,
    ):  # fmt: skip
        digest, size = _copy(answer, stream, file.size, bar)
        if size != file.size or digest != file.sha256:  # within the writer: what is wrong is not kept
            raise _WrongError(f"{size:,} bytes came, SHA-256 {digest}; expected {file.size:,}, {file.sha256}")


def _copy(answer: IO[bytes], stream: IO[bytes], most: int, bar: tqdm[None]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while size <= most and (piece := answer.read(_PIECE)):
        stream.write(piece)
        digest.update(piece)
        size += len(piece)
        bar.update(len(piece))
    return digest.hexdigest(), size


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
