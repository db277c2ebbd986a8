"""A case, or an answer that is not kept, as the templates take it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gyrus.bundles.mask_rules import SEGMENT
from gyrus.data.label_names import NONE
from gyrus.errors import DataError
from gyrus.inference.recorded import evidence_from_json
from gyrus.pages.evidence_words import gate_sentence, label_shown, sentence
from gyrus.pages.numbers import percent, plural
from gyrus.serving.answer import Answer
from gyrus.serving.site.slice_view import SliceView, slice_view
from gyrus.serving.site.whole_view import WholeView, whole_view
from gyrus.serving.site.words import OUTCOME_WORDS, when
from gyrus.serving.store import CaseSummary, Review
from gyrus.serving.store.records import MASK
from gyrus.serving.store.verdicts import is_drawn, verdicts_of

_STRIP_HEIGHT = 20.0
_SHORT = 8
_KINDS = {"nifti": "NIfTI", "webp": "WebP"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One slice in the strip below a scan; its top is counted from above."""

    outcome: str
    top: str
    height: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, opened at one of its images.

    Attributes
    ----------
    id : str or None
        None where the answer is not kept.
    at, count : int
        Which image is shown, from 0; of how many.
    path, query : str
        Its address, and what chooses the image there.
    outcome, short_words : str
        What became of it as a whole, in a few words.
    whole : WholeView or None
        All images of a scan taken together; None for a single one.
    verdicts : tuple of (str, str, str)
        What a reviewer may say: value, words, what it means for this case.
    strip : tuple of Bar
        Every image of a scan; empty for a single one.
    mask_url : str or None
        Of the mask that was drawn on the image that is shown, for a download.
    other_model : bool
        Whether another model answered than the one that runs.
    """

    id: str | None
    short: str
    heading: str
    subtitle: str
    version: int
    path: str
    query: str
    at: int
    count: int
    outcome: str
    short_words: str
    slice: SliceView
    whole: WholeView | None
    verdicts: tuple[tuple[str, str, str], ...]
    strip: tuple[Bar, ...]
    strip_words: str
    mask_url: str | None
    other_model: bool
    model_digest: str


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    id: str
    short: str
    title: str
    beneath: str
    reason: str
    outcome: str
    created: Any
    verdict: Review | None


def case_line(case: CaseSummary) -> CaseLine:
    """Return a case as lists show it."""
    task = SEGMENT if case.masks else ""
    title, beneath = _title(case.outcome, case.label, case.probability, case.reason, task)
    more = [beneath] if beneath else []
    more += [plural(case.frames, "slice")] if case.frames > 1 else []
    more += [case.name] if case.name else []
    return CaseLine(
        id=case.id,
        short=case.id[:_SHORT],
        title=title,
        beneath=" \N{MIDDLE DOT} ".join(more),
        reason=case.reason,
        outcome=case.outcome,
        created=case.created,
        verdict=case.review,
    )


def answer_line(answer: Answer) -> CaseLine:
    """Return an answer that is not kept as lists show a case; its id is empty."""
    task = str(answer.evidence["model"]["task"])
    title, beneath = _title(answer.outcome, answer.label, answer.probability, answer.reason, task)
    return CaseLine("", "", title, beneath, answer.reason, answer.outcome, None, None)


def _title(
    outcome: str, label: str | None, probability: float | None, reason: str, task: str
) -> tuple[str, str]:
    said = label_shown(label, task) if label else ""
    if outcome == "answered":
        return said, percent(probability) if probability is not None else ""
    if outcome == "referred":
        return f"{said}?" if said else "Not sure", sentence(reason)
    return "No answer", gate_sentence(reason, "It")


def records_of(evidence: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the evidence of every image of a case: one, or the slices of a scan in their order.

    Raises
    ------
    DataError
        When there is none.
    """
    records = evidence.get("predictions") or ()
    if not records:
        raise DataError("this case has no evidence of any image")
    return list(records)


def chosen(count: int, asked: int | None) -> int:
    """Return which image is opened, from 0: the one asked for (from 1), else the middle one."""
    return count // 2 if asked is None else min(max(asked, 1), count) - 1


def case_view(
    evidence: Mapping[str, Any],
    card: Mapping[str, Any],
    pictures: Mapping[str, str],
    *,
    kind: str,
    asked: int | None = None,
    path: str = "",
    case: CaseSummary | None = None,
    running_digest: str = "",
) -> CaseView:
    """Return the view of an answer.

    Parameters
    ----------
    evidence : mapping
        Of all its images.
    card : mapping
        Of the bundle that runs.
    pictures : mapping
        Name of a picture, such as ``heat-12``, -> its address.
    kind : str
        Kind of file.
    asked : int, optional
        Which image, from 1.
    path : str
        Address of the case's page.
    case : CaseSummary, optional
        Where the answer is kept.
    running_digest : str
        Of the bundle that runs.
    """
    records = records_of(evidence)
    count = len(records)
    at = chosen(count, asked)
    query = f"?slice={at + 1}" if count > 1 else ""
    ranks = range(len(records[at]["nearest"]))
    view = slice_view(
        evidence_from_json(records[at], card),
        image_url=pictures.get(f"image-{at}"),
        heat_url=pictures.get(f"heat-{at}"),
        faces={rank: url for rank in ranks if (url := pictures.get(f"nearest-{at}-{rank}"))},
    )
    whole = whole_view(evidence) if count > 1 else None
    last = f"asked on {when(case.created)}" if case else "not kept"
    return CaseView(
        id=case.id if case else None,
        short=case.id[:_SHORT] if case else "not kept",
        heading=_heading(case),
        subtitle=_subtitle(kind, records, last),
        version=case.version if case else 0,
        path=path,
        query=query,
        at=at,
        count=count,
        outcome=whole.outcome if whole else view.outcome,
        short_words=_first_words(whole or view),
        slice=view,
        whole=whole,
        verdicts=_verdicts(case, evidence),
        strip=_strip(records) if count > 1 else (),
        strip_words=_strip_words(records),
        mask_url=pictures.get(f"{MASK}{at}"),
        other_model=case is not None and case.model_digest != running_digest,
        model_digest=case.model_digest if case else "",
    )


def _first_words(said: WholeView | SliceView) -> str:
    """Return what is said, for the first line of a narrow screen."""
    if said.outcome != "answered":
        return said.beneath or "no answer"
    if not said.beneath:
        return said.headline
    if isinstance(said, SliceView) and said.regions:  # its shares are of the whole picture's class, if any
        return f"{said.headline}, {said.beneath}"
    return f"{said.headline}, {percent(said.shares[0].probability)}"


def _heading(case: CaseSummary | None) -> str:
    if case is None:
        return "Answer"
    return case.name or f"Case {case.id[:_SHORT]}"


def _verdicts(case: CaseSummary | None, evidence: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    if case is None:
        return ()
    drawn = is_drawn(evidence)
    if not case.label:
        agreed, anew = "it is rightly refused", "it should not have been refused"
    elif case.label == NONE:
        agreed, anew = "there is nothing to mark", "something should be marked"
    else:
        agreed, anew = "what is marked is right", "marked too much, too little or elsewhere"
    words = {
        "agree": ("I agree", agreed if drawn or not case.label else f"it is {label_shown(case.label)}"),
        "other": ("Another class", "it shows something else"),
        "redraw": ("Draw it anew", anew),
        "unusable": ("Unusable", "nothing can be told from it"),
    }
    return tuple((name, *words[name]) for name in verdicts_of(evidence))


def _subtitle(kind: str, records: Sequence[Mapping[str, Any]], last: str) -> str:
    given = records[0]["input"]
    size = f"{given['width_px']} \N{MULTIPLICATION SIGN} {given['height_px']} pixels"
    slices = [plural(len(records), "slice")] if len(records) > 1 else []
    return ", ".join([_KINDS.get(kind, kind.upper()), *slices, size, last])


def _strip(records: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    heights = [_height(record) for record in records]
    return tuple(
        Bar(_outcome(record), f"{_STRIP_HEIGHT - height:.2f}", f"{height:.2f}")
        for record, height in zip(records, heights, strict=True)
    )


def _outcome(record: Mapping[str, Any]) -> str:
    if record["gate"]["passed"] is False:
        return "refused"
    decision = record["decision"]
    return "referred" if decision is not None and decision["refer"] else "answered"


def _height(record: Mapping[str, Any]) -> float:
    highest = max((record["probabilities"] or {}).values(), default=0.0)
    return _STRIP_HEIGHT * max(0.15, highest if math.isfinite(highest) else 0.0)


def _strip_words(records: Sequence[Mapping[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for record in records:
        outcome = _outcome(record)
        answered = outcome == "answered"
        said = (
            label_shown(record["prediction"], record["task"]) if answered else OUTCOME_WORDS[outcome].lower()
        )
        counts[said] = counts.get(said, 0) + 1
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"All {len(records)} slices: {told}"
