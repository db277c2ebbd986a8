"""The first screen: what this is, whether the split holds, and the one figure that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, join, table, tag
from gyrus.pages.measured import OUT_OF_FOLD, SPLIT_NAMES, Measured
from gyrus.pages.numbers import figure_cell, interval, is_defined, percent, plural
from gyrus.pages.sections_elsewhere import class_map

VERDICTS = {
    "clean": ("\N{CHECK MARK} Test and training are apart", "clean"),
    "leaking": ("\N{HEAVY BALLOT X} The split leaks", "leaking"),
    "unknowable": ("? Whether the split leaks cannot be known", "unknowable"),
}
SEEN = {
    "clean": ("✓ The model has not seen these images or patients", "clean"),
    "leaking": ("✘ The model has seen some of these images or patients", "leaking"),
    "unknowable": ("? Whether the model has seen these patients cannot be known", "unknowable"),
}
"""The verdict on images that belong to no split of a run."""
_OPTIMISTIC = ("train", "val", "cal")
ORDER = ("train", "val", "cal", "test")


def top(context: ReportContext) -> Html:
    """Title, and what this page is for."""
    architecture = context.config.get("architecture") or context.bundle.get("card", {}).get("architecture")
    when = str(context.environment.get("time_utc", ""))[:16].replace("T", " ")
    line = " \N{MIDDLE DOT} ".join(
        str(part) for part in (architecture, f"{when} UTC" if when else "") if part
    )
    return tag(
        "header",
        tag("p", "gyrus report", class_="brand"),
        tag("h1", context.title),
        tag("p", tag("strong", "A research tool, not a medical device."),
            " No answer of this model may decide about a patient.",
            [tag("br"), context.about] if context.about else None,
            [tag("br"), line] if line else None, class_="purpose"),
        tag("p", tag("strong", "These patients are synthetic. "),
            "The figures show how gyrus works and say nothing about real scans.", class_="synthetic")
        if context.synthetic else None,
        class_="top",
    )  # fmt: skip


def verdict(context: ReportContext) -> Html:
    """Verdict on leakage, the user's reason if it was overruled, and how often the test set was looked at."""
    known = VERDICTS if context.kind == "run" else SEEN
    words, kind = known.get(context.verdict, known["unknowable"])
    parts: list[Html] = [tag("p", context.audit.get("sentence") or "No audit was made.")]
    if context.verdict == "leaking":
        but = " Believe the figures without twins only." if context.kind != "run" else ""
        parts.append(
            tag("p", tag("strong", "Every figure below is too good: "),
                f"the model was asked about patients or images that it was trained on.{but}")
        )  # fmt: skip
    if context.allow_leak:
        reason = f"Reason given (--allow-leak): “{context.allow_leak}”"
        parts.append(tag("p", tag("strong", "Gone on all the same. "), reason))
    parts.append(tag("p", _looks_told(context), class_="small"))
    return tag("section", tag("h2", words), parts, id="verdict", class_=f"verdict {kind}")


def _looks_told(context: ReportContext) -> str:
    if context.kind != "run":
        return (
            "Looks are counted for the test sets of runs; how often these images were looked at before, and "
            "what was chosen by it, is not on record."
        )
    if OUT_OF_FOLD not in context.evaluations:
        return _looks(context.test_looks, by_this_report="test" in context.evaluations)
    times = "once" if context.test_looks <= 1 else f"{context.test_looks} times"
    return f"A cross-validation holds no test set back. These folds have been cross-validated {times}."


def _looks(looks: int, *, by_this_report: bool) -> str:
    times = "once" if looks == 1 else f"{looks} times"
    if not by_this_report:
        others = f"; others have, {times} so far" if looks else ", nor has anyone else on record"
        return f"This report has not looked at the test set{others}."
    if looks <= 1:
        return "Test set looked at: once, for this report."
    return (
        f"Test set looked at: {times} so far. If choices were made in between, "
        "its figures are more optimistic than its interval says."
    )


def leak_stamp(context: ReportContext) -> Html | None:
    """The stamp beside every figure that was measured on a leaking split."""
    if context.verdict != "leaking":
        return None
    return tag("span", "leaking split" if context.kind == "run" else "seen in training", class_="stamp")


def headline(context: ReportContext, measured: Measured) -> Html:
    """Accuracy with its interval and what guessing the majority class would get."""
    on = f"{measured.noun} images" if measured.images != 1 else f"{measured.noun} image"
    named = "given exactly their classes" if measured.several else "named correctly"
    within = interval(measured.accuracy)
    big = tag(
        "div",
        tag("p", percent(measured.accuracy.get("value")), class_="big"),
        tag("p", f"of {measured.images:,} {on}{_of_patients(measured)} {named}", class_="small soft"),
    )
    sentence = [f"{measured.level} interval: {within} %. " if within else "No interval could be computed. "]
    if measured.baseline:
        sentence.append(
            f"Always answering “{measured.baseline_class}” would be right in "
            f"{percent(measured.baseline.get('value'))} of the images."
        )
    explained = tag("div", scale(measured.accuracy, measured.baseline), tag("p", sentence))
    caution = None
    if measured.split == OUT_OF_FOLD:
        caution = tag(
            "p",
            tag("strong", "Each image was answered by a model that was trained without its fold. "),
            "If networks or options were chosen by these figures, they are optimistic: only images that no "
            "choice has seen tell.",
        )
    elif measured.split in _OPTIMISTIC:
        caution = tag(
            "p",
            tag("strong", f"These are {measured.noun} images: "),
            "training was stopped and choices were made on them, so the figure is optimistic. "
            "The test set stays closed until it is asked for (--test).",
        )
    return tag(
        "section",
        tag("h2", f"How often it is right on {measured.noun} images", leak_stamp(context)),
        tag("div", big, explained, class_="headline"),
        caution,
        # outside a run the verdict above has said that there are no twins, or that it cannot be told
        without_twins(measured) if context.kind == "run" or measured.twin_free.get("n_twins") else None,
        tiles(measured),
        id="headline",
    )


def _of_patients(measured: Measured) -> str:
    """Return ``of 48 patients``; where some are unknown nothing: it would be the number of the others."""
    known = measured.patients and measured.clustered_by == "patients"
    return f" of {plural(measured.patients or 0, 'patient')}" if known else ""


def without_twins(measured: Measured) -> Html | None:
    """The same figure without the images that have a twin or their patient in training."""
    block = measured.twin_free
    if not block:
        return None
    if not block.get("known") or not block.get("n_twins"):
        return tag("p", block["sentence"], class_="small soft")
    reasons = ", ".join(
        f"{name.replace('_', ' ')}: {count:,}" for name, count in block["reasons"].items() if count
    )
    sides = [(title, block[name], block[count]) for name, title, count in _SIDES if block.get(name)]
    rows = [
        [title, tag("td", f"{count:,}", class_="number"),
         *(figure_cell(figures[key], as_percent=key != "macro_roc_auc") for key in _TWIN_FIGURES)]
        for title, figures, count in sides
    ]  # fmt: skip
    heads = [
        "",
        "images",
        *(name.replace("_", " ").replace("roc auc", "ROC-AUC").replace("f1", "F1") for name in _TWIN_FIGURES),
    ]
    return tag(
        "div",
        tag("p", tag("strong", block["sentence"])),
        tag(
            "details",
            tag("summary", "With and without twins"),
            table(heads, rows, class_="numbers"),
            tag("p", f"Seen before as {reasons}.", class_="small soft") if reasons else None,
            [tag("p", f"{note[:1].upper()}{note[1:]}.", class_="small soft") for note in block["notes"]],
        ),
        class_="twins",
    )


_SIDES = (
    ("all", "all images", "n_images"),
    ("without_twins", "without twins", "n_left"),
    ("twins_only", "twins only", "n_twins"),
)
_TWIN_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc")


def scale(figure: Mapping[str, Any], baseline: Mapping[str, Any]) -> Html | None:
    """A bar from 0 to 100 % with the interval, the value, and the baseline."""
    value, base = figure.get("value"), baseline.get("value")
    if value is None or not is_defined(value):
        return None
    parts = []
    low, high = figure.get("low"), figure.get("high")
    if low is not None and high is not None and is_defined(low) and is_defined(high):
        parts.append(tag("i", class_="range", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"))
    if base is not None and is_defined(base):
        side = "first" if base < 0.15 else "last" if base > 0.85 else None
        parts += [
            tag("i", class_="base", style=f"left:{100 * base:.2f}%"),
            tag(
                "em",
                f"majority class {percent(base, 0)}",
                class_=join(["above ", side or ""]).strip(),
                style=f"left:{100 * base:.2f}%",
            ),
        ]
    parts.append(tag("i", class_="point", style=f"left:{100 * value:.2f}%"))
    for mark in (0, 25, 50, 75, 100):
        side = {0: " first", 100: " last"}.get(mark, "")
        parts.append(tag("em", f"{mark} %", class_=f"tick{side}", style=f"left:{mark}%"))
    words = (
        f"accuracy {percent(value)}, interval {interval(figure) or 'unknown'}, majority class {percent(base)}"
    )
    return tag("div", parts, class_="scale", role="img", aria_label=words)


def tiles(measured: Measured) -> Html:
    """The other figures that stand for the whole model."""
    shown = (
        ("decisions right", "of all pairs of image and class", measured.balanced_accuracy, True)
        if measured.several
        else ("balanced accuracy", "mean sensitivity of the classes", measured.balanced_accuracy, True),
        ("macro F1", "mean over the classes", measured.averages["macro"]["f1"], True),
        ("macro ROC-AUC", "one class against the rest, mean", measured.averages["macro"]["roc_auc"], False),
    )
    return tag(
        "div",
        [
            tag(
                "div",
                tag("span", name, title=meaning),
                tag("b", percent(figure.get("value")) if as_percent else f"{_decimal(figure)}"),
                tag("span", interval(figure, as_percent=as_percent) or meaning),
                class_="tile",
            )
            for name, meaning, figure, as_percent in shown
        ],
        class_="tiles",
    )


def _decimal(figure: Mapping[str, Any]) -> str:
    value = figure.get("value")
    return f"{value:.3f}" if value is not None and is_defined(value) else "n/a"


def data_table(context: ReportContext, measured: Measured | None = None) -> Html:
    """Images and patients of every split by class, and how the data were read."""
    notes = tag("ul", [tag("li", note) for note in context.notes], class_="small soft")
    return tag(
        "section",
        tag(
            "h2",
            "What it was trained and measured on" if context.kind == "run" else "What it was measured on",
        ),
        split_table(context.counts, context.subjects, context.sizes),
        class_map(measured) if measured is not None else None,
        notes if context.notes else None,
        id="data",
    )


def split_table(
    counts: Mapping[str, Mapping[str, int]],
    subjects: Mapping[str, int | None],
    sizes: Mapping[str, int] | None = None,
) -> Html:
    """Return the table of images and patients by split and class.

    ``sizes``: images by split, where an image may be counted under several classes or none.
    """
    classes = sorted({name for of_split in counts.values() for name in of_split})
    rows = []
    for split in [name for name in ORDER if name in counts] + [s for s in counts if s not in ORDER]:
        of_split = counts[split]
        patients = subjects.get(split)
        rows.append(
            [SPLIT_NAMES.get(split, split) or "not used", "unknown" if patients is None else f"{patients:,}",
             f"{(sizes or {}).get(split, sum(of_split.values())):,}",
             *(f"{of_split.get(name, 0):,}" for name in classes)]
        )  # fmt: skip
    return table(["split", "patients", "images", *classes], rows, class_="numbers")
