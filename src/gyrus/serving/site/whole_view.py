"""What the slices of a scan come to when they are taken together, as the templates take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyrus.data.label_names import names_of
from gyrus.pages.evidence_words import gate_sentence, label_shown
from gyrus.pages.numbers import percent, plural
from gyrus.serving.site.slice_view import Share, shares_of


@dataclass(frozen=True, slots=True)
class WholeView:
    """The pooled answer; its fields as those of a slice's view."""

    outcome: str
    headline: str
    beneath: str
    reason: str
    shares: tuple[Share, ...]
    small: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether no slice is answered."""
        return self.outcome == "refused"


def whole_view(evidence: Mapping[str, Any]) -> WholeView | None:
    """Return the pooled answer of a case's evidence; None where there is none."""
    groups = (evidence.get("groups") or {}).get("groups") or ()
    if not groups:
        return None
    group = groups[0]
    answered = group["images"] - group["refused"] - group["unread"]
    counts = _counts(group, answered)
    if group["prediction"] is None:
        first = next((one for one in evidence["predictions"] if one["gate"]["passed"] is False), None)
        failed = [one["reason"] for one in first["gate"]["findings"] if not one["passed"]] if first else []
        reason = gate_sentence(failed[0], "The first refused slice") if failed else ""
        return WholeView("refused", "Refused: there is no answer", "", reason, (), (counts,))
    label, shares = group["prediction"], group["probabilities"]
    said = label_shown(label)
    sure = f", {percent(shares[label])}" if label in shares else ""
    mean = f"the mean of {plural(answered, 'slice')}"
    caution = (
        "Slices are pooled by the mean of their probabilities; thresholds and sets are not applied to it."
    )
    bars = shares_of(shares, (label,) if label in shares else names_of(label))
    if group["referred"]:
        reason = f"{plural(group['referred'], 'slice')} of {group['images']} are for a person to look at."
        beneath = f"Most probable: {said}{sure}, {mean}"
        return WholeView("referred", "A person should look", beneath, reason, bars, (counts, caution))
    beneath = f"Probability{sure[1:]}, {mean}" if sure else f"By {mean}"
    return WholeView("answered", said, beneath, "", bars, (counts, caution))


def _counts(group: Mapping[str, Any], answered: int) -> str:
    """Say what became of the slices, each by itself."""
    by_label = ", ".join(f"{label_shown(label)} {count}" for label, count in group["answers"].items())
    told = [f"{answered} of {group['images']} slices were answered" + (f" ({by_label})" if by_label else "")]
    told += [f"{group['refused']} refused"] if group["refused"] else []
    told += [f"{group['unread']} could not be read"] if group["unread"] else []
    return f"{'; '.join(told)}."
