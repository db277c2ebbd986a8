"""The stages of a recipe, one after the other."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from gyrus.config.stages import Stage
from gyrus.config.train import TrainConfig
from gyrus.training.freezing import Division, divide
from gyrus.training.on_features import train_on_features
from gyrus.training.quiet import interruptible, quiet
from gyrus.training.rate_search import search_rate
from gyrus.training.recipes import Recipe
from gyrus.training.session import Session
from gyrus.training.through_trunk import train_through_trunk

logger = logging.getLogger("gyrus")


THROUGH, CACHED = "through the trunk", "on cached features"


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
    for stage in recipe.stages:
        divide(session.network, stage)  # a mistake in the last stage is told before the first
    journal = session.journal
    with quiet(), interruptible():
        for number in range(journal.place.stage, len(recipe.stages)):
            stage = recipe.stages[number]
            if len(recipe.stages) > 1:
                logger.info("stage %d of %d: %s", number + 1, len(recipe.stages), stage.name)
            if not journal.is_over(stage):
                curve = session.journal.run.rate_curve(stage.name if len(recipe.stages) > 1 else "")
                rate = _peak_rate(session, stage, curve)
                division = divide(session.network, stage)
                if way_of(division, session.config) == CACHED:
                    train_on_features(session, stage, division, rate)
                else:
                    train_through_trunk(session, stage, division, rate)
            journal.end_stage(session.network)
    return tuple(_done(session, stage) for stage in recipe.stages)


def way_of(division: Division, config: TrainConfig) -> str:
    """Return how a stage is trained: what is frozen before its first free part need be computed only once."""
    return CACHED if division.leading and config.views else THROUGH


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
        planned=stage.epochs,
        learning_rate=session.journal.rates.get(stage.name, rate_of(stage, session.config)),
        seconds=round(sum(row["seconds"] for row in rows), 2),
    )
