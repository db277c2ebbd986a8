"""What is kept: a case (one upload and its answer) and what reviewers said of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from gyrus.errors import DataError

Outcome = Literal["answered", "referred", "refused"]
Verdict = Literal["agree", "other", "redraw", "unusable"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MASK = "mask-"
"""Beginning of the names of blobs that hold masks: ``mask-0`` is that of the first image."""
NAME_LENGTH = 255
LABEL_LENGTH = 200
REVIEWER_LENGTH = 200
COMMENT_LENGTH = 4000
QUERY_LENGTH = 200
MOST_PER_PAGE = 200
_FIRST_VERSION = 1
_FIRST_YEAR, _LAST_YEAR = 1900, 9000  # with any zone within what both databases and Python can hold
_FORMULA_BEGINNINGS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """One upload and its answer, before it is kept.

    Attributes
    ----------
    image_sha256 : str
        Of the bytes as uploaded.
    kind : str
        Kind of file: ``png``, ``jpeg``, ``dicom``, ``nifti``, …
    frames : int
        Images in the file.
    outcome : str
        ``answered``; ``referred``: a person should look; ``refused``: by the input gate.
    label : str or None
        The answer; None where there is none.
    probability : float or None
        Calibrated probability of ``label``.
    reason : str
        Why it was referred or refused; else empty.
    model_digest : str
        Of the bundle that answered.
    evidence : mapping
        The whole answer by its published schema; strict JSON is made of it.
    name : str or None
        What the client called the file. It may name a patient: None unless the operator asked to keep names.

    Raises
    ------
    DataError
        When the name is too long or holds control characters.
    """

    image_sha256: str
    kind: str
    frames: int
    outcome: Outcome
    label: str | None
    probability: float | None
    reason: str
    model_digest: str
    evidence: Mapping[str, Any]
    name: str | None = None

    def __post_init__(self) -> None:
        """Check what a client has written; the rest is the server's own."""
        checked_text("the file's name", self.name or "", NAME_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """What a reviewer says of a case.

    Attributes
    ----------
    verdict : str
        ``agree``: with the answer, or with the referral or refusal; ``other``: another class, named by
        ``label``; ``redraw``: a mask that has to be drawn anew; ``unusable``: the image shows nothing that
        could be told. Which of them an answer takes: :mod:`gyrus.serving.store.verdicts`.
    label : str or None
        The right class, with ``other`` only.
    comment, reviewer : str
        Free text; may be empty.

    Raises
    ------
    DataError
        When the verdict is unknown, when a label is missing or one too many, or when a text is too long,
        holds control characters, or (a label) begins as a spreadsheet's formula does.
    """

    verdict: Verdict
    label: str | None = None
    comment: str = ""
    reviewer: str = ""

    def __post_init__(self) -> None:
        """Check all fields."""
        if self.verdict not in VERDICTS:
            raise DataError(f"verdict is {self.verdict!r}; expected one of {', '.join(VERDICTS)}")
        if (self.verdict == "other") != bool(self.label):
            problem = "needs the right class" if self.verdict == "other" else "takes no label"
            raise DataError(f"the verdict {self.verdict!r} {problem}", fix="send label with 'other' only")
        if self.label and self.label.startswith(_FORMULA_BEGINNINGS):
            raise DataError(f"a label must not begin with {' '.join(_FORMULA_BEGINNINGS)}")
        checked_text("label", self.label or "", LABEL_LENGTH)
        checked_text("comment", self.comment, COMMENT_LENGTH, lines=True)
        checked_text("reviewer", self.reviewer, REVIEWER_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A verdict as kept; nobody changes or takes back one, a later one counts instead.

    Attributes
    ----------
    case_id : str
    version : int
        The version that the case got by it.
    created : datetime
        In UTC.
    verdict, label, comment, reviewer
        As in :class:`NewReview`.
    """

    case_id: str
    version: int
    created: datetime
    verdict: Verdict
    label: str | None
    comment: str
    reviewer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobFile:
    """A file of a case: its name within the case's folder, made by the server, and what it must hold."""

    file: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """A kept case without its evidence, as lists show it.

    Attributes
    ----------
    id : str
        32 hexadecimal digits, random.
    created : datetime
        In UTC.
    version : int
        1 for a new case; every review adds 1.
    blobs : mapping
        Name -> file; read one with :meth:`gyrus.serving.store.Store.blob`.
    review : Review or None
        The last one, which counts.
    image_sha256, kind, frames, outcome, label, probability, reason, model_digest, name
        As in :class:`NewCase`.
    """

    id: str
    created: datetime
    version: int
    image_sha256: str
    kind: str
    frames: int
    outcome: Outcome
    label: str | None
    probability: float | None
    reason: str
    model_digest: str
    name: str | None
    blobs: Mapping[str, BlobFile]
    review: Review | None

    @property
    def reviewed(self) -> bool:
        """Whether anybody has judged it."""
        return self.version > _FIRST_VERSION

    @property
    def masks(self) -> int:
        """How many of its images have a mask that the model drew."""
        return sum(name.startswith(MASK) for name in self.blobs)

    @property
    def true_label(self) -> str | None:
        """The class by the last review; None where it is not reviewed, unusable, or agreed to have none."""
        if self.review is None or self.review.verdict in ("redraw", "unusable"):
            return None
        return self.label if self.review.verdict == "agree" else self.review.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(CaseSummary):
    """A kept case with its evidence."""

    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """Which cases; those given all hold. The newest come first.

    Attributes
    ----------
    text : str
        Found in the answer, the reason, a kept file name, any review's label, comment or reviewer; or the
        beginning of the case's id or of the image's SHA-256. Upper and lower case are alike (ASCII letters).
    label : str or None
        The model's answer.
    outcome : str or None
    reviewed : bool or None
    since, until : datetime or None
        Created from ``since`` on and before ``until``; a time without zone is UTC.
    page, per_page : int
        From 1 on.

    Raises
    ------
    DataError
        When a number, a text or an outcome is out of bounds.
    """

    text: str = ""
    label: str | None = None
    outcome: Outcome | None = None
    reviewed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    page: int = 1
    per_page: int = 25

    def __post_init__(self) -> None:
        """Check all fields."""
        checked_text("text", self.text, QUERY_LENGTH)
        checked_text("label", self.label or "", LABEL_LENGTH)
        if self.outcome is not None and self.outcome not in OUTCOMES:
            raise DataError(f"outcome is {self.outcome!r}; expected one of {', '.join(OUTCOMES)}")
        for name, time in (("since", self.since), ("until", self.until)):
            if time is not None and not _FIRST_YEAR <= time.year <= _LAST_YEAR:
                raise DataError(f"{name} is in the year {time.year}; expected {_FIRST_YEAR} to {_LAST_YEAR}")
        if not 1 <= self.per_page <= MOST_PER_PAGE:
            raise DataError(f"per_page is {self.per_page}; expected 1 to {MOST_PER_PAGE}")
        if not 1 <= self.page <= 10**9:
            raise DataError(f"page is {self.page}; expected a number from 1 on")


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """Some of the cases that a query found: page ``page`` of ``pages`` (at least 1), ``total`` in all."""

    items: tuple[CaseSummary, ...]
    total: int
    page: int
    pages: int


def checked_text(name: str, text: str, most: int, *, lines: bool = False) -> str:
    """Return a text that both databases can hold and a log line cannot be forged with.

    Raises
    ------
    DataError
        When it has more than ``most`` characters or holds control characters (ends of lines and tabs pass
        with ``lines``) or halves of surrogate pairs.
    """
    if len(text) > most:
        raise DataError(f"{name} has {len(text)} characters; expected at most {most}")
    passing = "\n\r\t" if lines else ""
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in passing for letter in text):
        raise DataError(f"{name} holds control characters", fix="send plain text")
    return text
