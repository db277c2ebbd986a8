"""The page of ``gyrus learn leakage``: what was done, what is seen, what to make of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.pages.document import document
from gyrus.pages.leakage_plot import leakage_plot
from gyrus.pages.leakage_words import HONEST, LEAKING, findings
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import figure_cell, percent, plural
from gyrus.pages.svg import to_svg
from gyrus.runs.atomic import write_text

_ANCHORS = {
    "picture": "Picture",
    "done": "What was done",
    "why": "Why",
    "do": "What to do",
    "numbers": "Numbers",
}


def write_leakage_page(shown: Mapping[str, Any], path: Path) -> None:
    """Write the page: self-contained, without script.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_leakage(shown))


def render_leakage(shown: Mapping[str, Any]) -> str:
    """Return the page; see :func:`write_leakage_page`."""
    sections = [picture(shown), done(shown), why(), to_do(shown), numbers(shown)]
    header = tag(
        "header",
        tag("p", "gyrus learn leakage", class_="brand"),
        tag("h1", "What is a leak worth?"),
        tag("p", plural(shown["images"], "image"), " of ", plural(shown["patients"], "patient"),
            " \N{MIDDLE DOT} ", shown["source"], class_="purpose"),
        class_="top",
    )  # fmt: skip
    return document("gyrus learn leakage", header, sections, anchors=_ANCHORS, styles=("leakage.css",))


def picture(shown: Mapping[str, Any]) -> Html:
    """The picture, and below it what it says."""
    words = "; ".join(f"{name} {percent(arm['accuracy']['value'])}" for name, arm in shown["arms"].items())
    svg = to_svg(leakage_plot(shown), name="leakage", description=f"Accuracies: {words}")
    caption = (
        "Dots: accuracy on the test images. Bands: 95 % intervals over patients. Ticks: always answering the "
        "most frequent class. Orange: patients stand on both sides; blue: each on one. Hollow: the labels "
        "mean nothing."
    )
    return tag(
        "section",
        tag("h2", "The same network, the same images"),
        tag("figure", svg, tag("figcaption", caption), class_="wide"),
        tag("ul", [tag("li", sentence) for sentence in findings(shown)], class_="findings"),
        id="picture",
    )


def done(shown: Mapping[str, Any]) -> Html:
    """The experiment, in the order in which it was made."""
    arms, recipe = shown["arms"], shown["recipe"]
    tested, seen = arms[HONEST]["test_images"], arms[LEAKING]["seen"]
    steps = [
        ("Patient-wise. ", "Whole patients (with all copies of their images) are dealt to training, "
         "validation and test. No patient of the test set was met before."),
        ("Slice-wise. ", "The same numbers of images of each class go to each side, but image by image. Of "
         f"the {tested} test images {seen} now show a patient who is also in training. This is how many "
         "published folders and tutorials are divided."),
        ("Meaningless labels. ", "The labels are exchanged between patients at random, and both divisions "
         "are used again. Nothing in an image tells such a label; only who the patient is."),
        ("Training. ", f"Four times from scratch, alike in everything: {recipe['architecture']} at "
         f"{recipe['image_size']} pixels, {recipe['epochs']} epochs, small rotations, shifts and changes of "
         f"brightness, the epoch with the lowest validation loss, seed {recipe['seed']}."),
    ]  # fmt: skip
    return tag(
        "section",
        tag("h2", "What was done"),
        tag("ol", [tag("li", tag("strong", name), words) for name, words in steps]),
        id="done",
    )


_WHY = (
    "Neighbouring slices of one head are nearly the same picture: the same skull, the same ventricles, the "
    "same scanner, the same position. To tell the class of a slice it is enough to find the most similar one "
    "among those learned, and to repeat its label. A network does that gladly, because it is easier than "
    "learning what a tumour looks like, and because the training loss rewards both alike.",
    "The proof is in the rows with meaningless labels: there is no disease to learn there, and whatever is "
    "right beyond guessing was recalled. With patients apart nothing can be recalled, and guessing is left.",
    "In a clinic every patient is new. The patient-wise figure is the one that says what happens there; the "
    "slice-wise figure says how well the network remembers.",
)


def why() -> Html:
    """Why slices of one patient give each other away."""
    return tag("section", tag("h2", "Why it happens"), [tag("p", words) for words in _WHY], id="why")


def to_do(shown: Mapping[str, Any]) -> Html:
    """How to look at one's own data, and how to divide them."""
    source = shown["source"] if shown["source"] != "phantom" else "DATA"
    options = list(shown.get("options") or ())
    leaking = str(shown["arms"][LEAKING].get("folder", LEAKING))
    steps = [
        ("See how the audit finds the leak that was made here (type this in the page's folder; it ends with "
         "exit code 4):",
         ["gyrus", "audit", f"{leaking}/manifest.csv", "--out", "audit"]),
        ("Ask it about your own data:", ["gyrus", "audit", source, *options, "--out", "audit"]),
        ("Divide them by patients and copies:",
         ["gyrus", "split", source, *options, "--out", "manifest.csv"]),
    ]  # fmt: skip
    return tag(
        "section",
        tag("h2", "What to do"),
        tag(
            "ol", [tag("li", words, tag("pre", tag("code", shlex.join(command)))) for words, command in steps]
        ),
        id="do",
    )


def numbers(shown: Mapping[str, Any]) -> Html:
    """All numbers, the recipe, and the command."""
    rows = [
        [name, f"{arm['seen']:,} of {arm['test_images']:,}", f"{arm['test_patients']:,}",
         figure_cell(arm["accuracy"]), percent(arm["baseline"]), str(arm["best_epoch"])]
        for name, arm in shown["arms"].items()
    ]  # fmt: skip
    head = ["", "test images of known patients", "test patients", "accuracy", "guessing", "epoch kept"]
    method = shown["arms"][HONEST]["accuracy"]["method"]
    facts = [
        ("intervals", f"{method}; they hold for new patients, not for another training: another seed moves "
         "each figure by some points"),
        ("difference", shown["gain"]["method"]),
        ("recipe", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown["recipe"].items())),
        ("classes", ", ".join(shown["classes"])),
        ("time", f"{shown['seconds']:,.0f} s"),
        ("processor", (shown.get("environment") or {}).get("processor")),
    ]  # fmt: skip
    command = (shown.get("environment") or {}).get("command") or []
    notes = shown.get("notes") or ()
    return tag(
        "section",
        tag("h2", "Numbers"),
        table(head, rows, class_="numbers"),
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts if value]),
        tag("ul", [tag("li", note) for note in notes], class_="small soft") if notes else None,
        tag("pre", tag("code", shlex.join(map(str, command)))) if command else None,
        id="numbers",
    )
