"""Options for trainings that end early, go on later, must end in time, or must repeat bit for bit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gyrus.config.ranges import positive
from gyrus.errors import UsageError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, kw_only=True)
class DurabilityOptions:
    """How a training is kept, continued, bounded and repeated."""

    resume: Path | None = None
    """Go on with this run folder, whose training was interrupted; all other options as they were."""
    checkpoint_minutes: float = 10.0
    """Save the state of the training this often within an epoch; it is saved after every epoch anyway."""
    budget: str | None = None
    """Longest wall time of the training, such as 10m or 1h30m: as many epochs as fit, and the learning rate's
    fall planned to their end; never more than --epochs."""
    deterministic: bool = False
    """On CUDA: only operations that give the same bits every time; slower. On the CPU that is always so."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        positive(self, "checkpoint_minutes")
        _ = self.budget_s

    @property
    def budget_s(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else seconds_of(self.budget)


def seconds_of(text: str) -> float:
    """Read a duration such as ``10m``, ``90s`` or ``1h30m``.

    >>> seconds_of("1h30m")
    5400.0

    Raises
    ------
    UsageError
        For anything else, and for nought.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise UsageError(f"budget is {text!r}; expected a time", fix="for example 10m, 90s or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise UsageError(f"budget is {text!r}; expected more than no time")
    return seconds
