"""Which verdicts an answer takes: of a drawn mask another class tells nothing, of a class no outline does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.mask_rules import SEGMENT
from gyrus.errors import DataError
from gyrus.serving.store.records import Verdict

OF_CLASSES: tuple[Verdict, ...] = ("agree", "other", "unusable")
OF_MASKS: tuple[Verdict, ...] = ("agree", "redraw", "unusable")


def is_drawn(evidence: Mapping[str, Any]) -> bool:
    """Tell whether the model that answered draws masks."""
    return bool((evidence.get("model") or {}).get("task") == SEGMENT)


def verdicts_of(evidence: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Return what a reviewer may say of an answer."""
    return OF_MASKS if is_drawn(evidence) else OF_CLASSES


def check_verdict(verdict: Verdict, evidence: Mapping[str, Any]) -> None:
    """Refuse a verdict that says nothing of this answer.

    Raises
    ------
    DataError
    """
    takes = verdicts_of(evidence)
    if verdict not in takes:
        what = "a mask that was drawn" if is_drawn(evidence) else "a class"
        raise DataError(
            f"the verdict {verdict!r} does not fit: the answer is {what}",
            fix=f"send one of {', '.join(takes)}",
        )
