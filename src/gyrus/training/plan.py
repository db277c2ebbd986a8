"""How long a stage is: as the recipe says, or as many epochs as fit into what is left of the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gyrus.config.stages import Stage
from gyrus.errors import UsageError

# what is planned for; the rest is for what a measurement of a few steps does not see
_SHARE_PLANNED = 0.9


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of a stage.

    Attributes
    ----------
    epochs : int
        Passes through the training images.
    steps : int or None
        Steps of an epoch, where not even one whole epoch fits into the budget; None for whole ones.
    views : int
        Cached versions of each training image; 0 where the stage trains through the trunk.
    """

    epochs: int
    steps: int | None
    views: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Measured times, in seconds.

    Attributes
    ----------
    view : float
        Computing the features of all training images once; 0 through the trunk.
    once : float
        Computing the features of all validation images; 0 through the trunk.
    step, validation : float
        One training step; one pass through the validation images.
    """

    view: float
    once: float
    step: float
    validation: float


def plan_of(stage: Stage, *, views: int, steps: int, pace: Pace | None, left_s: float) -> Plan:
    """Return how long a stage is.

    Parameters
    ----------
    stage : Stage
        Its epochs are the most.
    views : int
        The most cached versions of each image; 0 through the trunk.
    steps : int
        Steps of a whole epoch.
    pace : Pace or None
        None where there is no budget.
    left_s : float
        What the stage may take.

    Raises
    ------
    UsageError
        When not even one step and a validation fit.
    """
    if pace is None:
        return Plan(stage.epochs, None, views)
    left = _SHARE_PLANNED * left_s - pace.once
    epoch = steps * pace.step + pace.validation
    if views:
        # half of the time at most for features, without epochs they are worth nothing; and room for a step
        room = left - pace.step - pace.validation
        views = max(1, min(views, math.floor(left / 2 / pace.view), math.floor(room / pace.view)))
    left -= views * pace.view
    if left >= epoch:
        return Plan(min(stage.epochs, math.floor(left / epoch)), None, views)
    few = math.floor((left - pace.validation) / pace.step)
    if few < 1:
        least = (views * pace.view + pace.once + pace.step + pace.validation) / _SHARE_PLANNED
        raise UsageError(
            f"the budget is too short: {left_s:.0f} s are left for the stage {stage.name!r}; a step and what "
            f"it needs take {least:.0f} s",
            fix="a longer --budget, a smaller --image-size, or a smaller network",
        )
    return Plan(1, few, views)


def shortened(plan: Plan, done: int, epoch_s: float, left_s: float) -> Plan:
    """Return the plan with fewer epochs, where those that are left no longer fit."""
    fitting = done + max(0, math.floor(left_s / epoch_s)) if epoch_s > 0 else plan.epochs
    return replace(plan, epochs=min(plan.epochs, max(fitting, done)))
