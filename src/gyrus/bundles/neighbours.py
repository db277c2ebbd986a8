"""What lies in ``neighbours.npz``: the training cases that a new image is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.arrays import ArrayFacts
from gyrus.errors import BundleError

THUMBNAIL_PX = 48
HASH_BYTES = 32
_TEXT = "<U"


def expected_arrays(card: Mapping[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each array by name, as the card's field ``neighbours`` announces them.

    ``<U`` stands for text of any fixed width.
    """
    field = card["neighbours"]
    n, others = field["count"], field["others"]
    several = card["task"] == "multilabel"
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        "embedding": ("<f2", (n, field["features"])),
        # index into the card's classes; of several classes an image, which of them it shows
        "label": ("|b1", (n, len(card["classes"]))) if several else ("<i4", (n,)),
        "image_id": (_TEXT, (n,)),
        "subject_id": (_TEXT, (n,)),  # empty: unknown
    }
    if field["hashes"]:
        wanted |= {"sha256": ("|u1", (n, HASH_BYTES)), "pixel_hash": ("|u1", (n, HASH_BYTES))}
    if field["hashes"] and others:  # training images that are no cases: only whether one is met again
        wanted |= {f"other_{name}": ("|u1", (others, HASH_BYTES)) for name in ("sha256", "pixel_hash")}
    if field["thumbnails"]:
        wanted["thumbnails"] = ("|u1", (n, THUMBNAIL_PX, THUMBNAIL_PX))
    return wanted


def check_neighbours(card: Mapping[str, Any], arrays: Mapping[str, ArrayFacts]) -> None:
    """Hold the arrays of ``neighbours.npz`` against the card.

    Raises
    ------
    BundleError
        With a line for every array that is missing, unknown, or of another type or shape.
    """
    wanted = expected_arrays(card)
    problems = [f"{name}: is not known" for name in sorted(set(arrays) - set(wanted))]
    for name, (dtype, shape) in wanted.items():
        got = arrays.get(name)
        if got is None:
            problems.append(f"{name}: is missing")
        elif not got.dtype.startswith(dtype) or got.shape != shape:
            problems.append(f"{name}: expected {dtype} {shape}, got {got.dtype} {got.shape}")
    if problems:
        raise BundleError(f"neighbours.npz has {len(problems)} wrong arrays", details=problems)
