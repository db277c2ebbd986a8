"""``froc.html``: how many lesions a detector finds, at how many false alarms, and where it fails."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.evaluation.detections_text import rate, rule
from gyrus.imaging.source import Source
from gyrus.pages.document import document
from gyrus.pages.froc_pictures import legend, scan_picture
from gyrus.pages.froc_plots import detection_precision_plot, froc_plot
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import decimal, figure_cell, interval, is_defined, percent, plural
from gyrus.pages.svg import to_svg
from gyrus.runs.atomic import write_text

_ANCHORS = {
    "first": "In short",
    "curves": "Curves",
    "worst": "Worst scans",
    "thresholds": "By overlap",
    "points": "Operating points",
    "classes": "Classes",
    "cases": "Scans and patients",
    "coco": "COCO",
    "method": "Method",
}


def write_froc_page(
    result: Mapping[str, Any], sources: Mapping[str, Source], environment: Mapping[str, Any], path: Path
) -> None:
    """Write the page: self-contained, without script.

    Parameters
    ----------
    result : mapping
        See :mod:`gyrus.evaluation.detections`; with ``worst``, ``notes``, ``predictions``, ``truth``.
    sources : mapping of str to Source
        Where images lie, by id; boxes of others are drawn on an empty ground.
    environment : mapping
        See :func:`gyrus.runs.environment`.
    path : Path

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_froc(result, sources, environment))


def render_froc(
    result: Mapping[str, Any], sources: Mapping[str, Source], environment: Mapping[str, Any]
) -> str:
    """Return the page; see :func:`write_froc_page`."""
    header = tag(
        "header",
        tag("p", "gyrus froc", class_="brand"),
        tag("h1", "How many lesions are found, at how many false alarms"),
        tag(
            "p", Path(str(result["predictions"])).name, " against ", Path(str(result["truth"])).name,
            " \N{MIDDLE DOT} ", plural(result["lesions"], "lesion"), " in ",
            plural(result["images"], "image"), " of ", plural(result["patients"], "patient"),
            class_="purpose",
        ),
        class_="top",
    )  # fmt: skip
    sections = [
        _first(result), _curves(result), _worst(result, sources), _thresholds(result), _points(result),
        _classes(result), _cases(result), _coco(result), _method(result, environment),
    ]  # fmt: skip
    shown = [section for section in sections if section]
    return document("gyrus froc", header, shown, anchors=_ANCHORS, styles=("froc.css",))


def _middle(result: Mapping[str, Any]) -> Mapping[str, Any]:
    blocks = result["thresholds"]
    middle: Mapping[str, Any] = blocks[len(blocks) // 2]
    return middle


def _first(result: Mapping[str, Any]) -> Html:
    block = _middle(result)
    at = {one["rate"]: one["sensitivity"] for one in block["froc"]["at"]}
    words = rule(result, block["threshold"])
    tiles = [
        (percent(at[1.0]["value"]), at[1.0], "lesions found at 1 false alarm a scan"),
        (percent(at[2.0]["value"]), at[2.0], "lesions found at 2 false alarms a scan"),
        (percent(block["average_precision"]["value"]), block["average_precision"], "average precision"),
        (percent(block["found_at_all"]["value"]), block["found_at_all"], "lesions found at all"),
    ]
    score, notes = block["froc"]["score"], result["notes"]
    return tag(
        "section",
        tag("h2", "In short"),
        tag(
            "div",
            tag("div", tag("p", decimal(score["value"]), class_="big"),
                tag("p", "FROC score ", tag("span", interval(score, as_percent=False), class_="interval")),
                ),
            tag("p", "Mean share of lesions found at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false alarms a scan, where "
                f"a lesion counts as found when {_found_when(result, block['threshold'])} ({words})."),
            class_="headline",
        ),
        tag("div", [
            tag("div", tag("b", value), tag("span", name), tag("span", interval(figure), class_="interval"),
                class_="tile")
            for value, figure, name in tiles
        ], class_="tiles"),
        tag("ul", [tag("li", note) for note in notes], class_="small soft") if notes else None,
        id="first",
    )  # fmt: skip


def _found_when(result: Mapping[str, Any], threshold: float) -> str:
    return {
        "iou": f"a box overlaps it with an intersection over union of at least {threshold:g}",
        "centre": "the centre of a box lies in its own",
        "iobb": f"at least {percent(threshold, 0)} of a box lies in its own",
    }[result["criterion"]]


def _curves(result: Mapping[str, Any]) -> Html:
    if not result["lesions"]:
        return tag(
            "section", tag("h2", "Curves"), tag("p", "There is no lesion: nothing to find."), id="curves"
        )
    figures = [
        (froc_plot(result), "froc", "Lesions found over false alarms a scan. Bands: "
         f"{percent(result['confidence'], 0)} intervals over patients at each rate. Dots: the rates that "
         "the score averages. Beyond its last box a curve is drawn on flat."),
        (detection_precision_plot(result), "precision", "Precision over recall. A further box on a lesion "
         "is a false alarm here."),
    ]  # fmt: skip
    return tag(
        "section",
        tag("h2", "Curves"),
        tag("div", [
            tag("figure", to_svg(figure, name=name, description=words), tag("figcaption", words))
            for figure, name, words in figures
        ], class_="plots"),
        id="curves",
    )  # fmt: skip


def _thresholds(result: Mapping[str, Any]) -> Html:
    blocks = result["thresholds"]
    rows: list[list[object]] = [["FROC score", *(figure_cell(block["froc"]["score"]) for block in blocks)]]
    for place, at in enumerate(blocks[0]["froc"]["at"]):
        cells = (figure_cell(block["froc"]["at"][place]["sensitivity"]) for block in blocks)
        rows.append([f"found at {rate(at['rate'])} a scan", *cells])
    rows.append(["found at all", *(figure_cell(block["found_at_all"]) for block in blocks)])
    rows.append(["average precision", *(figure_cell(block["average_precision"]) for block in blocks)])
    head = ["", *(rule(result, block["threshold"]) for block in blocks)]
    return tag(
        "section",
        tag("h2", "By overlap"),
        tag("p", "How much of a lesion a box must hold to count is a choice: half, as for photographs, is no "
            "rule for lesions, whose borders readers draw differently.", class_="small soft"),
        table(head, rows, class_="numbers"),
        id="thresholds",
    )  # fmt: skip


def _points(result: Mapping[str, Any]) -> Html:
    block = _middle(result)
    columns = [
        (f"{level}s: {name}", level, name)
        for level in ("scan", "patient")
        for name in ("sensitivity", "specificity")
        if any(is_defined(point[level][name]["value"]) for point in block["operating_points"])
    ]
    rows = [
        [
            f"at most {rate(point['at_most'])} a scan",
            f"{point['score']:.4g}" if is_defined(point["score"]) else "none",
            f"{point['false_alarms']:.3f}",
            figure_cell(point["sensitivity"]),
            *(figure_cell(point[level][name]) for _, level, name in columns),
        ]
        for point in block["operating_points"]
    ]
    head = ["", "score from", "false alarms a scan", "lesions found", *(words for words, _, _ in columns)]
    return tag(
        "section",
        tag("h2", "Operating points"),
        tag("p", f"The lowest score from which on boxes may be shown, chosen on these very scans "
            f"({rule(result, block['threshold'])}): for use, choose it on other patients. A scan or patient "
            "is positive when any box is shown, wherever it lies.", class_="small soft"),
        table(head, rows, class_="numbers"),
        id="points",
    )  # fmt: skip


def _classes(result: Mapping[str, Any]) -> Html | None:
    block = _middle(result)
    if not block["by_class"]:
        return None
    rows = [
        [row["name"], f"{row['lesions']:,}", f"{row['predicted_boxes']:,}", figure_cell(row["score"]),
         figure_cell(row["sensitivity_at_1"]), figure_cell(row["sensitivity_at_2"]),
         figure_cell(row["average_precision"])]
        for row in block["by_class"]
    ]  # fmt: skip
    head = ["", "lesions", "boxes", "FROC score", "found at 1 a scan", "found at 2", "average precision"]
    return tag(
        "section",
        tag("h2", "Classes"),
        tag("p", f"Each class by itself ({rule(result, block['threshold'])}); false alarms are those of its "
            "own boxes.", class_="small soft"),
        table(head, rows, class_="numbers"),
        id="classes",
    )  # fmt: skip


def _cases(result: Mapping[str, Any]) -> Html:
    levels = result["levels"]
    rows = [
        [f"{level}s", f"{one['n']:,}", f"{one['positive']:,}", figure_cell(one["roc_auc"], as_percent=False)]
        for level, one in levels.items()
    ]
    told = any(is_defined(one["roc_auc"]["value"]) for one in levels.values())
    all_or_none = "All" if levels["scan"]["positive"] else "None"
    words = (
        "Can those with a lesion be told from those without by the score of their best box?"
        if told
        else f"{all_or_none} of the {plural(levels['scan']['n'], 'scan')} and "
        f"{plural(levels['patient']['n'], 'patient')} have a lesion: there is nothing to tell apart."
    )
    return tag(
        "section",
        tag("h2", "Scans and patients"),
        tag("p", words, class_="small soft"),
        table(["", "all", "with a lesion", "area under the ROC curve"], rows, class_="numbers")
        if told
        else None,
        id="cases",
    )


def _coco(result: Mapping[str, Any]) -> Html:
    coco = result["coco"]
    small, large = coco["size_edges_px"]
    each = [
        [f"AP, IoU {one['threshold']:.2f}", figure_cell(one["average_precision"])]
        for one in coco["by_threshold"]
    ]
    main = [["mAP, IoU 0.50 to 0.95", figure_cell(coco["mean_average_precision"])], each[0], each[5]]
    sizes = [
        [f"{one['size']}", f"{one['lesions']:,}", percent(one["recall"])] for one in coco["recall_by_size"]
    ]
    return tag(
        "section",
        tag("h2", "COCO's figures"),
        tag("p", f"Mean over classes; at most {coco['most_boxes']} boxes of a class in an image.",
            class_="small soft"),
        tag("div",
            tag("div", table(["", "average precision"], main, class_="numbers"),
                tag("details", tag("summary", "every overlap"), table(["", ""], each, class_="numbers"))),
            tag("div", table(
                ["size of lesion", "lesions", "recall, IoU 0.50 to 0.95"], sizes, class_="numbers"),
                tag("p", f"Small: up to {small:g} x {small:g} pixels; large: from {large:g} x {large:g} on.",
                    class_="small soft")),
            class_="plots"),
        id="coco",
    )  # fmt: skip


def _worst(result: Mapping[str, Any], sources: Mapping[str, Source]) -> Html:
    worst = result["worst"]
    if not worst["images"]:
        return tag(
            "section", tag("h2", "Worst scans"), tag("p", "No lesion missed, no false alarm."), id="worst"
        )
    figures = [
        tag(
            "figure",
            scan_picture(one, sources.get(one["image"])),
            tag("figcaption", _errors(one), tag("span", _name(one), class_="name")),
        )
        for one in worst["images"]
    ]
    score = f"{worst['score']:.4g}" if is_defined(worst["score"]) else "none"
    return tag(
        "section",
        tag("h2", "Worst scans"),
        tag("p", f"Most errors with at most one false alarm a scan on average (score from {score}, "
            f"{rule(result, worst['threshold'])}). Numbers beside boxes are scores.", class_="small soft"),
        legend(),
        tag("div", figures, class_="scans"),
        id="worst",
    )  # fmt: skip


def _errors(one: Mapping[str, Any]) -> str:
    said = []
    if one["missed"]:
        count = len(one["lesions"])
        said.append("lesion missed" if count == 1 else f"{one['missed']} of {count} lesions missed")
    if one["false_alarms"]:
        said.append(plural(one["false_alarms"], "false alarm"))
    return ", ".join(said)


def _name(one: Mapping[str, Any]) -> str:
    subject = one.get("subject_id")
    return f"{one['name']}, patient {subject}" if subject else str(one["name"])


def _method(result: Mapping[str, Any], environment: Mapping[str, Any]) -> Html:
    duplicates = "is left out of FROC curves" if result["duplicates"] == "ignore" else "is a false alarm"
    facts = [
        ("intervals", f"{percent(result['confidence'], 0)}, {result['method']}"),
        ("bootstrap", plural(result["bootstrap_samples"], "sample")),
        ("matching", "by falling score each box takes the free lesion of its image and class that it "
         "overlaps most; each lesion once"),
        ("further boxes", f"a further box on a found lesion {duplicates}; for average precision it is a "
         "false alarm"),
        ("equal scores", "count together on FROC curves; for average precision they are taken in the order "
         "given, as by COCO's evaluation"),
        ("score", "mean sensitivity at 1/8 to 8 false alarms a scan, straight between points (LUNA16)"),
        ("files", f"{result['predictions']} against {result['truth']}"),
    ]  # fmt: skip
    command = environment.get("command") or []
    return tag(
        "section",
        tag("h2", "Method"),
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts]),
        tag("pre", tag("code", shlex.join(map(str, command)))) if command else None,
        id="method",
    )
