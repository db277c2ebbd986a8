"""The page that lists all images of one ``gyrus predict``, with a way to the evidence of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.pooling import Pooled
from gyrus.pages.document import document
from gyrus.pages.evidence_masks import mask_words
from gyrus.pages.evidence_sections import shrunk
from gyrus.pages.evidence_words import PURPOSE, label_shown, measured_words
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import percent, plural
from gyrus.pages.sections_last import picture
from gyrus.runs.atomic import write_text

LISTED = 2000
PICTURED = 400
_THUMBNAIL_PX = 64
_NUMBER_HEAD = tag("th", "probability", scope="col", class_="number")
_SHORT = {
    "decodable": "no image", "brain_mri": "not a brain MRI", "distribution": "unlike the training images",
}  # fmt: skip
_ANCHORS = {
    "summary": "Answers", "failures": "Not read", "groups": "Together", "images": "Images",
    "model": "The model",
}  # fmt: skip


@dataclass(slots=True)
class Index:
    """Collects a line per image, and writes the page at the end.

    Parameters
    ----------
    card : mapping
        Of the bundle that answers.
    """

    card: Mapping[str, Any]
    counts: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    refused: int = 0
    referred: int = 0
    in_training: int = 0
    _refused: dict[str, int] = field(default_factory=dict)
    _rows: list[list[Html]] = field(default_factory=list)
    _failures: list[tuple[str, str]] = field(default_factory=list)
    _unread: int = 0

    def add(self, evidence: Evidence, page: Path) -> None:
        """Add an image whose page lies beside the index."""
        self.in_training += evidence.in_training.match is not None
        decided = evidence.answer.decided
        if evidence.answer.refused is not None:
            self.refused += 1
            step = evidence.answer.refused.step
            self._refused[step] = self._refused.get(step, 0) + 1
        else:
            self.answered += 1
            self.referred += decided is not None and decided.refer
            self.counts[evidence.answer.label] = self.counts.get(evidence.answer.label, 0) + 1
        if len(self._rows) < LISTED:
            self._rows.append(_row(evidence, page, pictured=len(self._rows) < PICTURED))

    def add_unread(self, asked: Asked, why: str) -> None:
        """Add an image that could not be read."""
        self._unread += 1
        if len(self._failures) < LISTED:
            self._failures.append((asked.image_id, why))

    def write(
        self, path: Path, pooled: Sequence[Pooled] = (), pooled_labels: Sequence[str | None] = ()
    ) -> None:
        """Write the page.

        Parameters
        ----------
        path : Path
        pooled : sequence of Pooled
            Patients or folders.
        pooled_labels : sequence of str or None
            Their answers.

        Raises
        ------
        StorageError
            When the file cannot be written; a former one survives.
        """
        parts = [
            self._summary(),
            self._not_read(),
            _together(pooled, pooled_labels),
            self._images(),
            self._model(),
        ]
        present = [part for part in parts if part is not None]
        name = self.card["name"] or self.card["architecture"]
        header = tag(
            "header",
            tag("p", "gyrus evidence", class_="brand"),
            tag("h1", f"{plural(self.answered + self.refused + self._unread, 'image')}, asked of {name}"),
            tag("p", tag("strong", PURPOSE), " No answer of this model may decide about a patient.",
                class_="purpose"),
            class_="top",
        )  # fmt: skip
        write_text(
            path,
            document(f"gyrus evidence: {name}", header, present, anchors=_ANCHORS, styles=("evidence.css",)),
        )

    def _summary(self) -> Html:
        tiles = [
            (f"{count:,}", label_shown(label, self.card["task"]))
            for label, count in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ][:12]
        for count, words in (
            (self.referred, "of them for a person to look at"),
            *((count, f"refused: {_SHORT[step]}") for step, count in sorted(self._refused.items())),
            (self._unread, "could not be read"),
            (self.in_training, "were trained on: memory, not skill"),
        ):
            if count:
                tiles.append((f"{count:,}", words))
        shown = [tag("div", tag("b", number), tag("span", words), class_="tile") for number, words in tiles]
        return tag(
            "section",
            tag("h2", "Answers"),
            tag("div", shown, class_="tiles") if shown else tag("p", "No image could be read."),
            id="summary",
        )

    def _not_read(self) -> Html | None:
        if not self._failures:
            return None
        rest = self._unread - len(self._failures)
        return tag(
            "section",
            tag("h2", "Not read"),
            table(["file", "why"], self._failures),
            tag("p", f"… and {rest:,} more.") if rest else None,
            id="failures",
        )

    def _images(self) -> Html | None:
        if not self._rows:
            return None
        rest = self.answered + self.refused - len(self._rows)
        more = f"The first {len(self._rows):,}; {rest:,} more are in predictions.csv." if rest else None
        return tag(
            "section",
            tag("h2", "Images"),
            tag("p", more, class_="small soft") if more else None,
            table(["", "image", "answer", _NUMBER_HEAD], self._rows, class_="images"),
            id="images",
        )

    def _model(self) -> Html:
        card = self.card
        no_gate = (
            ""
            if card.get("gate")
            else " It has no input gate: it answers whatever it is shown, also what is nothing like its "
            "training images."
        )
        return tag(
            "section",
            tag("h2", "The model"),
            tag("p", measured_words(card), " ", card["leakage"]["sentence"], no_gate),
            tag("p", card["intended_use"], class_="small soft"),
            id="model",
        )


def _row(evidence: Evidence, page: Path, *, pictured: bool) -> list[Html]:
    given, pixels = evidence.answer, evidence.answer.pixels
    face = None
    if pictured and pixels is not None:
        small = shrunk(pixels, _THUMBNAIL_PX)
        face = tag(
            "img", src=picture(Image.fromarray(small.squeeze(-1) if small.shape[2] == 1 else small)), alt=""
        )
    answered = evidence.refused is None
    patient = tag("span", tag("br"), f"patient {evidence.asked.subject_id}", class_="soft small")
    marks = tag("div", _badges(evidence))
    name = tag("th", tag("a", evidence.asked.image_id, href=quote(page.name)),
               patient if evidence.asked.subject_id else None, scope="row")  # fmt: skip
    if not answered:  # no number: the reason gets its room
        return [tag("td", face), name, tag("td", "no answer", marks, colspan=2)]
    sure = percent(given.confidence) if given.task == "classify" else ""
    return [tag("td", face), name, tag("td", _said(evidence), marks), tag("td", sure, class_="number")]


def _said(evidence: Evidence) -> str:
    """The answer; of an image that is referred only what is most probable."""
    if evidence.answer.segmentation is not None:
        return mask_words(evidence)
    decided, label = evidence.answer.decided, label_shown(evidence.answer.label)
    return f"most probable: {label}" if decided is not None and decided.refer else label


def _badges(evidence: Evidence) -> list[Html]:
    decided, found = evidence.answer.decided, []
    if evidence.answer.refused is not None:
        found.append(("leak", f"refused: {_SHORT[evidence.answer.refused.step]}"))
    elif decided is not None and decided.refer:
        found.append(("warning", "a person should look"))
    if evidence.in_training.match is not None:
        found.append(("leak", "trained on"))
    elif evidence.closer_than_patients:
        found.append(("warning", "near to training"))
    true = evidence.asked.label
    if true and evidence.refused is None and evidence.answer.segmentation is None:
        right = true == evidence.answer.label
        found.append(("info", "as labelled") if right else ("leak", f"labelled {label_shown(true)}"))
    return [tag("span", words, class_=f"badge {kind}") for kind, words in found]


def _together(pooled: Sequence[Pooled], labels: Sequence[str | None]) -> Html | None:
    if not pooled:
        return None
    rows: list[list[object]] = []
    for group, label in zip(pooled[:LISTED], labels, strict=False):
        mean = group.probabilities
        agreeing = group.answers.get(label, 0) if label is not None else 0
        left_out = [f"{group.refused} refused"] if group.refused else []
        left_out += [f"{group.unread} not read"] if group.unread else []
        left_out += [f"{group.referred} for a person to look at"] if group.referred else []
        left_out += [f"{group.in_training} trained on"] if group.in_training else []
        rest = tag("span", tag("br"), ", ".join(left_out), class_="soft small") if left_out else None
        rows.append(
            [tag("th", group.name, rest, scope="row"), "no answer" if label is None else label_shown(label),
             tag("td", percent(float(mean.max())) if mean is not None else "", class_="number"),
             tag("td", f"{agreeing} of {group.answered}", class_="number")]
        )  # fmt: skip
    hidden = len(pooled) - LISTED
    agree = tag("th", "images of this answer", scope="col", class_="number")
    return tag(
        "section",
        tag("h2", "Taken together"),
        tag("p", "The mean of the probabilities of the images that were answered. Thresholds and "
            "sets were fitted on single images and are not applied to means.", class_="small soft"),
        table(["", "answer", _NUMBER_HEAD, agree], rows, class_="groups"),
        tag("p", f"… and {hidden:,} more.") if hidden > 0 else None,
        id="groups",
    )  # fmt: skip
