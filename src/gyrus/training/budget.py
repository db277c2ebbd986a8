"""``--budget``: each stage is planned into the time that is left, and shortened where it is slower."""

from __future__ import annotations

import logging
from dataclasses import replace

from gyrus.config.stages import Stage
from gyrus.training.pace import measure_pace
from gyrus.training.plan import Plan, plan_of, shortened
from gyrus.training.session import Session
from gyrus.training.solver import Solver

logger = logging.getLogger("gyrus")


def planned(session: Session, stage: Stage, *, cached: bool, stages_left: int) -> Plan:
    """Return the length of a stage that is about to begin, and tell it where a budget decides.

    A stage may take what is left, divided by the number of stages that are left; what it does not need goes
    to those after it.

    Raises
    ------
    UsageError
        When not even one step fits.
    """
    config = session.config
    # more views than epochs would never be seen
    views = 0 if not cached else min(config.views, stage.epochs) if session.look.policy is not None else 1
    steps = -(-len(session.train) // config.batch_size)
    if config.budget_s is None:
        return plan_of(stage, views=views, steps=steps, pace=None, left_s=0.0)
    pace = measure_pace(session, stage, cached=cached)
    left = (config.budget_s - session.journal.elapsed_s) / stages_left
    plan = plan_of(stage, views=views, steps=steps, pace=pace, left_s=left)
    length = f"{plan.epochs} of {stage.epochs} epochs"
    if plan.steps is not None:
        length = f"{plan.steps} of the {steps} steps of an epoch"
    if plan.views < views:
        length += f", {plan.views} of {views} views"
    logger.info("budget: %.0f s for stage %s, a step takes %.3g s: %s", left, stage.name, pace.step, length)
    return plan


def keep_to_budget(session: Session, stage: Stage, solver: Solver) -> Stage:
    """Return the stage with fewer epochs, where those that are left do not fit; called after each epoch."""
    journal, budget_s = session.journal, session.config.budget_s
    if budget_s is None:
        return stage
    plan = journal.plans[stage.name]
    shorter = shortened(plan, journal.place.epoch, journal.rows[-1]["seconds"], budget_s - journal.elapsed_s)
    if shorter.epochs == plan.epochs:
        return stage
    logger.info("budget: the epochs take longer than planned: %d instead of %d", shorter.epochs, plan.epochs)
    journal.plans[stage.name] = shorter
    solver.schedule.total *= shorter.epochs / plan.epochs
    return replace(stage, epochs=shorter.epochs)
