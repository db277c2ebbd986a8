"""Bundles as an attacker would forge them: one thing wrong, digest and listing fitting."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from gyrus.bundles import canonical_json, canonical_zip
from gyrus.bundles.members import COMMENT, COMMENT_SIZE, COMMENTS, MEMBERS, listing


def sealed(archive: bytes, comment: bytes = COMMENT) -> bytes:
    """Close an archive with a digest that fits."""
    body = archive + comment
    return body + hashlib.sha256(body).hexdigest().encode()


def forged(members: Mapping[str, bytes], version: int = 2) -> bytes:
    """A bundle of arbitrary members: listing, checksums and digest fit, nothing else was checked."""
    content = {name: data for name, data in members.items() if name != MEMBERS}
    content[MEMBERS] = canonical_json.dump(listing(content, version))
    return sealed(canonical_zip.encode(content, COMMENT_SIZE), COMMENTS[version])


def unlisted(members: Mapping[str, bytes]) -> bytes:
    """The same with the listing that the members bring, whether it fits or not."""
    return sealed(canonical_zip.encode(members, COMMENT_SIZE))


def with_card(members: Mapping[str, bytes], card: Mapping[str, Any], version: int = 2) -> bytes:
    """A bundle with an arbitrary card."""
    return forged({**members, "card.json": canonical_json.dump(card)}, version)


def former_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The same card as format 1 had it, without the fields that it might leave out."""
    old = {key: value for key, value in card.items() if key not in ("neighbours", "private")}
    inputs = {
        key: old["input"][key] for key in old["input"] if key not in ("resize", "brain_crop", "normalize")
    }
    outputs = {key: value for key, value in old["outputs"].items() if key != "activation"}
    return {**old, "format_version": 1, "input": inputs, "outputs": outputs}
