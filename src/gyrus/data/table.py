"""Reading a CSV table, with line numbers kept for the error messages."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from gyrus.errors import ManifestError

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table: its line in the file and its cells by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file in memory: its columns in order and its records."""

    path: Path
    columns: tuple[str, ...]
    records: tuple[Record, ...]


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8, separated by commas, semicolons or tabs, with a header line.

    Raises
    ------
    ManifestError
        When it cannot be read, has no rows, has a column twice or without a name, or has rows whose number
        of cells is not that of the header (all of them, by line).
    """
    text = _text_of(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter_of(text))
    lines: list[tuple[int, list[str]]] = []
    try:
        lines.extend((reader.line_num, cells) for cells in reader if cells)
    except csv.Error as error:
        raise ManifestError(f"line {reader.line_num}: {error}", path=path, fix="mend the quoting") from error
    columns = tuple(cell.strip() for cell in lines[0][1]) if lines else ()
    _check_columns(columns, path)
    if len(lines) == 1:
        raise ManifestError("has a header but no rows", path=path)
    problems = [
        f"line {line}: has {len(cells)} cells, the header has {len(columns)}"
        for line, cells in lines[1:]
        if len(cells) != len(columns)
    ]
    if problems:
        raise bad_rows(problems, path)
    records = (Record(line, dict(zip(columns, cells, strict=True))) for line, cells in lines[1:])
    return Table(path, columns, tuple(records))


def bad_rows(problems: list[str], path: Path) -> ManifestError:
    """Return the error that lists all bad rows of a table at once."""
    count = "1 bad row" if len(problems) == 1 else f"{len(problems)} bad rows"
    return ManifestError(count, path=path, details=problems, fix="mend the lines named")


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror or error}", path=path) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError("is not UTF-8 text", path=path, fix="save it as CSV in UTF-8") from error
    if "\0" in text:
        raise ManifestError("holds zero bytes; it is no text", path=path, fix="save it as CSV in UTF-8")
    if not text.strip():
        raise ManifestError("is empty", path=path, fix="a table needs a header line and rows")
    return text


def _delimiter_of(text: str) -> str:
    """Return the delimiter that the header holds most of; a comma where it holds none (one column)."""
    header = text.lstrip().splitlines()[0]
    return max(_DELIMITERS, key=header.count)


def _check_columns(columns: tuple[str, ...], path: Path) -> None:
    if "" in columns:
        raise ManifestError(f"column {columns.index('') + 1} has no name", path=path, fix="name or drop it")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ManifestError(f"has columns twice: {', '.join(twice)}", path=path, fix="rename or drop one")
