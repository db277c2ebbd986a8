"""JSON that has exactly one form, so that a byte comparison is a comparison of content."""

from __future__ import annotations

import json
from typing import Any

from gyrus.runs.atomic import to_json

_ENCODER = json.JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def dump(value: Any) -> bytes:
    """Return UTF-8 JSON with sorted keys, two spaces of indent and a final line end.

    Numbers are written as Python writes them (shortest form that reads back equal); NaN becomes null.
    """
    plain = json.loads(to_json(value, indent=None))  # paths, NumPy numbers and tuples become plain JSON
    return _ENCODER.encode(plain).encode("utf-8") + b"\n"


def load(data: bytes) -> Any:
    """Read what :func:`dump` wrote.

    Raises
    ------
    ValueError
        For anything that :func:`dump` would have written differently: duplicate keys, NaN, other spacing,
        bytes that are not UTF-8, nesting without end.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        canonical = _is_canonical(value, data)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not canonical:
        raise ValueError("is not in canonical form (sorted keys, two spaces, each key once)")
    return value


def _is_canonical(value: Any, data: bytes) -> bool:
    # piece by piece: deep nesting written in little space would fill gigabytes with its indentation
    position = 0
    for text in _ENCODER.iterencode(value):
        piece = text.encode("utf-8")
        if not data.startswith(piece, position):
            return False
        position += len(piece)
    return data[position:] == b"\n"


def _no_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is no number")
