"""The one stage of a training for masks: everything is trained, an encoder with given weights more slowly."""

from __future__ import annotations

from typing import Any

from gyrus.config.optimising import STARTING_POINTS
from gyrus.config.stages import ALL, Stage
from gyrus.config.train import TrainConfig
from gyrus.models.segmentation import SegmentationNetwork
from gyrus.training.determinism import deterministic
from gyrus.training.plan import Plan, plan_of
from gyrus.training.quiet import interruptible, quiet
from gyrus.training.recipes import Recipe
from gyrus.training.segmentation.batches import CachedMasks
from gyrus.training.segmentation.pace import mask_pace
from gyrus.training.segmentation.patches import Patches
from gyrus.training.segmentation.segmenter import Segmenter
from gyrus.training.session import Session
from gyrus.training.stage_checks import THROUGH
from gyrus.training.stage_runs import StageDone
from gyrus.training.through_trunk import loading_of, run_loop


def recipe_for_masks(config: TrainConfig) -> Recipe:
    """Return the one stage that ``config`` asks for, and why."""
    given = config.weights is not None or config.pretrained
    name = "full" if given else "scratch"
    why = "starting weights of the encoder are given" if given else "no starting weights are given"
    stage = Stage(name=name, free=(ALL,), epochs=config.epochs, patience=config.patience)
    return Recipe(name, why, (stage,))


def patches_of(config: TrainConfig) -> Patches | None:
    """Return what is cut out of training images; None for whole ones."""
    return None if config.patch_size is None else Patches(config.patch_size, config.patch_positive)


def mask_groups(network: SegmentationNetwork, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the weights in groups with their peak rates: given weights of an encoder move more slowly."""
    if config.weights is None and not config.pretrained:
        rate = config.peak_rate(from_weights=False)
        return [{"name": "all", "params": list(network.parameters()), "lr": rate}]
    encoder = {id(parameter) for parameter in network.encoder.parameters()}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in encoder]
    return [
        {"name": "encoder", "params": list(network.encoder.parameters()),
         "lr": config.peak_rate(from_weights=True)},
        {"name": "decoder and heads", "params": rest, "lr": config.peak_rate(from_weights=False)},
    ]  # fmt: skip


def peak_rate(config: TrainConfig) -> float:
    """Return the highest learning rate of the training."""
    return config.learning_rate or STARTING_POINTS[config.optimizer].from_scratch


def run_mask_stage(session: Session, recipe: Recipe) -> StageDone:
    """Train from the journal's place to the end; return how it went."""
    (stage,), journal = recipe.stages, session.journal
    with quiet(), interruptible(), deterministic(session.config.deterministic, session.device):
        if journal.place.stage == 0:
            _run(session, stage)
            journal.end_stage(session.network)
    rows = journal.rows_of(stage.name)
    return StageDone(
        name=stage.name,
        free=stage.free,
        way=THROUGH,
        epochs=len(rows),
        planned=journal.plans[stage.name].epochs,
        learning_rate=peak_rate(session.config),
        seconds=round(sum(row["seconds"] for row in rows), 2),
    )


def _run(session: Session, stage: Stage) -> None:
    config, journal = session.config, session.journal
    network: Any = session.network
    train: Any = session.train
    val: Any = session.val
    loss: Any = session.loss
    if stage.name not in journal.plans:
        journal.plans[stage.name] = _planned(session, stage)
    plan = journal.plans[stage.name]
    stage = Stage(name=stage.name, free=stage.free, epochs=plan.epochs, patience=stage.patience)
    if journal.is_over(stage):
        return
    data = CachedMasks(
        train, val,
        positive_share=config.positive_share, patches=patches_of(config),
        look=session.look, batch_size=config.batch_size, seed=config.seed,
        first_epoch=len(journal.rows), first_step=journal.place.step, loading=loading_of(session),
    )  # fmt: skip
    data.steps = plan.steps
    module = Segmenter(
        network, config, loss=loss, groups=mask_groups(network, config),
        length=(data.steps_an_epoch * stage.epochs, stage.epochs),
    )  # fmt: skip
    run_loop(session, stage, module, data)


def _planned(session: Session, stage: Stage) -> Plan:
    """Return how long the stage is: as asked, or as many epochs as fit into the budget."""
    config = session.config
    steps = -(-len(session.train) // config.batch_size)
    if config.budget_s is None:
        return plan_of(stage, views=0, steps=steps, pace=None, left_s=0.0)
    left = config.budget_s - session.journal.elapsed_s
    return plan_of(stage, views=0, steps=steps, pace=mask_pace(session, patches_of(config)), left_s=left)
