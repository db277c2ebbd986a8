"""The page of ``gyrus learn numpy-cnn``: what was learnt, how, and what it looks like inside."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gyrus.pages.document import document
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import figure_cell, interval, percent, plural
from gyrus.pages.numpy_cnn_plots import Looked, pictures_of
from gyrus.pages.svg import to_svg
from gyrus.runs.atomic import write_text

_ANCHORS = {
    "result": "Result",
    "learning": "Learning",
    "inside": "Inside",
    "errors": "Errors",
    "numbers": "Numbers",
}


def write_numpy_cnn_page(shown: Mapping[str, Any], looked: Looked, path: Path) -> None:
    """Write the page: self-contained, without script.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_numpy_cnn(shown, looked))


def told(shown: Mapping[str, Any]) -> str:
    """Return the result for the terminal."""
    accuracy = shown["accuracy"]["test"]
    within = interval(accuracy)
    weights = sum(row["parameters"] for row in shown["network"])
    lines = [
        shown["sentence"],
        f"{percent(accuracy['value'], 2)} of the test images are answered rightly"
        + (f" (95 % interval {within})" if within else ""),
        f"{len(shown['epochs'])} epochs, {weights:,} weights, {shown['images_a_second']:,.0f} images "
        f"a second in training; {shown['seconds']:.0f} s in all",
        *shown["missing"],
    ]
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def render_numpy_cnn(shown: Mapping[str, Any], looked: Looked) -> str:
    """Return the page; see :func:`write_numpy_cnn_page`."""
    drawn = {
        name: to_svg(draw(), name=name, description=_CAPTIONS[name])
        for name, draw in pictures_of(shown, looked).items()
    }
    header = tag(
        "header",
        tag("p", "gyrus learn numpy-cnn", class_="brand"),
        tag("h1", "A network in plain NumPy"),
        tag("p", plural(shown["images"], "image"), " of ", plural(len(shown["classes"]), "class", "classes"),
            " \N{MIDDLE DOT} ", shown["source"], class_="purpose"),
        class_="top",
    )  # fmt: skip
    sections = [_result(shown), _learning(drawn), _inside(shown, drawn), _errors(drawn), _numbers(shown)]
    return document("gyrus learn numpy-cnn", header, sections, anchors=_ANCHORS, styles=("numpy_cnn.css",))


_CAPTIONS = {
    "loss": "Loss by epoch. Training images are shifted, so training can look worse than validation.",
    "accuracy": "Share of images answered rightly, by epoch.",
    "filters": "The filters of the first convolution: red adds, blue subtracts what lies under it.",
    "feature-maps": "A test image and what layers make of it: of each the eight maps in which most happens.",
    "confusion": "Test images: true class by row, answer by column; the colour is the share of the row.",
    "errors": "The surest wrong answers on test images: true class, then answer and probability.",
}


def _figure(drawn: Mapping[str, Html], name: str, size: str = "grid") -> Html:
    return tag("figure", drawn[name], tag("figcaption", _CAPTIONS[name]), class_=size)


def _result(shown: Mapping[str, Any]) -> Html:
    accuracy = shown["accuracy"]["test"]
    within = interval(accuracy)
    looks = shown["test_looks"]
    findings = [
        f"{percent(accuracy['value'], 2)} of the test images are answered rightly"
        + (f"; 95 % interval {within}." if within else "."),
        shown["sentence"],
        f"This was look number {looks} at this test set; nothing was chosen by it.",
    ]
    parity = shown["parity"]
    if parity is None:
        findings.append("No bundle was written: the figures are of the NumPy network itself.")
    else:
        findings.append(
            f"The bundle (model.gyrus) answers as NumPy does on {parity['images']} validation images: no "
            f"probability differs by more than {parity['max_probability_difference']:.7f}. The figures are "
            "the bundle's, on the files as they are."
        )
    return tag(
        "section",
        tag("h2", "What it can do"),
        tag("ul", [tag("li", sentence) for sentence in findings], class_="findings"),
        id="result",
    )


def _learning(drawn: Mapping[str, Html]) -> Html:
    words = (
        "Every step shows the network a batch, compares its answers with the classes, and moves each weight "
        "a little against the gradient of the loss. The gradients are written by hand, layer by layer; the "
        "last epoch is kept."
    )
    curves = tag("div", _figure(drawn, "loss", "small"), _figure(drawn, "accuracy", "small"), class_="pair")
    return tag("section", tag("h2", "How it learnt"), tag("p", words), curves, id="learning")


def _inside(shown: Mapping[str, Any], drawn: Mapping[str, Html]) -> Html:
    rows = [
        [row["layer"], " x ".join(map(str, row["output"])), f"{row['parameters']:,}"]
        for row in shown["network"]
    ]
    return tag(
        "section",
        tag("h2", "What it looks like inside"),
        _figure(drawn, "filters", "small"),
        _figure(drawn, "feature-maps"),
        table(["layer", "gives", "weights"], rows, class_="numbers"),
        id="inside",
    )


def _errors(drawn: Mapping[str, Html]) -> Html:
    wrong = _figure(drawn, "errors") if "errors" in drawn else tag("p", "No test image was answered wrongly.")
    return tag(
        "section", tag("h2", "What it confuses"), _figure(drawn, "confusion", "small"), wrong, id="errors"
    )


def _numbers(shown: Mapping[str, Any]) -> Html:
    rows = [
        [row["epoch"], f"{row['train_loss']:.4f}", percent(row["train_accuracy"], 2),
         f"{row['val_loss']:.4f}", percent(row["val_accuracy"], 2), f"{row['seconds']:.1f}"]
        for row in shown["epochs"]
    ]  # fmt: skip
    head = ["epoch", "training loss", "right", "validation loss", "right", "seconds"]
    measured = [[split, figure_cell(figure)] for split, figure in shown["accuracy"].items()]
    facts = [
        ("images a second in training", f"{shown['images_a_second']:,.0f}"),
        ("time in all", f"{shown['seconds']:,.0f} s"),
        ("image", f"{shown['image_size']} pixels, {plural(shown['channels'], 'channel')}"),
        ("processor", (shown.get("environment") or {}).get("processor")),
    ]
    command = (shown.get("environment") or {}).get("command") or []
    return tag(
        "section",
        tag("h2", "Numbers"),
        table(["split", "accuracy"], measured, class_="numbers"),
        table(head, rows, class_="numbers"),
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts if value]),
        tag("ul", [tag("li", note) for note in (*shown["notes"], *shown["missing"])], class_="small soft"),
        tag("pre", tag("code", shlex.join(map(str, command)))) if command else None,
        id="numbers",
    )
