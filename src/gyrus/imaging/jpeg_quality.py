"""The quality that a JPEG file was stored with, told by its quantisation table."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

# Luminance table of ITU-T T.81, annex K.1, row by row.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_START_OF_SCAN = 0xDA
_TABLES = 0xDB
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def jpeg_quality(data: bytes) -> int:
    """Return the quality (1 to 100) of the libjpeg scale whose luminance table is nearest to the file's.

    Other encoders have tables of their own; the nearest is still a number that files of one source share.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    int
        0 when it is no JPEG or its table is not found.
    """
    table = _first_table(data)
    if table is None:
        return 0
    return _nearest_quality(table.tobytes())


@functools.lru_cache(maxsize=256)
def _nearest_quality(table: bytes) -> int:
    distance = np.abs(_tables_by_quality() - np.frombuffer(table)).sum(axis=1)
    return int(distance.argmin()) + 1


def _first_table(data: bytes) -> npt.NDArray[np.float64] | None:
    """Return quantisation table 0 in the file's order (zigzag), or None."""
    if not data.startswith(b"\xff\xd8"):
        return None
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:  # a fill byte, or a marker that stands alone
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            return None
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        table = _table_zero(data[position + 4 : position + 2 + length]) if marker == _TABLES else None
        if table is not None:
            return table
        position += 2 + length
    return None


def _table_zero(segment: bytes) -> npt.NDArray[np.float64] | None:
    """Return table 0 of a DQT segment, which may hold several tables of 8 or 16 bits a number."""
    while segment:
        kind, size = (">u2", 128) if segment[0] >> 4 else ("u1", 64)
        if len(segment) < 1 + size:
            return None
        if segment[0] & 0x0F == 0:
            return np.frombuffer(segment, kind, count=64, offset=1).astype(np.float64)
        segment = segment[1 + size :]
    return None


@functools.cache
def _tables_by_quality() -> npt.NDArray[np.float64]:
    """(100, 64) luminance tables of libjpeg for the qualities 1 to 100, in zigzag order."""
    base = np.array(_LUMINANCE, dtype=np.int64)[_zigzag()]
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)[:, np.newaxis]
    return np.clip((base * scale + 50) // 100, 1, 255).astype(np.float64)


def _zigzag() -> list[int]:
    """Return the place of each coefficient in the file's order: diagonal by diagonal, turning about."""
    places = [(row, column) for row in range(8) for column in range(8)]
    places.sort(key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]))
    return [8 * row + column for row, column in places]
