"""A badge for a README: the leak verdict of a data set in one line of SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.pages.markup import Html, tag
from gyrus.runs.atomic import write_text

LABEL = "leak audit"
# Dark enough that white letters on them reach a contrast of 4.5 to 1.
_COLOURS = {"clean": "#0a6b4f", "leaking": "#b02a00", "unknowable": "#8a5800"}
_LEFT = "#3b4550"
_HEIGHT, _PADDING = 20, 7
# Widths in pixels of Verdana at 11 px, rounded; textLength below makes other fonts fit the same room.
_NARROW, _WIDE, _USUAL = 4.0, 10.0, 6.7


def write_badge(audit: Mapping[str, Any], path: Path) -> None:
    """Write :func:`badge` to a file.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, badge(audit) + "\n")


def badge(audit: Mapping[str, Any]) -> str:
    """Return an SVG that says ``leak audit | clean``, ``leaking`` with its share, or ``unknowable``.

    Parameters
    ----------
    audit : mapping
        ``audit.json``.
    """
    verdict = str(audit.get("verdict"))
    words = message(audit)
    left, right = _width(LABEL), _width(words)
    total = left + right
    return tag(
        "svg",
        tag("title", f"{LABEL}: {words}"),
        tag("rect", width=left, height=_HEIGHT, fill=_LEFT),
        tag("rect", x=left, width=right, height=_HEIGHT, fill=_COLOURS.get(verdict, _COLOURS["unknowable"])),
        tag("g", _text(LABEL, 0, left), _text(words, left, right), fill="#fff", text_anchor="middle",
            font_family="Verdana,DejaVu Sans,sans-serif", font_size=11),
        xmlns="http://www.w3.org/2000/svg", width=total, height=_HEIGHT, viewBox=f"0 0 {total} {_HEIGHT}",
        role="img", aria_label=f"{LABEL}: {words}",
    )  # fmt: skip


def message(audit: Mapping[str, Any]) -> str:
    """Return the right half of the badge: the verdict, with what leaks most where something does."""
    verdict = str(audit.get("verdict"))
    if verdict == "clean":
        return "clean" if any(audit.get("splits") or {}) else "no split yet"
    if verdict != "leaking":
        return "unknowable"
    return max(_touched(audit), default=(0.0, "leaking"))[1]


def _touched(audit: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return by split the share of images that any leak reaches, and the words for it."""
    reached: dict[str, set[str]] = defaultdict(set)
    for finding in audit.get("findings") or ():
        if finding.get("severity") == "leak":
            for pair in finding.get("pairs") or ():
                reached[str(pair["split"])].add(str(pair["image_id"]))
    sizes = audit.get("sizes") or {
        split: sum(counts.values()) for split, counts in (audit.get("splits") or {}).items()
    }
    return [
        (len(ids) / sizes[split], f"leaking: {len(ids)} of {sizes[split]} {split} images")
        for split, ids in reached.items()
        if sizes.get(split)
    ]


def _text(words: str, left: float, width: float) -> Html:
    return tag("text", words, x=left + width / 2, y=14, textLength=width - 2 * _PADDING)


def _width(words: str) -> int:
    wide = sum(_NARROW if c in " .,:;|()ilIjtfr1" else _WIDE if c in "mwMW%" else _USUAL for c in words)
    return round(wide) + 2 * _PADDING
