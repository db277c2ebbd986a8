"""The fit of a network for masks: from a manifest, its decoded pixels and masks to the run's best network."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest
from gyrus.data.mask_cache import MaskCache
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import DataError, UsageError
from gyrus.models import WeightsReport
from gyrus.models.segmentation import SegmentationNetwork, check_size, start_segmentation
from gyrus.runs import RunFolder
from gyrus.training.augmentation import doubts
from gyrus.training.batches import Pixels
from gyrus.training.class_weights import class_weights
from gyrus.training.determinism import fix_workspace
from gyrus.training.devices import pick_device
from gyrus.training.fitting import Course, hand_over, look_of, settle, take_up, tell_beginning
from gyrus.training.journal import Journal
from gyrus.training.losses import Loss
from gyrus.training.memory import telling_memory_errors
from gyrus.training.normalising import choose_normalisation
from gyrus.training.segmentation.batches import SplitMasks
from gyrus.training.segmentation.checks import check_segment
from gyrus.training.segmentation.joint import MaskAndClassLoss
from gyrus.training.segmentation.losses import make_mask_loss
from gyrus.training.segmentation.stage import recipe_for_masks, run_mask_stage
from gyrus.training.session import Session
from gyrus.training.stage_runs import StageDone
from gyrus.training.stopping import listening
from gyrus.training.strided_depthwise import quicken


@dataclass(frozen=True, slots=True)
class MaskFit(Course):
    """What a training for masks gave, and how it went.

    Attributes
    ----------
    network : SegmentationNetwork
        With the weights that were kept; on the CPU, float32, in evaluation mode.
    mask_classes : MaskClasses
        What its planes mean.
    classes : tuple of str
        Of a joint network, the images' classes in the order of its class logits; else empty.
    """

    network: SegmentationNetwork
    mask_classes: MaskClasses
    classes: tuple[str, ...]

    task = "segment"


@telling_memory_errors()
def fit_masks(
    manifest: Manifest,
    pixels: Pixels,
    masks: MaskCache,
    config: TrainConfig,
    run: RunFolder,
    progress: bool = True,
    resume: bool = False,
) -> MaskFit:
    """Train a network for masks on the split ``train`` and keep the epoch that is best on ``val``.

    The best is that of the highest validation Dice at the network's size; see
    :func:`gyrus.training.segmentation.judging.dice_of`.

    Parameters
    ----------
    manifest : Manifest
        With splits; of a joint network with labels.
    pixels : Pixels
        Decoded images of ``config.image_size``; see :func:`gyrus.data.scan`.
    masks : MaskCache
        Their masks, of the same size; see :func:`gyrus.data.mask_cache.scan_masks`.
    config : TrainConfig
        All options.
    run : RunFolder
        Gets ``metrics.csv`` and ``checkpoints/``.
    progress : bool
        Show a bar on stderr.
    resume : bool
        Go on from the state in ``run``, where there is one; it ends with the same bits.

    Raises
    ------
    UsageError
        On options that do not fit masks, an unknown network, a size that it cannot take.
    DataError
        When a split is empty, or nothing is marked in any training image.
    StoppedError
        When SIGTERM came; the state is saved.
    """
    began = time.perf_counter()
    check_segment(config)
    device = pick_device(config.device)
    fix_workspace(config.deterministic, device)
    image_classes = manifest.classes if config.with_class else ()
    train = SplitMasks(manifest, "train", pixels, masks, image_classes)
    val = SplitMasks(manifest, "val", pixels, masks, image_classes)
    _check_data(train, masks, pixels, config)
    torch.manual_seed(config.seed)
    network, weights = start_mask_network(config, masks.classes, image_classes)
    if (weights is None or not weights.head_loaded) and config.mask_loss != "weighted_ce":
        network.set_prior(marked_shares(train))  # weighted_ce asks for classes in equal shares
    recipe = recipe_for_masks(config)
    tell_beginning(recipe, doubts(config, config.color), weights, run)
    any_network: Any = network
    choose_normalisation(any_network, config, train, given_weights=weights is not None)
    quicken(network)
    journal = Journal(run, config.select, "dice")
    take_up(journal, any_network, recipe, resume=resume)
    precision = settle(
        config, any_network, (train, val), device, journal,
        variant=f"{config.architecture}, masks of {network.planes}, norm {config.norm}",
        side=config.patch_size or config.image_size,
    )  # fmt: skip
    look = look_of(config, any_network, precision)
    loss: Any = mask_loss_of(config, train, image_classes)
    with listening() as stop:
        session = Session(
            config=config, network=any_network, train=train, val=val, look=look, loss=loss,
            precision=precision, device=device, journal=journal, stop=stop, bar=progress,
        )  # fmt: skip
        done = run_mask_stage(session, recipe)
    course = hand_over(
        journal, any_network, precision=precision, device=device, recipe=recipe, done=(done,),
        weights=weights, optimisation=_optimisation(config, journal, done), began=began,
    )  # fmt: skip
    return MaskFit(
        network=network,
        mask_classes=masks.classes,
        classes=tuple(image_classes),
        **course,
    )


def start_mask_network(
    config: TrainConfig, classes: MaskClasses, image_classes: tuple[str, ...]
) -> tuple[SegmentationNetwork, WeightsReport | None]:
    """Return the network that a training for masks starts from, and what became of its weights.

    Raises
    ------
    UsageError, DataError
        As :func:`gyrus.models.segmentation.start_segmentation`; for patches that the network cannot take.
    """
    network, report = start_segmentation(
        config,
        mask_classes=len(classes.names),
        image_classes=len(image_classes) if image_classes else None,
        image_size=config.image_size,
        color=config.color,
        normalize=config.normalize,
        deep_supervision=config.deep_supervision,
    )
    if config.patch_size is not None:
        if config.patch_size >= config.image_size:
            raise UsageError(
                f"patch_size is {config.patch_size}, and images have {config.image_size} pixels",
                fix="a larger --image-size, or a smaller --patch-size",
            )
        try:
            check_size(network, config.patch_size)
        except UsageError as error:
            fix = (error.fix or "").replace("--image-size", "--patch-size")
            raise UsageError(error.message.replace("image_size", "patch_size"), fix=fix) from error
    return network, report


def mask_loss_of(config: TrainConfig, train: SplitMasks, image_classes: tuple[str, ...]) -> MaskAndClassLoss:
    """Return what is minimised, as the options ask and the training images weigh it."""
    marked = [int(count) for count in train.areas.sum(axis=0)]
    loss = make_mask_loss(config, [train.pixels_in_all() - sum(marked), *marked])
    if not image_classes:
        return MaskAndClassLoss(loss)
    weights = class_weights(config, train.counts(len(image_classes)), image_classes)
    return MaskAndClassLoss(loss, Loss(weights=weights), config.class_loss_weight)


def marked_shares(train: SplitMasks) -> list[float]:
    """Return the share of the training images' pixels that is marked as each class."""
    every = train.pixels_in_all()
    return [int(count) / every for count in train.areas.sum(axis=0)]


def _check_data(train: SplitMasks, masks: MaskCache, pixels: Pixels, config: TrainConfig) -> None:
    sides = {pixels.pixels.shape[1], masks.masks.shape[1], config.image_size}
    if len(sides) > 1:
        raise DataError(
            f"the caches hold images of {pixels.pixels.shape[1]} and masks of {masks.masks.shape[1]} pixels; "
            f"image_size is {config.image_size}",
            fix="fill both with the same image_size",
        )
    if not train.positive.any():
        raise DataError(
            f"nothing is marked in any of the {len(train)} training images",
            fix="check the masks and what their values mean (--mask-classes)",
        )
    absent = [
        name for name, count in zip(masks.classes.names, train.areas.sum(axis=0), strict=True) if not count
    ]
    if absent:
        raise DataError(
            f"nothing of {', '.join(absent)} is marked in any training image",
            fix="divide the images anew: --split new; or leave these classes out",
        )


def _optimisation(config: TrainConfig, journal: Journal, done: StageDone) -> dict[str, Any]:
    """Return how the training was optimised, as plain data for the card."""
    return {
        "optimizer": config.optimizer,
        "learning_rates": {done.name: done.learning_rate},
        "rate_found": False,
        "weight_decay": config.decay,
        "schedule": config.schedule,
        "ema": config.ema,
        "clip_norm": config.clip_norm,
        "batch_size": config.batch_size,
        "parts": dict(journal.parts),
        "loss": config.mask_loss,
        "deep_supervision": config.deep_supervision,
        "class_loss_weight": config.class_loss_weight if config.with_class else None,
        "positive_share": config.positive_share,
        "patch_size": config.patch_size,
    }
