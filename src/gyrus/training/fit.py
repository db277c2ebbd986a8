"""The fit: from a manifest and its decoded pixels to the best network of the run."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest
from gyrus.errors import DataError
from gyrus.models import Network, WeightsReport, start
from gyrus.runs import RunFolder
from gyrus.training.augmentation import doubts, mixing_of
from gyrus.training.batches import Pixels, SplitPixels
from gyrus.training.determinism import fix_workspace
from gyrus.training.devices import pick_device
from gyrus.training.fitting import Course, hand_over, look_of, settle, take_up, tell_beginning
from gyrus.training.journal import Journal
from gyrus.training.memory import telling_memory_errors
from gyrus.training.normalising import choose_normalisation
from gyrus.training.optimisation_record import optimisation_record
from gyrus.training.recipe_notes import idle_with_recipe
from gyrus.training.recipes import recipe_of
from gyrus.training.sampling import draw_strengths
from gyrus.training.session import Session
from gyrus.training.stage_runs import run_stages
from gyrus.training.stopping import listening
from gyrus.training.strided_depthwise import quicken
from gyrus.training.targets import check_several, loss_of

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class FitResult(Course):
    """What a training gave, and how it went.

    Attributes
    ----------
    network : Network
        With the weights that were kept; on the CPU, float32, in evaluation mode.
    classes : tuple of str
        Names of the network's outputs, in order.
    task : str
        ``classify``, or ``multilabel``: each output is a question of its own.
    checkpoint : Path
        The weights that were kept, in Lightning's format.
    """

    network: Network
    classes: tuple[str, ...]
    task: str
    checkpoint: Path


@telling_memory_errors()
def fit(
    manifest: Manifest,
    pixels: Pixels,
    config: TrainConfig,
    run: RunFolder,
    progress: bool = True,
    resume: bool = False,
) -> FitResult:
    """Train a network on the split ``train``, stage by stage, and keep the epoch that is best on ``val``.

    Parameters
    ----------
    manifest : Manifest
        With splits and labels.
    pixels : Pixels
        Decoded images of ``config.image_size``; see :func:`gyrus.data.scan`.
    config : TrainConfig
        All options.
    run : RunFolder
        Gets ``metrics.csv``, ``checkpoints/best.ckpt`` (with ``select="last"``: ``last.ckpt``) and
        ``checkpoints/resume.ckpt``, the state to go on from; nothing else is written.
    progress : bool
        Show a bar on stderr.
    resume : bool
        Go on from the state in ``run``, where there is one; everything else must be as it was.

    Raises
    ------
    UsageError
        On an unknown network or recipe, CUDA asked for and absent, a loss that is no longer a number.
    StoppedError
        When SIGTERM came; the state is saved.
    StorageError
        When the disk is full; what was saved before is whole.
    DataError
        When a class is absent from the training images, a split is empty, or the weights do not fit.
    """
    began = time.perf_counter()
    device = pick_device(config.device)
    fix_workspace(config.deterministic, device)  # before the first product on the GPU
    train, val = SplitPixels(manifest, "train", pixels), SplitPixels(manifest, "val", pixels)
    _check_data(manifest, train, pixels, config)
    if manifest.several:
        check_several(config)
    torch.manual_seed(config.seed)
    network, weights = start_network(config, num_classes=len(manifest.classes))
    recipe = recipe_of(config, manifest, network)
    idle = idle_with_recipe(config, recipe.name, recipe.stages)
    tell_beginning(recipe, (*doubts(config, config.color), *idle), weights, run)
    folded = weights is not None and weights.grey_stem is not None
    if weights is not None and folded and config.normalize != "auto":
        logger.info(
            "note: --normalize %s; the grey stem is folded for it%s.",
            config.normalize,
            f" (the weights were trained with {weights.normalisation})" if weights.normalisation else "",
        )
    choose_normalisation(network, config, train, given_weights=weights is not None and not folded)
    quicken(network)
    journal = Journal(run, config.select)
    take_up(journal, network, recipe, resume=resume)
    precision = settle(
        config, network, (train, val), device, journal, variant=_variant(config), side=config.image_size
    )
    look = look_of(
        config,
        network,
        precision,
        strengths=draw_strengths(train.labels, config),
        mixing=mixing_of(config, len(manifest.classes)),
    )
    loss = loss_of(config, train.labels, manifest.classes)
    with listening() as stop:
        session = Session(
            config=config,
            network=network,
            train=train,
            val=val,
            look=look,
            loss=loss,
            precision=precision,
            device=device,
            journal=journal,
            stop=stop,
            bar=progress,
        )
        done = run_stages(session, recipe)
    rates = {stage.name: stage.learning_rate for stage in done}
    record = optimisation_record(config, loss, manifest.classes, rates=rates, parts=journal.parts)
    course = hand_over(
        journal, network, precision=precision, device=device, recipe=recipe, done=done, weights=weights,
        optimisation=record, began=began,
    )  # fmt: skip
    return FitResult(
        network=network,
        classes=manifest.classes,
        task=manifest.task,
        checkpoint=journal.kept_path,
        **course,
    )


def start_network(config: TrainConfig, *, num_classes: int) -> tuple[Network, WeightsReport | None]:
    """Return the network that a training starts from, and what became of the file of weights.

    Raises
    ------
    UsageError
        On an unknown network, an image size that it cannot take, or weights that cannot be downloaded.
    DataError
        When the file of weights cannot be read or is of another network.
    """
    return start(
        config,
        num_classes=num_classes,
        image_size=config.image_size,
        color=config.color,
        normalize=config.normalize,
    )


def _check_data(manifest: Manifest, train: SplitPixels, pixels: Pixels, config: TrainConfig) -> None:
    counts = train.counts(len(manifest.classes))
    absent = [name for name, count in zip(manifest.classes, counts, strict=True) if count == 0]
    if len(manifest.classes) < 2:
        raise DataError(
            f"there is one class only: {', '.join(manifest.classes)}",
            fix="a classifier needs images of two or more",
        )
    if absent:
        raise DataError(
            f"no training image of: {', '.join(absent)}", fix="divide the images anew: --split new", path=None
        )
    side = pixels.pixels.shape[1]
    if side != config.image_size:
        raise DataError(
            f"the pixel cache holds images of {side} pixels; image_size is {config.image_size}",
            fix="fill the cache with the same image_size: data.scan(manifest, image_size=…)",
        )


def _variant(config: TrainConfig) -> str:
    """Return the architecture with what changes its layers, and so its speed."""
    head = "x".join(map(str, config.hidden_sizes)) if config.hidden_sizes else "linear"
    return f"{config.architecture}, head {head}, norm {config.norm}"
