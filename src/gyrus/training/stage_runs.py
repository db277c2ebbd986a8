"""The stages of a recipe, one after the other."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from gyrus.config.stages import Stage
from gyrus.config.train import TrainConfig
from gyrus.training.budget import planned
from gyrus.training.determinism import deterministic
from gyrus.training.freezing import divide
from gyrus.training.on_features import train_on_features
from gyrus.training.quiet import interruptible, quiet
from gyrus.training.rate_search import search_rate
from gyrus.training.recipes import Recipe
from gyrus.training.session import Session
from gyrus.training.stage_checks import CACHED, check_stages, way_of
from gyrus.training.through_trunk import train_through_trunk

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class StageDone:
    """How a stage went.

    Attributes
    ----------
    name : str
        Of the stage.
    free : tuple of str
        What was trained.
    way : str
        How: ``through the trunk`` or ``on cached features``.
    epochs, planned : int
        Epochs that it took, and that were planned.
    learning_rate : float
        Peak of the head.
    seconds : float
        All of its epochs.
    """

    name: str
    free: tuple[str, ...]
    way: str
    epochs: int
    planned: int
    learning_rate: float
    seconds: float

    @property
    def stopped_early(self) -> bool:
        """Whether patience ran out."""
        return self.epochs < self.planned


def run_stages(session: Session, recipe: Recipe) -> tuple[StageDone, ...]:
    """Train all stages from the journal's place on; return how each went."""
    check_stages(session.network, recipe.stages, session.config)
    journal = session.journal
    with quiet(), interruptible(), deterministic(session.config.deterministic, session.device):
        for number in range(journal.place.stage, len(recipe.stages)):
            stage = recipe.stages[number]
            if len(recipe.stages) > 1:
                logger.info("stage %d of %d: %s", number + 1, len(recipe.stages), stage.name)
            _run(session, stage, stages_left=len(recipe.stages) - number)
            journal.end_stage(session.network)
    return tuple(_done(session, stage) for stage in recipe.stages)


def _run(session: Session, stage: Stage, *, stages_left: int) -> None:
    """Train one stage from the journal's place to its end."""
    journal = session.journal
    division = divide(session.network, stage)
    cached = way_of(division, session.config) == CACHED
    if stage.name not in journal.plans:
        journal.plans[stage.name] = planned(session, stage, cached=cached, stages_left=stages_left)
    plan = journal.plans[stage.name]
    stage = replace(stage, epochs=plan.epochs)
    if journal.is_over(stage):
        return
    rate = _peak_rate(
        session,
        stage,
        journal.run.rate_curve("" if stages_left == 1 and not journal.place.stage else stage.name),
    )
    if cached:
        train_on_features(session, stage, division, rate, plan)
    else:
        train_through_trunk(session, stage, division, rate, plan)


def rate_of(stage: Stage, config: TrainConfig) -> float:
    """Return the peak learning rate of a stage's head: its own, as asked, or the optimizer's usual one.

    A head alone starts from scratch, whatever its trunk starts from.
    """
    if stage.learning_rate is not None:
        return stage.learning_rate
    given = config.weights is not None or config.pretrained
    return config.peak_rate(from_weights=given and not stage.only_head)


def _peak_rate(session: Session, stage: Stage, curve_file: Path) -> float:
    """Return the peak learning rate of a stage, found by a range test where that is asked for."""
    if not session.config.find_rate or stage.learning_rate is not None:
        return rate_of(stage, session.config)
    rates = session.journal.rates
    if stage.name not in rates:
        curve = search_rate(session, stage)
        curve.write(curve_file)
        rates[stage.name] = curve.suggestion
    return rates[stage.name]


def _done(session: Session, stage: Stage) -> StageDone:
    rows = session.journal.rows_of(stage.name)
    return StageDone(
        name=stage.name,
        free=stage.free,
        way=way_of(divide(session.network, stage), session.config),
        epochs=len(rows),
        planned=session.journal.plans[stage.name].epochs,
        learning_rate=session.journal.rates.get(stage.name, rate_of(stage, session.config)),
        seconds=round(sum(row["seconds"] for row in rows), 2),
    )
