"""Which members a bundle may have, how large they may be, and whether they are what the listing says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gyrus.bundles import canonical_json
from gyrus.bundles.card_rules import FORMAT_VERSION
from gyrus.bundles.former import FORMER_VERSIONS
from gyrus.errors import BundleError

MEBIBYTE = 1024 * 1024

CARD = "card.json"
MEMBERS = "members.json"
PREPROCESS = "preprocess.onnx"
NETWORK = "network.onnx"
GATE = "gate.npz"
NEIGHBOURS = "neighbours.npz"
REQUIRED = (CARD, MEMBERS, NETWORK, PREPROCESS)

DIGEST_SIZE = 64
COMMENTS = {
    version: f"gyrus-bundle/{version} sha256:".encode() for version in (*FORMER_VERSIONS, FORMAT_VERSION)
}
"""What stands before the digest, by format; all of one length."""
COMMENT = COMMENTS[FORMAT_VERSION]
COMMENT_SIZE = len(COMMENT) + DIGEST_SIZE

MAX_FILE_BYTES = 2048 * MEBIBYTE
MAX_MEMBERS = 64

_LIMITS = {
    CARD: 4 * MEBIBYTE,
    MEMBERS: 1 * MEBIBYTE,
    PREPROCESS: 16 * MEBIBYTE,
    NETWORK: 1536 * MEBIBYTE,
    GATE: 128 * MEBIBYTE,
    NEIGHBOURS: 512 * MEBIBYTE,
}
_SELFTEST = re.compile(r"selftest/[a-z0-9][a-z0-9_-]{0,47}\.(png|json)")
_SELFTEST_LIMIT = 4 * MEBIBYTE


def limit_of(name: str) -> int | None:
    """Return the largest size of a member in bytes, or None when a bundle has no such member.

    >>> limit_of("../card.json") is None
    True
    """
    if _SELFTEST.fullmatch(name):
        return _SELFTEST_LIMIT
    return _LIMITS.get(name)


def listing(members: Mapping[str, bytes], version: int = FORMAT_VERSION) -> dict[str, Any]:
    """Return what ``members.json`` says: size and SHA-256 of every other member."""
    return {
        "format_version": version,
        "members": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in members.items()
            if name != MEMBERS
        },
    }


def check_members(members: Mapping[str, bytes], version: int = FORMAT_VERSION) -> None:
    """Check names, sizes and hashes of all members, the listing included.

    Raises
    ------
    BundleError
        Naming the first member that is missing, unknown, too large or altered.
    """
    missing = [name for name in REQUIRED if name not in members]
    if missing:
        raise BundleError(f"has no member {', '.join(missing)}", fix="export the model again")
    if len(members) > MAX_MEMBERS:
        raise BundleError(f"has {len(members)} members; a bundle has at most {MAX_MEMBERS}")
    for name, data in members.items():
        limit = limit_of(name)
        if limit is None:
            raise BundleError(f"has a member {name[:80]!r}, which no bundle has")
        if len(data) > limit:
            raise BundleError(f"member {name} has {len(data)} bytes; at most {limit} are allowed")
    altered = altered_members(members, version)
    if altered:
        raise BundleError(
            f"member {', '.join(altered)} is not what members.json says",
            fix="copy or export the bundle again",
        )


def altered_members(members: Mapping[str, bytes], version: int = FORMAT_VERSION) -> list[str]:
    """Return the members whose content, or whose line in the listing, is not as it must be."""
    try:
        stated = canonical_json.load(members[MEMBERS])
    except ValueError:
        return [MEMBERS]
    expected = listing(members, version)
    if stated == expected:
        return []
    if not isinstance(stated, dict) or not isinstance(stated.get("members"), dict):
        return [MEMBERS]
    if stated.get("format_version") != version or set(stated["members"]) != set(expected["members"]):
        return [MEMBERS]
    names = [name for name, line in expected["members"].items() if stated["members"][name] != line]
    return names or [MEMBERS]
