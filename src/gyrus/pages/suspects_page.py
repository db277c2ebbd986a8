"""Label suspects as a page: each image with its label, and what a model that never saw it says instead."""

from __future__ import annotations

from collections.abc import Sequence

from gyrus.data.manifest import Manifest
from gyrus.evaluation.label_suspects import LabelSuspects, Suspect
from gyrus.imaging.reading import Color
from gyrus.pages.document import document
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import percent, plural
from gyrus.pages.thumbnails import Thumbnails

SHOWN = 400
"""Suspects with a picture; the table beside the page has all."""
_BUDGET_BYTES = 4_000_000


def render_suspects(
    found: LabelSuspects, manifest: Manifest, *, color: Color = "grey", about: str = ""
) -> str:
    """Return the page; self-contained, without script.

    Parameters
    ----------
    found : LabelSuspects
    manifest : Manifest
        Where the images lie.
    color : {"grey", "rgb"}
        Reading policy.
    about : str
        Which model and which predictions, a line under the title.
    """
    thumbnails = Thumbnails(manifest, color, _BUDGET_BYTES)
    pairs: dict[tuple[str, str], list[Suspect]] = {}
    for item in found.suspects[:SHOWN]:
        pairs.setdefault((item.label, item.suggested), []).append(item)
    ordered = sorted(pairs.items(), key=lambda entry: -len(entry[1]))
    sections = [_summary(found)]
    for number, ((label, suggested), items) in enumerate(ordered):
        sections.append(_pair(f"pair-{number}", label, suggested, items, thumbnails))
    header = tag(
        "header",
        tag("p", "gyrus label suspects", class_="brand"),
        tag("h1", "Which labels may be wrong"),
        tag(
            "p",
            tag("strong", "A research tool, not a medical device."),
            " A suspect is a question to whoever labelled the image, not an answer.",
            [tag("br"), about] if about else None,
            class_="purpose",
        ),
        class_="top",
    )
    anchors = {"summary": "Summary"} | {
        f"pair-{number}": f"{label} → {suggested}" for number, ((label, suggested), _) in enumerate(ordered)
    }
    return document("gyrus label suspects", header, sections, anchors=anchors)


def _summary(found: LabelSuspects) -> Html:
    rows = [
        [
            name,
            *(f"{value:,}" for value in found.confident[number].tolist()),
            _share(found.thresholds[number]),
        ]
        for number, name in enumerate(found.classes)
    ]
    patients = {item.subject_id for item in found.suspects if item.subject_id}
    of = f" of {plural(len(patients), 'patient')}" if patients else ""
    rest = len(found.suspects) - SHOWN
    return tag(
        "section",
        tag("h2", f"{plural(len(found.suspects), 'suspect')} among {found.images:,} labelled images"),
        tag(
            "p",
            f"{plural(len(found.suspects), 'image')}{of}: a model that has not seen them is as sure of "
            "another class as it is, on average, of images labelled with that class. Were it always right "
            f"when it is sure, about {found.estimated_wrong:.0f} labels would be wrong. What it cannot tell "
            "apart is suspected as well: look at the pictures before a label is changed.",
        ),
        table(["labelled \\ surely answered", *found.classes, "sure from"], rows, class_="numbers"),
        tag("p", f"The {rest:,} with the smallest margins are in the table alone.") if rest > 0 else None,
        id="summary",
    )


def _share(value: float) -> str:
    return "–" if value != value else percent(float(value))


def _pair(name: str, label: str, suggested: str, items: Sequence[Suspect], thumbnails: Thumbnails) -> Html:
    return tag(
        "section",
        tag("h2", f"Labelled {label}, answered {suggested} ({len(items)})"),
        tag("div", [_card(item, thumbnails) for item in items], class_="gallery plain"),
        id=name,
    )


def _card(item: Suspect, thumbnails: Thumbnails) -> Html:
    address = thumbnails.address(item.image_id)
    picture = (
        tag("img", src=address, alt=f"Image labelled {item.label}") if address else tag("p", "no picture")
    )
    patient = f" \N{MIDDLE DOT} patient {item.subject_id}" if item.subject_id else ""
    words = [
        tag("strong", item.suggested, class_="wrong"), f" {percent(item.p_suggested)}", tag("br"),
        f"labelled {item.label} ({percent(item.p_label)})",
        tag("span", item.image_id, patient, class_="name"),
    ]  # fmt: skip
    return tag(
        "figure",
        tag("div", picture, class_="single"),
        tag("figcaption", words),
        class_="example",
    )
