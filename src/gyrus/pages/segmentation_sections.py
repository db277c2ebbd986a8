"""The sections of a segmentation's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.segmentation import EMPTY_RULES
from gyrus.evaluation.segmentation_text import extent, number
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, join, table, tag
from gyrus.pages.mask_pictures import MaskPicture, case_figure, legend
from gyrus.pages.measured import OUT_OF_FOLD, SPLIT_NAMES
from gyrus.pages.numbers import UNDEFINED, figure_cell, interval, is_defined, percent, plural
from gyrus.pages.postprocess_words import drawing_words
from gyrus.pages.sections_first import leak_stamp
from gyrus.pages.segmentation_plots import dice_by_area, dice_histogram, found_by_size
from gyrus.pages.svg import to_svg

_OPTIMISTIC = ("train", "val", "cal")
_ROWS = (("best", "Best"), ("median", "In the middle"), ("worst", "Worst"))
_SHARES = (("dice", "Dice"), ("iou", "IoU"), ("precision", "precision"), ("recall", "recall"),
           ("surface_dice", "surface Dice"))  # fmt: skip


def headline(context: ReportContext, result: Mapping[str, Any], split: str) -> Html:
    """Mean Dice with its interval, the figures beside it, and how far to believe them."""
    noun = SPLIT_NAMES.get(split, split)
    on = f"{noun} images" if noun else "images"
    dice, several = result["mean"]["dice"], len(result["classes"]) > 1
    level = f"{percent(result['confidence'], 0)} interval over {result['clustered_by']}"
    within = interval(dice)
    what = f"mean over {len(result['classes'])} classes" if several else f"of {result['classes'][0]}"
    big = tag(
        "div",
        tag("p", percent(dice["value"]), class_="big"),
        tag("p", f"mean Dice, {what}", class_="small soft"),
    )
    whose = "" if result["n_subjects"] is None else f" of {plural(result['n_subjects'], 'patient')}"
    counted = " ".join(
        f"{block['images']['present']:,} show {name}; on {block['images']['missed']:,} of these nothing was "
        "drawn."
        for name, block in result["per_class"].items()
    )
    said = tag(
        "div",
        tag("p", f"{level}: {within} %." if within else "No interval could be computed."),
        tag("p", f"{result['n_images']:,} {on}{whose}. {counted}"),
    )
    return tag(
        "section",
        tag("h2", f"How well it draws on {on}", leak_stamp(context)),
        tag("div", big, said, class_="headline"),
        _caution(split, noun),
        _seen_before(result),
        _drawn_how(context),
        tag("div", [_tile(*one) for one in _tiles(result)], class_="tiles"),
        tag("ul", [tag("li", note) for note in _notes(result)], class_="small soft rules")
        if _notes(result) else None,
        id="headline",
    )  # fmt: skip


def _seen_before(result: Mapping[str, Any]) -> Html | None:
    """Say it beside the figure that images which the model was made with are in it."""
    block = result.get("seen_before") or {}
    return tag("p", tag("strong", block["sentence"])) if block.get("n") else None


def _notes(result: Mapping[str, Any]) -> list[str]:
    block = result.get("seen_before") or {}
    return [note for note in result["notes"] if not (block.get("n") and note == block["sentence"])]


def cases(result: Mapping[str, Any], pictures: Mapping[str, MaskPicture]) -> Html | None:
    """The best, the median and the worst images with their outlines; None where no image shows a class."""
    chosen = {kind: result["shown"][kind] for kind, _ in _ROWS if result["shown"][kind]}
    if not chosen:
        return None
    titles = {kind: title for kind, title in _ROWS if kind in chosen}
    rows = []
    for kind, title in titles.items():
        figures = [
            case_figure(one, pictures.get(one["image_id"]), result["classes"], f"{kind}-{place}")
            for place, one in enumerate(chosen[kind])
        ]
        rows.append(
            [tag("h3", title) if len(titles) > 1 else None, tag("div", figures, class_="gallery masks")]
        )
    *first, last = [title.removeprefix("In the ").lower() for title in titles.values()]
    return tag(
        "section",
        tag("h2", f"{', '.join(first)} and {last}".capitalize() if first else "Images"),
        tag("p", _which(result, list(chosen)), " On the left the image with a frame, on the right what the "
            "frame holds.", class_="small soft"),
        legend(), rows, id="cases",
    )  # fmt: skip


def _which(result: Mapping[str, Any], kinds: list[str]) -> str:
    """Say how the images that are shown were chosen; see :mod:`gyrus.evaluation.segmentation_shown`."""
    count = sum(any(one) for one in result["cases"]["true_px"])
    if kinds == ["worst"]:
        all_of = "the only image" if count == 1 else f"all {count:,} images"
        return f"The Dice is 0 on {all_of} with something to be found, so there is no best one."
    if kinds == ["median"]:
        if count == 1:
            return "The only image with something to be found."
        return f"All {count:,} images with something to be found have the same Dice; some of them."
    return (
        "By Dice, at most one image of a patient in each row: the worst are of the lower third, the best of "
        "the upper third, and never of Dice 0."
    )


def sizes(result: Mapping[str, Any]) -> Html | None:
    """Dice over size, objects found by size, and the spread of Dice."""
    if not any(block["images"]["present"] for block in result["per_class"].values()):
        return None
    level, share = percent(result["confidence"], 0), percent(result["found_share"], 0)
    pictures = [
        (dice_histogram(result), "dice-spread", "How many images have which Dice."),
        (dice_by_area(result), "dice-area", "Dice of each image over the true area in it. Large dots: means "
         f"of quarters of the images, with {level} intervals."),
        (found_by_size(result), "found-size", f"Share of objects found, from {share} of their pixels on, by "
         f"quarters of their size, with {level} intervals."),
    ]  # fmt: skip
    several = len(result["classes"]) > 1
    rows = [
        [*([name] if several else []), extent(row, result["unit"]), f"{row['objects']:,}",
         figure_cell(row["found"]), figure_cell(row["covered"])]
        for name, block in result["per_class"].items()
        for row in block["by_object_size"]
    ]  # fmt: skip
    head = [*(["class"] if several else []), "size", "objects", "found", "of their pixels"]
    return tag(
        "section",
        tag("h2", "Small and large ones"),
        tag("div", [
            tag("figure", to_svg(figure, name=name, description=words), tag("figcaption", words))
            for figure, name, words in pictures
        ], class_="plots"),
        table(head, rows, class_="numbers"),
        id="sizes",
    )  # fmt: skip


def classes(result: Mapping[str, Any]) -> Html:
    """All figures of each class: means over images, and of all pixels together."""
    unit = result["unit"]
    rows: list[list[object]] = []
    for name, block in result["per_class"].items():
        rows.append(
            [name, *(figure_cell(block[key]) for key, _ in _SHARES), measure_cell(block["hd95"]),
             measure_cell(block["average_distance"]), _number_cell(block["hd95_median"])]
        )  # fmt: skip
    pixels = [
        [name, *(figure_cell(block["pixels"][key]) for key in ("dice", "iou", "precision", "recall"))]
        for name, block in result["per_class"].items()
    ]
    head = ["", *(title for _, title in _SHARES), f"HD95, {unit}", f"mean distance, {unit}",
            f"median HD95, {unit}"]  # fmt: skip
    return tag(
        "section",
        tag("h2", "Every figure"),
        table(head, rows, class_="numbers",
              caption="Means over the images that show the class. HD95: the border's farthest twentieth left "
              f"out; surface Dice: share of the border within {result['tolerance']:g} {unit}. Means of "
              "distances leave out images without anything drawn; the median takes theirs for infinite."),
        table(["", "Dice", "IoU", "precision", "recall"], pixels, class_="numbers",
              caption="All pixels of all images together: large ones weigh more."),
        tag("ul", [tag("li", rule) for rule in EMPTY_RULES], class_="small soft rules"),
        id="classes",
    )  # fmt: skip


def empty_images(result: Mapping[str, Any]) -> Html | None:
    """What is drawn on images where there is nothing; None where every image shows every class."""
    rows = [
        [name, f"{block['images']['empty']:,}", f"{block['empty']['n_false']:,}",
         figure_cell(block["empty"]["false_alarms"]), measure_cell(block["empty"]["false_area"])]
        for name, block in result["per_class"].items() if block["images"]["empty"]
    ]  # fmt: skip
    if not rows:
        return None
    area = "pixels" if result["unit"] == "px" else "mm²"
    head = ["", "images without it", "drawn on all the same", "share", f"area drawn there, {area}"]
    return tag(
        "section",
        tag("h2", "Where there is nothing"),
        table(head, rows, class_="numbers"),
        id="empty",
    )


def patients(result: Mapping[str, Any]) -> Html | None:
    """Figures of patients, their slices together, and those on whom it does worst."""
    blocks = {name: block["patients"] for name, block in result["per_class"].items() if block["patients"]}
    if not blocks:
        return None
    rows = [
        [name, f"{block['n']:,}", figure_cell(block["dice"]), figure_cell(block["recall"]),
         *_volume_cells(block["volume"])]
        for name, block in blocks.items()
    ]  # fmt: skip
    worst = [
        [one["subject_id"], *([name] if len(blocks) > 1 else []),
         tag("td", percent(one["dice"]), class_="number"), f"{one['images']:,}", f"{one['true_px']:,}",
         f"{one['predicted_px']:,}"]
        for name, block in blocks.items()
        for one in block["worst"]
    ]  # fmt: skip
    told = any(block["volume"] for block in blocks.values())
    head = [
        "",
        "patients",
        "Dice",
        "recall",
        *(["volume off by, mm³", "bias, mm³", "off by"] if told else []),
    ]
    why = (
        "Volumes are of the slices that there are, each as thick as the distance to the next."
        if told
        else "No volume: the distance of the slices (spacing_mm) is not known."
    )
    return tag(
        "section",
        tag("h2", "Patients"),
        table(head, [row if told else row[:4] for row in rows], class_="numbers",
              caption=f"All slices of a patient taken together. {why}"),
        tag("details", tag("summary", "The worst patients"),
            table(["patient", *(["class"] if len(blocks) > 1 else []), "Dice", "images", "true pixels",
                   "drawn pixels"], worst, class_="numbers")),
        id="patients",
    )  # fmt: skip


def folds(result: Mapping[str, Any]) -> Html | None:
    """Each fold beside the pooled figures; None without folds."""
    block = result["folds"]
    if not block:
        return None
    rows = [
        [f"{one['fold']}{' (worst)' if one['fold'] == block['worst'] else ''}",
         figure_cell(one["dice"] or {}), f"{one['n_images']:,}", f"{one['n_clusters']:,}"]
        for one in block["each"]
    ]  # fmt: skip
    rows.append(["pooled", figure_cell(result["mean"]["dice"]), f"{result['n_images']:,}",
                 f"{result['n_clusters']:,}"])  # fmt: skip
    spread = f"; standard deviation of the folds {percent(block['sd'])}" if is_defined(block["sd"]) else ""
    return tag(
        "section",
        tag("h2", "Fold by fold"),
        table(["fold", "mean Dice", "images", result["clustered_by"]], rows, class_="numbers",
              caption="Each image was answered by the model that was trained without its fold."),
        tag("p", f"Quote the pooled figure: a fold is few patients, and swings{spread}.",
            class_="small soft"),
        id="folds",
    )  # fmt: skip


def measure_cell(figure: Mapping[str, Any]) -> Html:
    """Return a table cell of what is no share: the value and, smaller, its interval."""
    if not is_defined(figure["value"]):
        return tag("td", UNDEFINED, class_="number")
    if not is_defined(figure["low"]):
        return tag("td", number(figure["value"]), class_="number")
    within = f"{number(figure['low'])}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{number(figure['high'])}"
    return tag("td", join([number(figure["value"]), " ", tag("span", within, class_="interval")]),
               class_="number")  # fmt: skip


def _number_cell(value: Any) -> Html:
    return tag("td", number(value) if is_defined(value) else UNDEFINED, class_="number")


def _volume_cells(volume: Mapping[str, Any] | None) -> list[Html]:
    if volume is None:
        return [tag("td", UNDEFINED, class_="number")] * 3
    return [
        measure_cell(volume["size_mm3"]),
        measure_cell(volume["bias_mm3"]),
        figure_cell(volume["relative"]),
    ]


def _tiles(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    mean, unit = result["mean"], result["unit"]
    tiles = [
        (percent(mean["iou"]["value"]), "mean IoU", interval(mean["iou"])),
        (percent(mean["surface_dice"]["value"]), f"of borders within {result['tolerance']:g} {unit}",
         interval(mean["surface_dice"])),
    ]  # fmt: skip
    if len(result["classes"]) > 1:
        return tiles
    (block,) = result["per_class"].values()
    far, found = block["hd95"], block["objects"]["found"]
    if is_defined(far["value"]):
        within = f"{number(far['low'])} to {number(far['high'])}" if is_defined(far["low"]) else ""
        tiles.append((f"{number(far['value'])} {unit}", "farthest border (HD95), mean", within))
    tiles.append((percent(found["value"]), f"of {block['objects']['n']:,} objects found", interval(found)))
    return tiles


def _tile(value: str, words: str, within: str) -> Html:
    return tag(
        "div", tag("b", value), tag("span", words), tag("span", within, class_="interval"), class_="tile"
    )


def _drawn_how(context: ReportContext) -> Html | None:
    """Say how probabilities became masks, where the bundle that drew them is known."""
    card = context.bundle.get("card") or {}
    words = drawing_words(card.get("segmentation"))
    return tag("p", words, class_="small soft") if words else None


def _caution(split: str, noun: str) -> Html | None:
    if split == OUT_OF_FOLD:
        return tag(
            "p", tag("strong", "Each image was answered by a model that was trained without its fold. "),
            "If networks or options were chosen by these figures, they are optimistic.",
        )  # fmt: skip
    if split not in _OPTIMISTIC:
        return None
    return tag(
        "p", tag("strong", f"These are {noun} images: "),
        "training was stopped and post-processing chosen on them, so the figures are optimistic. The test "
        "set stays closed until it is asked for (--test).",
    )  # fmt: skip
