"""Options for what is made of a network's logits: calibration, thresholds, referrals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class DecidingOptions:
    """What is fitted on the calibration images."""

    calibration: Literal["auto", "temperature", "vector", "none"] = "auto"
    """temperature: all logits divided by one number; vector: a scale and a bias for each class; auto: none,
    unless one of them is better by more than a standard error on patients it was not fitted on."""
    conformal_method: Literal["lac", "aps", "none"] = "lac"
    """Sets that hold the true class as often as promised; an image whose set is not the one most probable
    class is referred. lac: by probability; aps: adaptive sets, with draws; none: every image is answered."""
    conformal_level: float | None = None
    """How often the true class is to be in the set, for each class and over patients not seen before;
    default: 0.9, and with calibrate that of the bundle's sets."""
    conformal_promise: Literal["at-least", "about"] | None = None
    """at-least: the level is the least that sets give on average, and few patients make them larger than
    needed; about: as near to the level as few patients allow, a little short as well as a little over;
    default: at-least, and with calibrate that of the bundle's sets."""
    positive: tuple[str, ...] = ()
    """Classes that count as positive for an operating point, as CLASS,CLASS."""
    min_sensitivity: float | None = None
    """Take the highest threshold that promises this sensitivity (0.98) for patients not seen before."""
    min_specificity: float | None = None
    """Take the lowest threshold that promises this specificity for patients not seen before."""

    def __post_init__(self) -> None:
        """Check the shares, and that an operating point is named as a whole."""
        for name in ("conformal_level", "min_sensitivity", "min_specificity"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise UsageError(f"{name} is {value}; expected a share between 0 and 1, such as 0.95")
        for name in ("conformal_level", "conformal_promise"):
            value = getattr(self, name)
            if self.conformal_method == "none" and value is not None:
                raise UsageError(
                    f"{name} is {value}, but no sets are asked for",
                    fix=f"leave out --{name.replace('_', '-')}, or give --conformal-method lac",
                )
        names = self.positives
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(f"positive names {', '.join(twice)} more than once")
        if names and not self.promises:
            raise UsageError(
                f"positive is {', '.join(names)}, but no rate is asked for",
                fix="give --min-sensitivity or --min-specificity as well, for example --min-sensitivity 0.95",
            )
        if self.promises and not names:
            raise UsageError(
                f"min_{self.promises[0][0]} is given, but no class counts as positive",
                fix="name the positive classes: --positive CLASS,CLASS",
            )

    @property
    def positives(self) -> tuple[str, ...]:
        """The positive classes."""
        return tuple(part.strip() for text in self.positive for part in text.split(",") if part.strip())

    @property
    def promises(self) -> tuple[tuple[Literal["sensitivity", "specificity"], float], ...]:
        """The rates asked for, an operating point each."""
        asked: list[tuple[Literal["sensitivity", "specificity"], float]] = []
        if self.min_sensitivity is not None:
            asked.append(("sensitivity", self.min_sensitivity))
        if self.min_specificity is not None:
            asked.append(("specificity", self.min_specificity))
        return tuple(asked)

    @property
    def deciding_given(self) -> list[str]:
        """The options of this kind that differ from their defaults, as they stand on a command line."""
        usual = {f.name: f.default for f in fields(self)}
        return [
            f"--{f.name.replace('_', '-')}"
            for f in fields(DecidingOptions)
            if getattr(self, f.name) != usual[f.name]
        ]
