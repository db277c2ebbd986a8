"""The learning-rate range test: a few steps at rates from far too low to far too high."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.optim import Optimizer

from gyrus.errors import UsageError
from gyrus.runs.atomic import write_text

LOWEST, HIGHEST = 1e-6, 10.0
STEPS = 120
# standard deviation, in steps, of the Gaussian that smooths the losses: a quarter of a power of ten
_WIDTH = 4.0
_RECENT = 5
_DIVERGED = 4.0
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class RateCurve:
    """What the range test saw.

    Attributes
    ----------
    rates : tuple of float
        Learning rate of each step, rising evenly in its logarithm.
    losses : tuple of float
        Training loss of each step's batch, before the step.
    smoothed : tuple of float
        The same, averaged over neighbouring steps.
    suggestion : float
        A peak learning rate.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float

    def write(self, path: Path) -> None:
        """Write the curve as CSV: ``learning_rate, loss, smoothed``."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(("learning_rate", "loss", "smoothed"))
        for row in zip(self.rates, self.losses, self.smoothed, strict=True):
            writer.writerow([f"{value:.6g}" for value in row])
        write_text(path, buffer.getvalue())


def find_rate(step: Callable[[int], float], optimizer: Optimizer, *, steps: int = STEPS) -> RateCurve:
    """Train at rising rates until the loss explodes; suggest a rate (Smith 2017, Cyclical Learning Rates).

    The network is changed by it: the caller puts it back.

    Parameters
    ----------
    step : callable
        Gets the number of the step; makes it with ``optimizer`` and returns the loss before it.
    optimizer : Optimizer
        Its groups keep the ratios of their rates; the highest is the one that is reported.
    steps : int
        From the lowest rate, 1e-6, to the highest, 10.

    Raises
    ------
    UsageError
        When the loss falls at no rate.
    """
    peaks = [float(group["lr"]) for group in optimizer.param_groups]
    shares = [peak / max(peaks) for peak in peaks]
    rates, losses = [], []
    lowest = math.inf
    for number in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / (steps - 1))
        for group, share in zip(optimizer.param_groups, shares, strict=True):
            group["lr"] = rate * share
        loss = step(number)
        if not math.isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        recent = float(np.mean(losses[-_RECENT:]))
        lowest = min(lowest, recent)
        if number > _FEWEST and recent > _DIVERGED * lowest:
            break
    smoothed = smooth(np.array(losses))
    suggestion = suggest(np.array(rates), smoothed)
    return RateCurve(tuple(rates), tuple(losses), tuple(smoothed.tolist()), suggestion)


def smooth(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the average of each loss and its neighbours on both sides, weighed by a Gaussian.

    It does not lag behind, as an average over the past would: that would suggest too high a rate. Losses
    that have exploded count no more than a multiple of the lowest, so that they do not reach far back.
    """
    if not len(losses):
        return losses
    cut = np.minimum(losses, _DIVERGED * losses.min()) if losses.min() > 0 else losses
    places = np.arange(len(losses))
    weights = np.exp(-0.5 * ((places[:, None] - places) / _WIDTH) ** 2)
    averages: npt.NDArray[np.float64] = (weights @ cut) / weights.sum(axis=1)
    return averages


def suggest(rates: npt.NDArray[np.float64], smoothed: npt.NDArray[np.float64]) -> float:
    """Return the rate at which the smoothed loss falls most steeply, before its lowest place.

    Steepness is over the logarithm of the rate, by central differences. The first steps, whose average has
    neighbours on one side only, are passed over.

    Parameters
    ----------
    rates, smoothed : ndarray
        (steps,).

    Raises
    ------
    UsageError
        When the loss falls nowhere.
    """
    first = _FEWEST
    bottom = first + int(np.argmin(smoothed[first:])) if len(smoothed) > first else 0
    if bottom - first < 2:
        raise UsageError(
            "no learning rate was found at which the loss falls",
            fix="give --learning-rate, and look at the data: gyrus doctor DATA",
        )
    slopes = np.gradient(smoothed, np.log10(rates))[first : bottom + 1]
    return float(f"{rates[first + int(np.argmin(slopes))]:.2g}")
