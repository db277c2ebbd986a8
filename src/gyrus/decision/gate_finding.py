"""What a step of the input gate found about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Step = Literal["decodable", "brain_mri", "distribution"]
STEPS: tuple[Step, ...] = ("decodable", "brain_mri", "distribution")
"""The steps in their order; an image that one refuses does not reach the next."""


@dataclass(frozen=True, slots=True)
class GateFinding:
    """One step's answer about one image.

    Attributes
    ----------
    step : str
        ``decodable``: the file is an image within the limits; ``brain_mri``: it looks like a brain MRI at
        all; ``distribution``: it lies where the model's training images lie.
    passed : bool
        False: the image is refused.
    score : float
        What was measured; higher is more alike in ``brain_mri`` (a log odds) and in ``distribution``. NaN
        where nothing was measured.
    threshold : float
        The least score that passes; NaN where there is none.
    reason : str
        A sentence for people.
    """

    step: Step
    passed: bool
    score: float
    threshold: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields, with null for numbers that are not finite (JSON has none)."""
        finite = {name: getattr(self, name) for name in ("score", "threshold")}
        return {
            "step": self.step,
            "passed": self.passed,
            **{name: value if abs(value) < float("inf") else None for name, value in finite.items()},
            "reason": self.reason,
        }
