"""What an audit can find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["leak", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images that should not stand where they stand.

    Attributes
    ----------
    image_id, split : str
        The image on the more protected side (test before cal before val before train).
    other_id, other_split : str
        The one it collides with.
    why : str
        ``identical bytes``, ``identical pixels``, ``patient NAME``, ``look-alike, …``.
    """

    image_id: str
    split: str
    other_id: str
    other_split: str
    why: str

    def __str__(self) -> str:
        """Return the pair as a line for people."""
        here = f"{self.image_id} ({self.split})" if self.split else self.image_id
        there = f"{self.other_id} ({self.other_split})" if self.other_split else self.other_id
        return f"{here} = {there}: {self.why}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem, with every place where it occurs.

    Attributes
    ----------
    kind : str
        The name of the check in :mod:`gyrus.auditing.checks`, ``look_checks``, ``source_checks`` or
        ``linked`` that found it: ``subject_across_splits``, ``looks_across_splits``, …
    severity : {"leak", "warning", "info"}
        A ``leak`` stops training.
    message : str
        A sentence with the numbers.
    pairs : tuple of Pair
        Images that collide; one pair for each image on the protected side.
    rows : tuple of str
        Images concerned, where there are no pairs.
    counts : mapping
        The numbers of the message, JSON-able.
    """

    kind: str
    severity: Severity
    message: str
    pairs: tuple[Pair, ...] = ()
    rows: tuple[str, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON-able dict."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "counts": dict(self.counts),
            "pairs": [
                {"image_id": p.image_id, "split": p.split, "other_id": p.other_id,
                 "other_split": p.other_split, "why": p.why}
                for p in self.pairs
            ],
            "rows": list(self.rows),
        }  # fmt: skip
