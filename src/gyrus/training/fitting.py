"""What every fit does around its stages: tell what begins, settle the arithmetic, hand the network over."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from gyrus.config.train import TrainConfig
from gyrus.data.cache_folder import default_cache_folder
from gyrus.models import Network, WeightsReport
from gyrus.runs import RunFolder
from gyrus.runs.atomic import write_json
from gyrus.training.allocator import keep_freed_memory
from gyrus.training.augmentation import policy_of
from gyrus.training.batches import Look, SplitPixels
from gyrus.training.device_pixels import keep_pixels_on_device
from gyrus.training.devices import name_of
from gyrus.training.journal import Journal
from gyrus.training.metrics_log import EpochRow
from gyrus.training.precision import Precision, choose
from gyrus.training.recipes import Recipe
from gyrus.training.stage_runs import StageDone
from gyrus.training.strided_depthwise import restore

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a training went, whatever it was a training for.

    Attributes
    ----------
    history : tuple of EpochRow
        One row an epoch, as in the metrics file; ``epoch`` counts from 1 over all stages.
    best_epoch : int
        The epoch whose weights were kept.
    stopped_early : bool
        Whether patience ran out before the last epoch of a stage.
    precision : Precision
        Number format, and how it was chosen.
    device : str
        ``cpu``, or the GPU's name.
    learning_rate : float
        The head's peak in the last stage.
    recipe : Recipe
        The stages as planned, and why these.
    stages : tuple of StageDone
        The stages as they went.
    weights : WeightsReport or None
        What became of the file of starting weights.
    optimisation : dict
        What the options came to, as plain data.
    seconds : float
        The whole fit, the measuring of precision included.
    """

    history: tuple[EpochRow, ...]
    best_epoch: int
    stopped_early: bool
    precision: Precision
    device: str
    learning_rate: float
    recipe: Recipe
    stages: tuple[StageDone, ...]
    weights: WeightsReport | None
    optimisation: dict[str, Any]
    seconds: float

    @property
    def course(self) -> dict[str, Any]:
        """Recipe, why this one, and the stages as they went, as plain data."""
        stages = [asdict(stage) for stage in self.stages]
        return {"recipe": self.recipe.name, "why": self.recipe.why, "stages": stages}


def tell_beginning(
    recipe: Recipe, doubts: Iterable[str], weights: WeightsReport | None, run: RunFolder
) -> None:
    """Log what is about to be trained, and write down what became of the starting weights."""
    logger.info("recipe: %s (%s)", recipe.name, recipe.why)
    for doubt in doubts:
        logger.info("note: %s", doubt)
    if weights is not None:
        logger.info("weights: %s", weights.table())
        write_json(run.weights, weights.to_json())


def take_up(journal: Journal, network: Network, recipe: Recipe, *, resume: bool) -> None:
    """Go on from the state that a run holds, where that is asked for and there is one.

    Raises
    ------
    UsageError
        When the state is of another recipe.
    """
    if resume and journal.restore(network):
        logger.info("note: going on after %s", journal.told)
    journal.check_recipe(recipe.stages)


def settle(
    config: TrainConfig,
    network: Network,
    splits: tuple[SplitPixels, ...],
    device: torch.device,
    journal: Journal,
    *,
    variant: str,
    side: int,
) -> Precision:
    """Choose the number format, and bring memory, pixels and network into the state that it wants.

    Parameters
    ----------
    config : TrainConfig
    network : Network
        Brought to the memory format.
    splits : tuple of SplitPixels
        Training first.
    device : torch.device
    journal : Journal
        Holds the format that a run began with.
    variant : str
        The architecture with what changes its layers, and so its speed.
    side : int
        Of the squares that a step sees.
    """
    precision = journal.precision or choose(
        config.precision,
        network,
        key=variant,
        input_shape=(min(config.batch_size, len(splits[0])), network.in_channels, side, side),
        device=device,
        cache_folder=config.cache_dir or default_cache_folder(),
    )
    journal.precision = precision
    # after the measurement, whose blocks of other sizes would stay for ever
    keep_freed_memory()
    keep_pixels_on_device(splits, config, device)
    network.to(memory_format=torch.channels_last if precision.channels_last else torch.contiguous_format)
    return precision


def look_of(config: TrainConfig, network: Network, precision: Precision, **more: Any) -> Look:
    """Return how batches are made: the network's normalisation, the options' augmentation."""
    policy = policy_of(config)
    return Look(
        mean=network.mean,
        std=network.std,
        per_image=network.facts.per_image,
        policy=None if policy.changes_nothing else policy,
        channels_last=precision.channels_last,
        **more,
    )


def hand_over(
    journal: Journal,
    network: Network,
    *,
    precision: Precision,
    device: torch.device,
    recipe: Recipe,
    done: tuple[StageDone, ...],
    weights: WeightsReport | None,
    optimisation: dict[str, Any],
    began: float,
) -> dict[str, Any]:
    """Give the network the weights that were kept, in its plain form, and return the fields of the course."""
    journal.load_kept(network)
    restore(network)
    network.to(memory_format=torch.contiguous_format).requires_grad_(True).eval()
    return {
        "history": tuple(journal.rows),
        "best_epoch": journal.kept_epoch,
        "stopped_early": any(stage.stopped_early for stage in done),
        "precision": precision,
        "device": name_of(device),
        "learning_rate": done[-1].learning_rate,
        "recipe": recipe,
        "stages": done,
        "weights": weights,
        "optimisation": optimisation,
        "seconds": time.perf_counter() - began,
    }
