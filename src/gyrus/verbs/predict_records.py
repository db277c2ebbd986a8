"""The evidence of many images on the disk rather than in memory, until it is printed."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, overload

from gyrus.runs.atomic import to_json

_IN_MEMORY = 4_000_000
"""Bytes that are kept in memory before a file is begun."""


class Records(Sequence[dict[str, Any]]):
    """JSON objects in the order in which they were added; read back one at a time.

    They lie in a temporary file that has no name and ends with this object.
    """

    def __init__(self) -> None:
        # no "with": the file lives as long as this object
        self._stream = tempfile.SpooledTemporaryFile(_IN_MEMORY, mode="w+b")  # noqa: SIM115
        self._starts: list[int] = []
        self._end = 0
        weakref.finalize(self, self._stream.close)

    def append(self, record: dict[str, Any]) -> None:
        """Add an object."""
        line = to_json(record, indent=None).encode("utf-8")
        self._stream.seek(self._end)
        self._stream.write(line)
        self._starts.append(self._end)
        self._end += len(line)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """Return an object, or a list of them."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        end = self._starts[number + 1] if number + 1 < len(self) else self._end
        self._stream.seek(self._starts[number])
        record: dict[str, Any] = json.loads(self._stream.read(end - self._starts[number]))
        return record

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(len(self)))
