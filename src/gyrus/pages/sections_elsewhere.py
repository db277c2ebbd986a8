"""Images from elsewhere: what their classes are called, who is known already, how far they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, is_defined, plural
from gyrus.pages.plots import drift_plot
from gyrus.pages.svg import to_svg

LISTED = 100


def class_map(measured: Measured) -> Html | None:
    """What the classes of the data are called here; None where every name is the model's own."""
    if all(one["theirs"] == one["ours"] for one in measured.label_map):
        return None
    rows = [
        [one["theirs"], one["ours"] or tag("td", "left out", class_="soft"),
         tag("td", f"{one['images']:,}", class_="number")]
        for one in measured.label_map
    ]  # fmt: skip
    return table(
        ["class of the data", "counted as", tag("th", "images", class_="number", scope="col")],
        rows,
        caption="The classes of the data in the words of the model (label map).",
        class_="narrow",
    )


def seen_before(context: ReportContext, measured: Measured) -> Html | None:
    """Which images the model knows, and through what; None where that is not known or there are none."""
    twins = measured.twin_free.get("twins") or ()
    shared = measured.patients_in_both
    if context.kind == "run" or (not twins and not shared):
        return None
    return tag(
        "section",
        tag("h2", "What the model has seen before"),
        [tag("p", shared["sentence"]), _patients(shared["patients"])] if shared else None,
        _twins(twins) if twins else None,
        id="seen",
    )


def _patients(patients: Sequence[Mapping[str, Any]]) -> Html | None:
    if not patients:
        return None
    rows = [
        [one["subject_id"], *(tag("td", f"{one[name]:,}", class_="number") for name in _SIDES)]
        for one in patients[:LISTED]
    ]
    return tag(
        "details",
        tag("summary", f"{plural(len(patients), 'patient')} in both"),
        table(["patient", "images here", "images in training"], rows, class_="numbers"),
        _more(len(patients), "evaluation.json"),
    )


_SIDES = ("images", "training_images")


def _twins(twins: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [twin["image_id"], twin["reason"], twin["other_id"].removeprefix("training:"), twin["other_split"]]
        for twin in twins[:LISTED]
    ]
    return tag(
        "details",
        tag("summary", plural(len(twins), "image") + " with a twin or their patient in training"),
        table(["image", "seen as", "counterpart", "which lies in"], rows),
        _more(len(twins), "evaluation.json"),
    )


def _more(count: int, where: str) -> Html | None:
    rest = count - LISTED
    return tag("p", f"… and {rest:,} more ({where}).", class_="small soft") if rest > 0 else None


def drift(context: ReportContext, measured: Measured) -> Html | None:
    """How far the images lie from what the model knows; None where drift was not asked about."""
    block = measured.drift
    if not block:
        return None
    if not block.get("known"):
        return tag(
            "section", tag("h2", "Are these images new to it?"), tag("p", block["sentence"]), id="drift"
        )
    rows = [
        ["farther than 95 % of its own source", figure_cell(block["far"]), "5 % without drift"],
        [
            "area: these against its own source",
            figure_cell(block["auc"], as_percent=False),
            "0.5 without drift",
        ],
    ]
    return tag(
        "section",
        tag("h2", "Are these images new to it?"),
        tag("p", block["sentence"]),
        tag(
            "div",
            _curves(block),
            tag(
                "div",
                table(["", "", ""], rows),
                tag(
                    "p",
                    "Measured where the network sees: in its embedding, as the mean distance to the five "
                    f"nearest of {block.get('reference') or block['n_reference']}, other patients than the "
                    "image's own. A drift does not say that the answers are wrong; it says that the figures "
                    "from training need not hold here.",
                    class_="small soft",
                ),
            ),
            class_="plots",
        ),
        _farthest(context, block["farthest"]),
        id="drift",
    )


def _curves(block: Mapping[str, Any]) -> Html | None:
    curves = block.get("curves")
    if not curves or not all(is_defined(value) for value in [*curves["reference"], *curves["external"]]):
        return None
    words = "Share of images within each distance: the model's own source, and these images"
    return tag("figure", to_svg(drift_plot(curves), name="drift", description=words))


def _farthest(context: ReportContext, farthest: Sequence[Mapping[str, Any]]) -> Html | None:
    """The images that lie farthest away, beyond what the own source shows."""
    beyond = [one for one in farthest if is_defined(one["distance"]) and one["distance"] > 1]
    if not beyond:
        return None
    return tag(
        "div",
        tag("h3", "Farthest away"),
        tag("p", "1 is where the last 5 % of its own source begin.", class_="small soft"),
        tag("div", [_strange(context, one) for one in beyond], class_="strangers"),
    )


def _strange(context: ReportContext, one: Mapping[str, Any]) -> Html:
    picture = context.farthest.get(one["image_id"])
    return tag(
        "figure",
        tag("img", src=picture, alt="") if picture else None,
        tag(
            "figcaption",
            tag("b", decimal(one["distance"], 1)),
            " ",
            tag("span", one["image_id"], class_="name"),
        ),
    )
