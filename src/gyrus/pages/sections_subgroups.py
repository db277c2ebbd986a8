"""Does it hold for every source, size, plane, scanner? A table for each way to divide the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, is_defined, percent, plural
from gyrus.pages.sections_first import leak_stamp


def subgroup_tables(context: ReportContext, measured: Measured) -> Html | None:
    """The accuracy of the parts of a split and how it differs from the rest; None when nothing was divided.

    Where no column divides external images, it is said why: silence would look like an oversight.
    """
    block = measured.subgroups
    if not block.get("dimensions"):
        return _undivided(block, measured) if block.get("left_out") and context.kind != "run" else None
    return tag(
        "section",
        tag("h2", f"Part by part, {measured.noun} images", leak_stamp(context)),
        tag(
            "p",
            "Of many groups one always looks bad. Each is held against all other images, and the p-values "
            f"are adjusted for {plural(block['tests'], 'comparison')} (Holm). Groups below "
            f"{plural(block['min_images'], 'image')} or {plural(block['min_patients'], 'patient')} "
            "are counted, not measured.",
        ),
        [_dimension(dimension, measured) for dimension in block["dimensions"]],
        tag("p", _left_out(block), class_="small soft") if block.get("left_out") else None,
        id="subgroups",
    )


def _undivided(block: Mapping[str, Any], measured: Measured) -> Html:
    return tag(
        "section",
        tag("h2", f"Part by part, {measured.noun} images"),
        tag("p", "Nothing divides these images into parts that could be compared."),
        tag("p", _left_out(block), class_="small soft"),
        id="subgroups",
    )


def _dimension(dimension: Mapping[str, Any], measured: Measured) -> Html:
    units = "patients" if measured.clustered_by == "patients" else "independent"
    heads = [
        "",
        "accuracy",
        "0 to 100 %",
        "balanced",
        "against the rest, points",
        "p (Holm)",
        "images",
        units,
    ]
    rows = [_group(group) for group in dimension["groups"]]
    name = str(dimension["name"]).replace("_", " ")
    return tag("div", tag("h3", f"By {name}"), table(heads, rows, class_="numbers"))


def _group(group: Mapping[str, Any]) -> list[object]:
    counts = [tag("td", f"{group[name]:,}", class_="number") for name in ("n_images", "n_clusters")]
    title = tag("th", str(group["value"]) or "(none)", scope="row")
    if group["accuracy"] is None:
        return [title, tag("td", "too few", class_="soft"), *(tag("td") for _ in range(4)), *counts]
    return [
        title, figure_cell(group["accuracy"]), tag("td", mini_scale(group["accuracy"])),
        tag("td", percent(group["balanced_accuracy"]["value"]), class_="number"),
        *_against(group["difference"]), *counts,
    ]  # fmt: skip


def mini_scale(figure: Mapping[str, Any]) -> Html | None:
    """A small bar from 0 to 100 % with value and interval; the numbers stand beside it."""
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    if value is None or not is_defined(value):
        return None
    parts = []
    if low is not None and high is not None and is_defined(low) and is_defined(high):
        parts.append(tag("i", class_="range", style=f"left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"))
    parts.append(tag("i", class_="point", style=f"left:{100 * value:.1f}%"))
    return tag("span", parts, class_="mini", aria_hidden="true")


def _against(difference: Mapping[str, Any] | None) -> list[Html]:
    """The difference to the other images with its interval, and its adjusted p-value."""
    if difference is None or not is_defined(difference.get("value")):
        return [tag("td"), tag("td")]
    low, high, p = difference.get("low"), difference.get("high"), difference.get("p_holm")
    within = None
    if low is not None and high is not None and is_defined(low) and is_defined(high):
        within = tag("span", f"{100 * low:+.1f} to {100 * high:+.1f}", class_="interval")
    clear = isinstance(p, (int, float)) and is_defined(p) and p < 0.05
    written = "< 0.001" if clear and isinstance(p, (int, float)) and p < 0.001 else decimal(p)
    return [
        tag("td", f"{100 * difference['value']:+.1f}", " ", within, class_="number"),
        tag("td", tag("strong", written) if clear else written, class_="number"),
    ]


def _left_out(block: Mapping[str, Any]) -> str:
    return (
        "Not divided by " + "; ".join(f"{item['name']}: {item['reason']}" for item in block["left_out"]) + "."
    )
