"""Shortcuts on the audit's page: what tells the class without a look at the brain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.pages.audit_context import AuditContext
from gyrus.pages.audit_pairs import level, severity_badge
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import decimal, is_defined, percent

_CHANCE = 0.5
_TITLES = {
    "together": "All plain facts together",
    "corners": "The four corners",
    "size": "Image size",
    "aspect": "Aspect ratio",
    "jpeg_quality": "JPEG quality",
    "white_sides": "White border",
}
_INTRODUCTION = (
    "Each line sets one class against the rest, using nothing but the facts named. 0.5 is guessing, 1 a "
    "perfect answer; the band is the 95 % interval over groups, the tick the most that chance gave with "
    "labels exchanged. A network can learn these facts instead of the disease, and fails where they no "
    "longer hold."
)
_ADVICE = (
    "What helps: images of all classes from the same scanners, sizes and sources; one size and border for "
    "all before training; and for every result the question whether it is clearly better than these lines."
)


def shortcuts(context: AuditContext) -> Html | None:
    """One section for all shortcuts, the strongest first; None where none was found."""
    findings = context.of_kind("shortcut")
    if not findings:
        return None
    return tag(
        "section",
        tag("h2", "What tells the class without a look at the brain", severity_badge(level(findings[0]))),
        tag("p", _INTRODUCTION),
        [_one(finding) for finding in findings],
        tag("p", _ADVICE),
        id="shortcuts",
    )


def _one(finding: Mapping[str, Any]) -> Html:
    counts = finding.get("counts") or {}
    by_class = counts.get("by_class") or {}
    lines = [_line(str(name), figures) for name, figures in by_class.items() if isinstance(figures, Mapping)]
    ticks = [
        tag("em", f"{mark:g}", style=f"left:{_place(mark):g}%") for mark in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    ]
    axis = tag("div", tag("span"), tag("div", ticks, class_="auc-axis"), tag("span"), class_="auc-line")
    return tag(
        "div",
        tag("h3", _title(counts)),
        tag("p", str(finding.get("message", "")), class_="soft small"),
        tag("div", lines, axis, class_="aucs") if lines else None,
        _values(counts.get("table")),
        class_="shortcut",
    )


def _title(counts: Mapping[str, Any]) -> str:
    name = str(counts.get("fact", ""))
    plain = name.replace("_", " ")
    return _TITLES.get(name, plain[:1].upper() + plain[1:]) or "Shortcut"


def _line(name: str, figures: Mapping[str, Any]) -> Html:
    value, low, high, limit = (figures.get(key) for key in ("value", "low", "high", "limit"))
    marks = []
    if is_defined(low) and is_defined(high):
        left, right = _place(low), _place(high)
        marks.append(tag("i", class_="range", style=f"left:{left:.2f}%;width:{max(right - left, 0.5):.2f}%"))
    if is_defined(limit):
        marks.append(tag("i", class_="limit", style=f"left:{_place(limit):.2f}%"))
    if is_defined(value):
        marks.append(tag("i", class_="point", style=f"left:{_place(value):.2f}%"))
    within = f"interval {decimal(low)} to {decimal(high)}, by chance {decimal(limit)}"
    known = is_defined(value) and is_defined(low) and is_defined(limit)
    beyond = known and value > limit and low > _CHANCE  # type: ignore[operator]
    return tag(
        "div",
        tag("span", name, class_="bar-name"),
        tag("div", marks, class_="auc", role="img", aria_label=f"{name}: AUC {decimal(value)}, {within}"),
        tag("span", tag("b", decimal(value)) if beyond else decimal(value), class_="bar-total"),
        class_="auc-line",
    )


def _place(value: Any) -> float:
    """Return where an area stands on the axis from 0.5 to 1, in per cent; none stands left of chance."""
    return 100 * (min(1.0, max(_CHANCE, float(value))) - _CHANCE) / (1 - _CHANCE)


def _values(described: Any) -> Html | None:
    """Return which share of each class has which value of the fact, the larger the darker."""
    if not isinstance(described, Mapping) or not described.get("values"):
        return None
    shares: Mapping[str, Sequence[float]] = described["shares"]
    rows = [
        [value, *(_share(float(of_class[place])) for of_class in shares.values())]
        for place, value in enumerate(described["values"])
    ]
    return tag(
        "details",
        tag("summary", "Which value in which class"),
        table(["value", *shares], rows, class_="numbers", caption="Share of the images of each class."),
    )


def _share(share: float) -> Html:
    tint = f"background:rgba(var(--miss),{0.06 + 0.45 * share:.3f})" if share > 0 else None
    return tag("td", percent(share, 0), class_="number", style=tint)
