"""The parts of an evidence page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.inference.evidence import Evidence
from gyrus.pages.colour import heat_scale
from gyrus.pages.evidence_masks import mask_answer, mask_picture
from gyrus.pages.evidence_words import (
    PURPOSE,
    gate_sentence,
    gate_words,
    heat_words,
    in_training_words,
    label_shown,
    measured_words,
    sentence,
    training_known_words,
)
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import percent, plural
from gyrus.pages.overlay import overlay
from gyrus.pages.sections_last import picture

SIDE_PX = 560
_TINY_PX = 96
_CLASSES_SHOWN = 12


def top(evidence: Evidence) -> Html:
    """The file's name, and what this page is for."""
    source = evidence.asked.source
    known = [f"patient {evidence.asked.subject_id}"] if evidence.asked.subject_id else []
    known += [f"labelled {label_shown(evidence.asked.label)}"] if evidence.asked.label else []
    name = f"{source.path.name}#{source.frame}" if source.frame else source.path.name
    return tag(
        "header",
        tag("p", "gyrus evidence", class_="brand"),
        tag("h1", name),
        tag("p", tag("strong", PURPOSE), " No answer of this model may decide about a patient.",
            tag("br"), " \N{MIDDLE DOT} ".join([str(source), *known]), class_="purpose"),
        class_="top",
    )  # fmt: skip


def warnings(evidence: Evidence) -> list[Html]:
    """What must be read before the answer."""
    found = []
    if evidence.refused is not None:
        found.append(
            _box("leaking", "\N{HEAVY BALLOT X} Refused: there is no answer", gate_sentence(evidence.refused),
                 "The model is not asked about images that its gate does not let pass.")
        )  # fmt: skip
    if evidence.in_training.match is not None:
        found.append(
            _box("leaking", "\N{HEAVY BALLOT X} The model was trained on this image",
                 in_training_words(evidence),
                 "What it answers shows that it remembers, not that it would know a new patient.")
        )  # fmt: skip
    elif evidence.closer_than_patients:
        found.append(
            _box("unknowable", "? Nearer to a training image than two patients are to each other",
                 f"Its features lie {evidence.nearest[0].distance:.4f} from those of "
                 f"{evidence.nearest[0].image_id}; between the kept training images of two patients the "
                 f"smallest distance is {evidence.apart:.4f}.",
                 "It may be that image in another form, or a slice of the same head: then the answer shows "
                 "that the model remembers.")
        )  # fmt: skip
    decided = evidence.answer.decided
    if evidence.refused is None and decided is not None and decided.refer:
        found.append(_box("unknowable", "? A person should look", sentence(decided.reason)))
    return found


def answer(evidence: Evidence) -> Html:
    """The answer with the probability of every class, and how far it moves."""
    given = evidence.answer
    if evidence.refused is not None:
        return tag("section", tag("h2", "Answer"), tag("p", "None: the gate refused the image."), id="answer")
    if given.segmentation is not None:
        return mask_answer(evidence)
    order = np.argsort(-given.probabilities, kind="stable")
    lines = [_share(evidence, int(number)) for number in order]
    shown, folded = lines[:_CLASSES_SHOWN], lines[_CLASSES_SHOWN:]
    said = tag("div", _said(evidence), _set_words(evidence))
    rest = tag("details", tag("summary", f"{len(folded)} more"), folded) if folded else None
    return tag(
        "section",
        tag("h2", "Answer"),
        tag("div", said, tag("div", shown, rest, class_="shares"), class_="answer"),
        _points(evidence),
        _spread_words(evidence),
        _no_sets(evidence),
        tag("p", gate_words(evidence), class_="small soft"),
        id="answer",
    )


def pictures(evidence: Evidence) -> Html | None:
    """The image, and beside it where the network looked."""
    pixels = evidence.answer.pixels
    if pixels is None:
        return None
    small = shrunk(pixels, SIDE_PX)
    tiny = "tiny" if max(small.shape[:2]) < _TINY_PX else None
    plain = Image.fromarray(small.squeeze(-1) if small.shape[2] == 1 else small)
    address = picture(plain)
    shown = [tag("img", src=address, alt="The image as it was read", class_=tiny)]
    if evidence.regions:
        return mask_picture(evidence, shown[0], address)
    heat = evidence.heat_map
    legend = None
    if heat is not None:
        heated = picture(overlay(small, heat.over_image))
        shown.append(tag("img", src=heated, alt=f"Heat map for {label_shown(heat.of)}", class_=tiny))
        stops = ",".join("#{:02x}{:02x}{:02x}".format(*heat_scale()[i]) for i in range(0, 256, 51))
        legend = tag(
            "p", f"Right: what spoke for {label_shown(heat.of)}, none ",
            tag("i", style=f"background:linear-gradient(90deg,{stops})"),
            f" most. The map is {heat_words(heat)}. It shows where the network looked, not that it looked "
            "for the right reason.", class_="heat-legend",
        )  # fmt: skip
    return tag(
        "section",
        tag("h2", "What was asked" if heat is None else "Where it looked"),
        legend,
        tag("div", shown, class_=f"seen of-{len(shown)}"),
        id="pictures",
    )


def nearest(evidence: Evidence) -> Html | None:
    """The training cases that are most alike."""
    if not evidence.nearest:
        return None
    cards = []
    pictured = any(case.thumbnail is not None for case in evidence.nearest)
    for case in evidence.nearest:
        # a bundle without thumbnails shows names alone, not a row of empty frames
        face = tag("span", "no picture", class_="absent") if pictured else None
        if case.thumbnail is not None:
            alt = f"Training image of {label_shown(case.label)}"
            face = tag("img", src=picture(Image.fromarray(case.thumbnail)), alt=alt, class_="tiny")
        patient = f" \N{MIDDLE DOT} patient {case.subject_id}" if case.subject_id else ""
        told = [tag("strong", label_shown(case.label)), f" {case.distance:.4f}"]
        caption = tag("figcaption", told, tag("span", case.image_id, patient, class_="name"))
        cards.append(tag("figure", face, caption, class_="case"))
    return tag(
        "section",
        tag("h2", "Most alike among the training images"),
        tag("p", "By the cosine distance of what the network's last layer sees: 0 is the same, 1 has nothing "
            "in common. Alike to the network need not be alike to a reader.",
            None if pictured else " This model brings no pictures of them.",
            " The names are those of the training images, and no answer." if evidence.refused else None,
            class_="small soft"),
        tag("div", cards, class_="cases"),
        id="nearest",
    )  # fmt: skip


def gate(evidence: Evidence) -> Html | None:
    """The steps of the input gate."""
    if not evidence.answer.gate:
        return None
    lines = []
    for finding in evidence.answer.gate:
        mark = "\N{CHECK MARK}" if finding.passed else "\N{HEAVY BALLOT X}"
        measured = (
            f" ({finding.score:.3f}; the least that passes is {finding.threshold:.3f})"
            if abs(finding.score) < float("inf")
            else ""
        )
        step = finding.step.replace("_", " ")
        line = [
            tag("strong", f"{mark} {step}"),
            tag("br"),
            f"{gate_sentence(finding.reason, 'It')}{measured}",
        ]
        lines.append(tag("li", line, class_=None if finding.passed else "failed"))
    return tag("section", tag("h2", "Input gate"), tag("ul", lines, class_="steps"), id="gate")


def model(evidence: Evidence, card: Mapping[str, Any]) -> Html:
    """Who answered, how well it did where it was measured, and whether that can be believed."""
    leakage = card["leakage"]
    calibrated = "calibrated" if card.get("calibration") else "not calibrated: softmax or sigmoid as it came"
    facts = [
        ("model", card["name"] or card["architecture"]),
        ("architecture", card["architecture"]),
        ("probabilities", calibrated),
        ("reading", evidence.model.reading_policy),
        ("bundle digest", evidence.model.digest),
        ("model digest", evidence.model.model_digest),
        ("data fingerprint", evidence.model.data_fingerprint or "unknown"),
    ]
    return tag(
        "section",
        tag("h2", "The model"),
        tag("p", measured_words(card), " ", leakage["sentence"]),
        tag("p", tag("strong", "Trained on a leaking split: "), leakage["allow_leak"])
        if leakage["allow_leak"]
        else None,
        tag("p", card["intended_use"], class_="small soft"),
        _facts(facts),
        id="model",
    )


def facts(evidence: Evidence) -> Html:
    """The file, its hashes, and what took how long."""
    given, stored = evidence.answer, evidence.answer.stored
    size = f"{given.width_px} \N{MULTIPLICATION SIGN} {given.height_px} pixels"
    kind = f"{stored.format}, mode {stored.mode}" if stored is not None else None
    known = [
        ("file", str(evidence.asked.source)),
        ("size", size),
        ("kind", kind),
        ("notes", "; ".join(given.notes)),
        ("trained on", training_known_words(evidence)),
        ("SHA-256 of the file", given.sha256),
        ("SHA-256 of its pixels", stored.pixel_hash if stored is not None else None),
        *((f"time: {name.replace('_', ' ')}", f"{1000 * seconds:,.1f} ms") for name, seconds in
          evidence.seconds.items() if seconds >= 5e-5),
    ]  # fmt: skip
    return tag("section", tag("h2", "The image"), _facts(known), id="image")


def shrunk(pixels: npt.NDArray[np.uint8], side_px: int) -> npt.NDArray[np.uint8]:
    """Return an image whose longer side has at most ``side_px`` pixels; a smaller one as it is."""
    if max(pixels.shape[:2]) <= side_px:
        return pixels
    small = Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
    small.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    array = np.asarray(small)
    return array[:, :, np.newaxis] if array.ndim == 2 else array


def _box(kind: str, title: str, *lines: str) -> Html:
    return tag("section", tag("h2", title), [tag("p", line) for line in lines], class_=f"verdict {kind}")


def _facts(facts: list[tuple[str, str | None]]) -> Html:
    return tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts if value])


def _share(evidence: Evidence, number: int) -> Html:
    given, spread = evidence.answer, evidence.spread
    name, value = given.classes[number], float(given.probabilities[number])
    bar = [tag("i", style=f"width:{100 * value:.2f}%")]
    told: list[object] = [percent(value)]
    if spread is not None:
        low, high = (min(1.0, max(0.0, spread.mean[number] + sign * spread.sd[number])) for sign in (-1, 1))
        bar.append(tag("b", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"))
        told.append(
            tag("span", f" {percent(spread.mean[number])} \N{PLUS-MINUS SIGN} {100 * spread.sd[number]:.1f}")
        )
    top_one = name in given.shown
    return tag(
        "div",
        tag("span", name, class_="of"),
        tag("span", bar, class_="track"),
        tag("span", told, class_="value"),
        class_="share top" if top_one else "share",
    )


def _said(evidence: Evidence) -> list[Html]:
    """The answer in large letters; of an image that is referred only what is most probable, in small ones."""
    given = evidence.answer
    if given.task != "classify":
        return [tag("p", label_shown(given.label), class_="said")]
    if given.decided is not None and given.decided.refer:
        most = f"most probable: {label_shown(given.label)}, {percent(given.confidence)}"
        return [tag("p", "for a person to look at", class_="said referred"), tag("p", most, class_="sure")]
    sure = f"probability {percent(given.confidence)}"
    return [tag("p", label_shown(given.label), class_="said"), tag("p", sure, class_="sure")]


def _set_words(evidence: Evidence) -> Html | None:
    decided = evidence.answer.decided
    if decided is None or decided.set is None:
        return None
    names = " or ".join(map(label_shown, decided.set)) or "none of the classes"
    return tag("p", f"The set of classes that it may be, as often right as the model promises: {names}.",
               class_="small")  # fmt: skip


def _no_sets(evidence: Evidence) -> Html | None:
    decided = evidence.answer.decided
    if decided is None or decided.refer or not decided.reason:
        return None
    return tag(
        "p", f"The model refers no image to a person: {decided.reason.rstrip('.')}.", class_="small soft"
    )


def _points(evidence: Evidence) -> Html | None:
    decided = evidence.answer.decided
    if decided is None or not decided.points:
        return None
    rows = [[name, "positive" if positive else "negative"] for name, positive in decided.points.items()]
    return table(["operating point", "here"], rows, class_="narrow")


def _spread_words(evidence: Evidence) -> Html | None:
    spread = evidence.spread
    if spread is None:
        return None
    answers = ", ".join(f"{label_shown(label)} {count}" for label, count in spread.answers.items())
    return tag(
        "p",
        f"Spread: answers to the image and to {plural(spread.views, 'copy', 'copies')} turned, shifted and "
        f"scaled a little: {answers}. Marks and small numbers: their mean \N{PLUS-MINUS SIGN} one "
        "standard deviation, in points of percent. A small spread does not make the answer right.",
        class_="small soft",
    )
