"""The fit: from a manifest and its decoded pixels to the best network of the run."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from gyrus.config.train import TrainConfig
from gyrus.data.cache_folder import default_cache_folder
from gyrus.data.manifest import Manifest
from gyrus.errors import DataError, UsageError
from gyrus.models import Network, WeightsReport, build, load_weights
from gyrus.runs import RunFolder
from gyrus.training.allocator import keep_freed_memory
from gyrus.training.augmentation import policy_of
from gyrus.training.batches import CachedPixels, Look, Pixels, SplitPixels
from gyrus.training.checkpoints import AtomicCheckpointIO
from gyrus.training.classifier import Classifier, balanced_weights
from gyrus.training.draws import Stream, key_of
from gyrus.training.metrics_log import EpochLogger
from gyrus.training.precision import Precision, choose
from gyrus.training.progress import EpochBar
from gyrus.training.quiet import interruptible, quiet


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training gave.

    Attributes
    ----------
    network : Network
        With the weights of the epoch of lowest validation loss; on the CPU, float32, in evaluation mode.
    classes : tuple of str
        Names of the network's outputs, in order.
    history : tuple of dict
        One row an epoch, as in the metrics file; ``epoch`` counts from 1.
    best_epoch : int
        The epoch whose weights these are.
    stopped_early : bool
        Whether patience ran out before the last epoch.
    checkpoint : Path
        The best checkpoint, in Lightning's format.
    precision : Precision
        Number format, and how it was chosen.
    device : str
        ``cpu``, or the GPU's name.
    learning_rate : float
        The peak that was used.
    weights : WeightsReport or None
        What became of the file of starting weights.
    seconds : float
        The whole fit, the measuring of precision included.
    """

    network: Network
    classes: tuple[str, ...]
    history: tuple[dict[str, float], ...]
    best_epoch: int
    stopped_early: bool
    checkpoint: Path
    precision: Precision
    device: str
    learning_rate: float
    weights: WeightsReport | None
    seconds: float


def fit(
    manifest: Manifest, pixels: Pixels, config: TrainConfig, run: RunFolder, progress: bool = True
) -> FitResult:
    """Train a network on the split ``train``, and keep the epoch that is best on ``val``.

    Parameters
    ----------
    manifest : Manifest
        With splits and labels.
    pixels : Pixels
        Decoded images of ``config.image_size``; see :func:`gyrus.data.scan`.
    config : TrainConfig
        All options.
    run : RunFolder
        Gets ``metrics.csv`` and ``checkpoints/best.ckpt``; nothing else is written.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    UsageError
        On an unknown network, CUDA asked for and absent, a loss that is no longer a number.
    DataError
        When a class is absent from the training images, a split is empty, or the weights do not fit.
    """
    began = time.perf_counter()
    device = pick_device(config.device)
    train, val = SplitPixels(manifest, "train", pixels), SplitPixels(manifest, "val", pixels)
    _check_data(manifest, train, pixels, config)
    torch.manual_seed(config.seed)
    network, weights = start_network(config, num_classes=len(manifest.classes))
    precision = choose(
        config.precision,
        network,
        key=config.architecture,
        input_shape=(
            min(config.batch_size, len(train)),
            network.in_channels,
            config.image_size,
            config.image_size,
        ),
        device=device,
        cache_folder=config.cache_dir or default_cache_folder(),
    )
    # after the measurement, whose blocks of other sizes would stay for ever
    keep_freed_memory()
    memory_format = torch.channels_last if precision.channels_last else torch.contiguous_format
    network.to(memory_format=memory_format)
    rate = learning_rate_of(config)
    module = Classifier(
        network,
        learning_rate=rate,
        weight_decay=config.decay,
        warmup_epochs=config.warmup_steps(config.epochs, config.epochs),
        label_smoothing=config.label_smoothing,
        class_weights=_class_weights(train, manifest, config),
    )
    look = Look(
        mean=network.mean,
        std=network.std,
        policy=policy_of(config, config.color),
        channels_last=precision.channels_last,
    )
    data = CachedPixels(train, val, look=look, batch_size=config.batch_size, seed=config.seed)
    logger, best = EpochLogger(run.metrics), _best_checkpoint(run)
    trainer = _run_trainer(module, data, config, run, precision, device, logger, best, progress)
    best_epoch = _best_epoch(logger.rows)
    _restore(module, Path(best.best_model_path), network)
    return FitResult(
        network=network,
        classes=manifest.classes,
        history=logger.rows,
        best_epoch=best_epoch,
        stopped_early=trainer.current_epoch < config.epochs,
        checkpoint=Path(best.best_model_path),
        precision=precision,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        learning_rate=rate,
        weights=weights,
        seconds=time.perf_counter() - began,
    )


def pick_device(asked: str) -> torch.device:
    """Return the device to train on.

    Raises
    ------
    UsageError
        When CUDA is asked for and absent.
    """
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise UsageError(
            "device is cuda, but torch finds no CUDA GPU here", fix="leave out --device, or install a driver"
        )
    return torch.device("cuda", 0) if available and asked != "cpu" else torch.device("cpu")


def learning_rate_of(config: TrainConfig) -> float:
    """Return the peak learning rate: as asked, else lower from given weights than from scratch."""
    return config.peak_rate(from_weights=config.weights is not None or config.pretrained)


def start_network(config: TrainConfig, *, num_classes: int) -> tuple[Network, WeightsReport | None]:
    """Return the network that a training starts from, and what became of the file of weights.

    Raises
    ------
    UsageError
        On an unknown network, an image size that it cannot take, or weights that cannot be downloaded.
    DataError
        When the file of weights cannot be read or is of another network.
    """
    network = build(
        config.architecture,
        num_classes=num_classes,
        image_size=config.image_size,
        dropout=config.dropout,
        pretrained=config.pretrained,
    )
    report = load_weights(network, config.weights) if config.weights is not None else None
    return network, report


class _EpochSeed(Callback):
    """Makes dropout a function of (seed, epoch), as order and augmentation are."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        torch.manual_seed(key_of(self.seed, trainer.current_epoch, Stream.DROPOUT) >> 1)


def _check_data(manifest: Manifest, train: SplitPixels, pixels: Pixels, config: TrainConfig) -> None:
    counts = np.bincount(train.labels, minlength=len(manifest.classes))
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


def _class_weights(train: SplitPixels, manifest: Manifest, config: TrainConfig) -> list[float] | None:
    if config.class_weights == "none":
        return None
    return balanced_weights(train.labels.tolist(), len(manifest.classes))


def _best_checkpoint(run: RunFolder) -> ModelCheckpoint:
    return ModelCheckpoint(
        dirpath=run.checkpoints,
        filename="best",
        monitor="val_loss",
        mode="min",
        save_top_k=1,
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )


def _run_trainer(
    module: Classifier,
    data: CachedPixels,
    config: TrainConfig,
    run: RunFolder,
    precision: Precision,
    device: torch.device,
    logger: EpochLogger,
    best: ModelCheckpoint,
    progress: bool,
) -> lightning.Trainer:
    callbacks: list[Callback] = [_EpochSeed(config.seed), best, EpochBar(progress)]
    if config.patience is not None:
        # a validation loss that is no number is an epoch without improvement; see _best_epoch
        callbacks.append(
            EarlyStopping(monitor="val_loss", mode="min", patience=config.patience, check_finite=False)
        )
    with quiet(), interruptible():
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            max_epochs=config.epochs,
            precision=precision.for_trainer,
            logger=logger,
            callbacks=callbacks,
            # a cluster's variables in the environment do not make this one process a distributed job
            plugins=[AtomicCheckpointIO(), LightningEnvironment()],
            default_root_dir=run.path,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=sys.maxsize,
            use_distributed_sampler=False,
        )
        trainer.fit(module, datamodule=data)
    return trainer


def _restore(module: Classifier, checkpoint: Path, network: Network) -> None:
    state = AtomicCheckpointIO().load_checkpoint(checkpoint)["state_dict"]
    module.cpu()
    module.load_state_dict(state)
    network.to(memory_format=torch.contiguous_format).eval()


def _best_epoch(rows: tuple[dict[str, float], ...]) -> int:
    finite = [row for row in rows if math.isfinite(row["val_loss"])]
    if not finite:
        raise UsageError(
            f"the validation loss was no number in any of {len(rows)} epochs",
            fix="try a lower --learning-rate, or --precision float32",
        )
    return int(min(finite, key=lambda row: row["val_loss"])["epoch"])
