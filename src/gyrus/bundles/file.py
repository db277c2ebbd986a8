"""Read and write bundles: one file, one form, one digest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.bundles import canonical_json, canonical_zip
from gyrus.bundles.canonical_zip import ArchiveDamage
from gyrus.bundles.card import FORMAT_VERSION, check_card, read_card
from gyrus.bundles.content import check_content
from gyrus.bundles.damage import what_is_wrong
from gyrus.bundles.members import (
    CARD,
    COMMENT,
    COMMENT_SIZE,
    COMMENTS,
    DIGEST_SIZE,
    MAX_FILE_BYTES,
    MAX_MEMBERS,
    MEMBERS,
    NETWORK,
    PREPROCESS,
    check_members,
    limit_of,
    listing,
)
from gyrus.errors import BundleError
from gyrus.runs.atomic import write_bytes

_ANY_VERSION = re.compile(rb"gyrus-bundle/(\d{1,6}) sha256:[0-9a-f]{64}\Z")
_BEGINS = b"PK\x03\x04"
_FETCH_AGAIN = "copy or export the bundle again"
_NAME_A_BUNDLE = "name a file made by gyrus (model.gyrus)"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was checked from the first byte to the last.

    Attributes
    ----------
    card : dict
        What it says about itself, in the form of today's format whatever the file's; see
        :func:`gyrus.bundles.make_card`. The file's own words are in ``members``.
    members : mapping of str to bytes
        All members by name, ``card.json`` and ``members.json`` included.
    digest : str
        SHA-256 over the file up to the digest, 64 hexadecimal digits.
    path : Path or None
        Where it was read from.
    format_version : int
        Format of the file.
    """

    card: dict[str, Any]
    members: Mapping[str, bytes]
    digest: str
    path: Path | None = None
    format_version: int = FORMAT_VERSION

    @property
    def model_digest(self) -> str:
        """SHA-256 over the two graphs: what stays the same when only the card is written anew."""
        return model_digest(self.members[PREPROCESS], self.members[NETWORK])

    @property
    def content(self) -> dict[str, bytes]:
        """The members that :func:`write_bundle` takes: all but ``card.json`` and ``members.json``."""
        return {name: data for name, data in self.members.items() if name not in (CARD, MEMBERS)}


def model_digest(preprocess: bytes, network: bytes) -> str:
    """Return the SHA-256 over the SHA-256 digests of the two graphs, as 64 hexadecimal digits."""
    return hashlib.sha256(hashlib.sha256(preprocess).digest() + hashlib.sha256(network).digest()).hexdigest()


def encode_bundle(members: Mapping[str, bytes], card: Mapping[str, Any]) -> bytes:
    """Return a bundle's bytes; the same members and card give the same bytes on every machine.

    Parameters
    ----------
    members : mapping of str to bytes
        ``preprocess.onnx``, ``network.onnx`` and whatever optional members there are.
    card : mapping
        See :func:`gyrus.bundles.make_card`.

    Raises
    ------
    BundleError
        For a card that fails its check, a member that no bundle has, is missing or too large, or a graph
        that reaches outside itself.
    """
    check_card(card)
    reserved = sorted({CARD, MEMBERS} & set(members))
    if reserved:
        raise BundleError(f"{', '.join(reserved)} is written by gyrus; leave it out of the members")
    everything = {**{name: bytes(data) for name, data in members.items()}, CARD: canonical_json.dump(card)}
    everything[MEMBERS] = canonical_json.dump(listing(everything))
    check_members(everything)
    check_content(everything, card)
    archive = canonical_zip.encode(everything, COMMENT_SIZE) + COMMENT
    return archive + hashlib.sha256(archive).hexdigest().encode()


def write_bundle(path: Path, members: Mapping[str, bytes], card: Mapping[str, Any]) -> str:
    """Write a bundle atomically and return its digest; see :func:`encode_bundle`.

    Raises
    ------
    BundleError
        When members or card are not fit for a bundle; nothing is written.
    StorageError
        When the disk is full or the folder read-only; a former file survives.
    """
    data = encode_bundle(members, card)
    write_bytes(path, data)
    return data[-DIGEST_SIZE:].decode()


def rewrite_card(path: Path, **changes: Any) -> str:
    """Replace top-level fields of a bundle's card (``metrics=…``), leave every other member as it is.

    Returns
    -------
    str
        The new digest. The digest of the graphs (:attr:`Bundle.model_digest`) does not change.
    """
    return rewrite_bundle(path, **changes)


def rewrite_bundle(
    path: Path, *, to: Path | None = None, members: Mapping[str, bytes | None] | None = None, **changes: Any
) -> str:
    """Write a bundle anew with other optional members and other top-level fields of its card.

    Parameters
    ----------
    path : Path
        The bundle.
    to : Path, optional
        Where to write. Without it the bundle is replaced and keeps its lineage; a bundle written elsewhere
        was made *from* this one, whose digest is added to its lineage.
    members : mapping of str to bytes or None, optional
        Members to set (``gate.npz``, ``neighbours.npz``, ``selftest/…``), or with None to leave out.
    **changes
        Fields of the card (``gate={…}``). What belongs together goes into one call: ``gate.npz`` with the
        field ``gate``, ``neighbours.npz`` with the field ``neighbours``.

    Returns
    -------
    str
        The new digest.

    Raises
    ------
    BundleError
        When the result would be no bundle, or its graphs would be others; nothing is written.
    StorageError
        When the disk is full or the folder read-only; a former file survives.
    """
    bundle = read_bundle(path)
    graphs = sorted({PREPROCESS, NETWORK} & set(members or {}))
    if graphs:
        raise BundleError(f"another {graphs[0]} is another model", fix="export it as a bundle of its own")
    content = {name: data for name, data in {**bundle.content, **(members or {})}.items() if data is not None}
    if to is not None and to.resolve() != path.resolve():
        changes = {"lineage": [*bundle.card["lineage"], bundle.digest], **changes}
    return write_bundle(path if to is None else to, content, {**bundle.card, **changes})


def read_bundle(path: Path) -> Bundle:
    """Read a bundle and check all of it before anything in it is used.

    Raises
    ------
    BundleError
        When the file is absent, too large, no bundle, written by a newer gyrus, truncated (where), altered
        (which member), hostile (members, sizes or graphs that no bundle has), or has an unfit card.
    """
    data = _read_file(path)
    try:
        return decode_bundle(data, path=path)
    except BundleError as error:
        if error.path is None:
            raise BundleError(error.message, path=path, fix=error.fix, details=error.details) from error
        raise


def decode_bundle(data: bytes, *, path: Path | None = None) -> Bundle:
    """Check and take apart the bytes of a bundle; see :func:`read_bundle`."""
    view = memoryview(data)  # slices of it are no copies
    body, stated = view[:-DIGEST_SIZE], data[-DIGEST_SIZE:]
    if hashlib.sha256(body).hexdigest().encode() != stated:
        raise BundleError(what_is_wrong(data), path=path, fix=_FETCH_AGAIN)
    version = _version_of(data, path)
    try:
        entries = canonical_zip.decode(body[: -len(COMMENT)], COMMENT_SIZE, limit_of, MAX_MEMBERS)
    except ArchiveDamage as error:
        raise BundleError(str(error), path=path, fix=_FETCH_AGAIN) from error
    altered = [entry.name for entry in entries if not entry.intact]
    if altered:
        raise BundleError(f"member {altered[0]} has a wrong checksum", path=path, fix=_FETCH_AGAIN)
    members = {entry.name: entry.data for entry in entries}
    check_members(members, version)
    card = _read_card(members, version)
    check_content(members, card)
    return Bundle(card=card, members=members, digest=stated.decode(), path=path, format_version=version)


def verify_bundle(path: Path) -> Bundle:
    """Check a bundle without running it and return it; the same checks as :func:`read_bundle`.

    Whether it still *answers* as it did is checked by :func:`gyrus.inference.self_test`, which needs the
    runtime.
    """
    return read_bundle(path)


def _read_file(path: Path) -> bytes:
    if path.is_dir():
        raise BundleError("is a folder; expected a bundle", path=path, fix=_NAME_A_BUNDLE)
    if not path.is_file():
        raise BundleError("is no file; expected a bundle", path=path, fix=_NAME_A_BUNDLE)
    try:
        with path.open("rb") as stream:
            # a large file of another kind is not taken into memory to find that out
            begins, size = stream.read(len(_BEGINS)), os.fstat(stream.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise BundleError(
                    f"has {size} bytes; a bundle has at most {MAX_FILE_BYTES}", path=path, fix=_NAME_A_BUNDLE
                )
            if begins != _BEGINS:
                return begins
            stream.seek(0)
            return stream.read(size)
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror}", path=path) from error


def _version_of(data: bytes, path: Path | None) -> int:
    """Return the format that the comment names; the digest is known to fit."""
    tail = data[-COMMENT_SIZE:]
    known = next((number for number, text in COMMENTS.items() if tail.startswith(text)), None)
    if known is not None:
        return known
    version = _ANY_VERSION.search(data[-COMMENT_SIZE - 8 :])
    if version is None:
        raise BundleError("is no bundle", path=path, fix=_NAME_A_BUNDLE)
    raise BundleError(
        f"has format {version[1].decode()}; this gyrus reads up to {FORMAT_VERSION}",
        path=path,
        fix="update gyrus: pip install -U gyrus",
    )


def _read_card(members: Mapping[str, bytes], version: int) -> dict[str, Any]:
    try:
        card = canonical_json.load(members[CARD])
    except ValueError as error:
        raise BundleError(f"member {CARD} cannot be read: {error}", fix=_FETCH_AGAIN) from error
    read = read_card(card)
    if card["format_version"] != version:
        raise BundleError(
            f"the card has format_version {card['format_version']}, the file {version}", fix=_FETCH_AGAIN
        )
    return read
