"""A bundle without anything of single training images; the reference page says what stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.file import Bundle, encode_bundle
from gyrus.bundles.members import NEIGHBOURS
from gyrus.errors import BundleError


def private_changes(card: Mapping[str, Any]) -> tuple[dict[str, None], dict[str, Any]]:
    """Return the members and the fields of the card that make a bundle private.

    Give them to :func:`gyrus.bundles.rewrite_bundle`.

    Raises
    ------
    BundleError
        When its gate compares with the embeddings of training images: without them it is no gate.
    """
    step = (card["gate"] or {}).get("distribution") or {}
    if step.get("method") == "knn":
        raise BundleError(
            "has a gate that keeps embeddings of training images (method knn)",
            fix="train or calibrate with --gate-method mahalanobis",
        )
    return {NEIGHBOURS: None}, {"private": True, "neighbours": None}


def private_copy(bundle: Bundle) -> bytes:
    """Return a private bundle made from another one, whose digest is added to its lineage if it is a file's.

    Raises
    ------
    BundleError
        As :func:`private_changes`.
    """
    members, fields = private_changes(bundle.card)
    content = {name: data for name, data in bundle.content.items() if name not in members}
    ancestors = [] if bundle.path is None or bundle.card["private"] else [bundle.digest]
    lineage = [*bundle.card["lineage"], *ancestors]
    return encode_bundle(content, {**bundle.card, **fields, "lineage": lineage})
