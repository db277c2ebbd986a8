"""How things are called on the pages, and how values are written."""

from __future__ import annotations

from datetime import UTC, datetime

from gyrus.pages.evidence_words import label_shown
from gyrus.pages.markup import Html, printable
from gyrus.pages.numbers import decimal, percent, plural

OUTCOME_WORDS = {
    "answered": "Answered",
    "referred": "For a person",
    "refused": "Refused",
    "failed": "Failed",
}
VERDICT_WORDS = {
    "agree": "Agreed",
    "other": "Another class",
    "redraw": "To be drawn anew",
    "unusable": "Unusable",
}
_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def when(moment: datetime) -> str:
    """Return a time for people, ``20 Nov 2026, 16:48 UTC``."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def iso(moment: datetime) -> str:
    """Return a time for machines."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def size(count: int) -> str:
    """Return a number of bytes, ``64 MiB``."""
    for unit, of in _UNITS:
        if count >= of:
            return f"{count / of:.3g}\N{NO-BREAK SPACE}{unit}"
    return f"{count}\N{NO-BREAK SPACE}bytes"


def shown(value: object) -> object:
    """Return what a template writes: text without characters that pose as others; the rest as it is."""
    if isinstance(value, str) and not isinstance(value, Html) and not hasattr(value, "__html__"):
        return printable(value)
    return value


FILTERS = {
    "percent": percent,
    "decimal": decimal,
    "plural": plural,
    "label": label_shown,
    "when": when,
    "iso": iso,
    "bytes": size,
}
"""Filters of the templates by name."""
