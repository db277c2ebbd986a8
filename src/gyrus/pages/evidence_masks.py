"""The parts of an evidence page that tell of a mask."""

from __future__ import annotations

import numpy as np

from gyrus.inference.evidence import Evidence
from gyrus.inference.mask_regions import Region
from gyrus.inference.mask_spread import MaskSpread
from gyrus.inference.segmented import PictureClass
from gyrus.pages.colour import contour_colours
from gyrus.pages.contours import FILL, in_drawing_order
from gyrus.pages.evidence_words import gate_words, label_shown
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import percent, plural
from gyrus.pages.postprocess_words import MIRRORED

_SPACE = "\N{NO-BREAK SPACE}"


def mask_answer(evidence: Evidence) -> Html:
    """What is marked, class by class, in numbers; of a joint network also the picture's class."""
    told = evidence.answer.segmentation
    assert told is not None
    marked = [region for region in evidence.regions if region.area_px]
    said = " and ".join(label_shown(region.name) for region in marked)
    beneath = size_words(marked[0]) if len(marked) == 1 else ""
    head = [tag("p", said if said else "nothing is marked", class_="said")]
    head += [tag("p", beneath, class_="sure")] if beneath else []
    return tag(
        "section",
        tag("h2", "Answer"),
        tag("div", head, class_="drawn"),
        tag("p", rule_words(evidence), class_="small"),
        _numbers(evidence),
        None if told.picture is None else _picture_class(told.picture),
        None
        if evidence.mask_spread is None
        else tag("p", spread_words(evidence.mask_spread), class_="small soft"),
        tag("p", gate_words(evidence), class_="small soft"),
        id="answer",
    )


def mask_picture(evidence: Evidence, image: Html, address: str) -> Html:
    """The image, and beside it the same with the contours.

    Parameters
    ----------
    evidence : Evidence
    image : Html
        The image as the page shows it.
    address : str
        Of the same picture, for the drawing.
    """
    given = evidence.answer
    height, width = given.height_px, given.width_px
    colours = contour_colours(given.classes)
    drawn = [
        tag("image", href=address, width=width, height=height, preserveAspectRatio="none"),
        *(_path(region, colours[region.name]) for region in in_drawing_order(evidence.regions)),
    ]
    side = max(height, width)
    whole = tag(
        "svg", drawn, viewBox=f"{(width - side) / 2:g} {(height - side) / 2:g} {side} {side}", role="img",
        aria_label=f"The image with the contours of what is marked: {mask_words(evidence)}",
        class_="contours",
    )  # fmt: skip
    keys = [
        tag("span", tag("i", style=f"background:{colours[region.name]}"), label_shown(region.name))
        for region in evidence.regions
    ]
    legend = tag("p", "Right: the contours of what the model marks. ", keys, class_="contour-legend")
    return tag(
        "section",
        tag("h2", "Where it is" if any(region.area_px for region in evidence.regions) else "What was asked"),
        legend,
        tag("div", image, whole, class_="seen of-2"),
        id="pictures",
    )


def size_words(region: Region) -> str:
    """Return the size of what is marked, in mm where they are known."""
    if not region.area_px:
        return "nothing"
    if region.area_mm2 is not None and region.largest_diameter_mm is not None:
        area = f"{region.area_mm2:,.0f}{_SPACE}mm\N{SUPERSCRIPT TWO}"
        return f"{area}, {region.largest_diameter_mm:.0f}{_SPACE}mm across"
    return f"{region.area_px:,}{_SPACE}pixels, {region.largest_diameter_px:.0f} across"


def mask_words(evidence: Evidence) -> str:
    """Return what is marked and how large, in a line."""
    marked = [f"{label_shown(one.name)} {size_words(one)}" for one in evidence.regions if one.area_px]
    return "; ".join(marked) or "nothing is marked"


def rule_words(evidence: Evidence) -> str:
    """Say how the mask was made of probabilities."""
    told = evidence.answer.segmentation
    assert told is not None
    rule = told.rule
    steps = [f"Marked is what is probable from {percent(rule.threshold, 0)} on"]
    steps += ["holes are filled"] if rule.fill_holes else []
    steps += ["of each class only its largest part is kept"] if rule.largest else []
    if rule.min_size > 0 and not told.note:
        unit = "mm\N{SUPERSCRIPT TWO}" if rule.unit == "mm2" else "pixels"
        steps += [f"parts below {rule.min_size:g} {unit} are left out"]
    return ", ".join(steps) + "." + (f" {MIRRORED}" if told.mirrored else "")


def spread_words(spread: MaskSpread) -> str:
    """Say how far the mask moves when the image is moved."""
    copies = plural(spread.views, "copy", "copies")
    if spread.entropy is None:
        return f"Spread: on none of {copies} turned, shifted and scaled a little is anything marked."
    overlap = "" if spread.dice is None else f" masks overlap with this one by a Dice of {spread.dice:.2f};"
    areas = ", ".join(
        f"{label_shown(name)} {mean:,.0f} \N{PLUS-MINUS SIGN} {spread.area_sd_px[name]:,.0f}"
        for name, mean in spread.area_mean_px.items()
    )
    return (
        f"Spread: on {copies} of the image turned, shifted and scaled a little,{overlap} areas in pixels are "
        f"{areas}; the entropy is {percent(spread.entropy, 0)} of the largest possible where anything is "
        "marked. A small spread does not make the mask right."
    )


def _numbers(evidence: Evidence) -> Html:
    known = evidence.asked.spacing is not None
    unit = "mm\N{SUPERSCRIPT TWO}" if known else "pixels"
    heads = [
        "class",
        f"area, {unit}",
        f"largest diameter, {'mm' if known else 'pixels'}",
        "parts",
        "surest pixel",
    ]
    rows = []
    for region, sure in zip(evidence.regions, evidence.answer.probabilities.tolist(), strict=True):
        across = region.largest_diameter_mm if known else region.largest_diameter_px
        area = f"{region.area_mm2:,.1f}" if region.area_mm2 is not None else f"{region.area_px:,}"
        cells = [area, "" if across is None else f"{across:.1f}", str(region.parts), percent(sure)]
        rows.append([label_shown(region.name), *(tag("td", cell, class_="number") for cell in cells)])
    head = [heads[0], *(tag("th", words, scope="col", class_="number") for words in heads[1:])]
    lacks = None if known else tag(
        "p", "Neither the file nor a manifest tells how large a pixel is: nothing is told in mm.",
        class_="small soft",
    )  # fmt: skip
    return tag("div", table(head, rows, class_="regions"), lacks)


def _picture_class(picture: PictureClass) -> Html:
    order = np.argsort(-picture.probabilities, kind="stable")
    bars = []
    for number in order:
        name, value = picture.classes[number], float(picture.probabilities[number])
        bar = tag("span", tag("i", style=f"width:{100 * value:.2f}%"), class_="track")
        line = [tag("span", name, class_="of"), bar, tag("span", percent(value), class_="value")]
        bars.append(tag("div", line, class_="share top" if number == order[0] else "share"))
    return tag(
        "div",
        tag("h3", "Class of the whole picture"),
        tag("div", bars, class_="shares"),
        tag("p", "From the same network; not calibrated.", class_="small soft"),
    )


def _path(region: Region, colour: str) -> Html:
    lines = (" ".join(f"{x:g} {y:g}" for x, y in contour.points) for contour in region.contours)
    return tag(
        "path", tag("title", label_shown(region.name)), d="".join(f"M{line}Z" for line in lines),
        style=f"stroke:{colour};fill:{colour};fill-opacity:{FILL}", fill_rule="evenodd",
    )  # fmt: skip
