"""The error that lists all bad boxes of a file at once."""

from __future__ import annotations

from pathlib import Path

from gyrus.errors import DataError


def bad_items(problems: list[str], path: Path, fix: str) -> DataError:
    """Return the error; a terminal shows the first and the last of the problems."""
    count = "1 bad item" if len(problems) == 1 else f"{len(problems)} bad items"
    return DataError(count, path=path, details=problems, fix=fix)
