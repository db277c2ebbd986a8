"""What the files of the cache that are mapped into memory have in common.

A header of 4096 bytes (JSON, padded) that says what the file was made from, then arrays. A file whose header
or length is another than expected is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError

HEADER_BYTES = 4096


def padded_header(described: Mapping[str, Any]) -> bytes:
    """Return a header, as long as every header is."""
    return json.dumps(described).encode().ljust(HEADER_BYTES)


def is_whole(path: Path, header: bytes, body_bytes: int) -> bool:
    """Tell whether a file is there, begins with this header, and has so many bytes behind it."""
    try:
        with path.open("rb") as stream:
            found = stream.read(HEADER_BYTES)
        length = path.stat().st_size
    except OSError:
        return False
    return found == header and length == HEADER_BYTES + body_bytes


def map_pixels(
    path: Path, shape: tuple[int, ...], kept: list[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.uint8]:
    """Return the uint8 array behind a file's header, read-only; mapped once, and kept in ``kept``."""
    if not kept:
        kept.append(np.memmap(path, dtype=np.uint8, mode="r", offset=HEADER_BYTES, shape=shape))
    return kept[0]


def rows_in(
    row_of: Mapping[str, int], image_ids: Sequence[str], absent: str, fix: str
) -> npt.NDArray[np.int64]:
    """Return the rows that belong to images.

    Parameters
    ----------
    row_of : mapping of str to int
        By ``image_id``.
    image_ids : sequence of str
    absent : str
        What to say of images that have none; ``{count}`` stands for how many they are.
    fix : str

    Raises
    ------
    DataError
        When images have none; names them.
    """
    missing = [image_id for image_id in image_ids if image_id not in row_of]
    if missing:
        raise DataError(absent.format(count=len(missing)), details=missing, fix=fix)
    return np.array([row_of[image_id] for image_id in image_ids], dtype=np.int64)
