"""What the network shall answer to each image, and what a training for it may ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError, UsageError
from gyrus.training.class_weights import class_weights
from gyrus.training.label_sets import encode_sets, positive_weights
from gyrus.training.losses import Loss, MultilabelLoss, make_loss
from gyrus.training.sampling import shown_counts

Targets = npt.NDArray[np.int64] | npt.NDArray[np.float32]
"""(n,) number of each image's class; or, of several classes an image, (n, K) 1 where it shows the class."""


def targets_of(manifest: Manifest, rows: Sequence[Row]) -> Targets:
    """Return the targets of some labelled rows, by the task and the classes of the manifest."""
    if manifest.several:
        return encode_sets([row.label for row in rows], manifest.classes)
    number = {name: index for index, name in enumerate(manifest.classes)}
    return np.array([number[row.label] for row in rows], dtype=np.int64)


def counts_of(targets: Targets, num_classes: int) -> list[int]:
    """Return the number of images that show each class."""
    per_class = targets.sum(axis=0) if targets.ndim == 2 else np.bincount(targets, minlength=num_classes)
    return [int(count) for count in per_class]


def loss_of(config: TrainConfig, targets: Targets, classes: Sequence[str]) -> Loss | MultilabelLoss:
    """Return the loss for the training images' targets, as the options ask.

    Of several classes an image ``class_weights`` weighs, for each class, images with it against those
    without: balanced by their numbers, or by the numbers given.

    Raises
    ------
    UsageError
        For class weights that do not fit the classes.
    DataError
        When a class that is to be balanced is in no training image, or in every one.
    """
    if targets.ndim == 1:
        shown = shown_counts(targets.astype(np.int64), len(classes), config)
        return make_loss(config, shown, classes, one_logit=config.binary_output == "one")
    if config.given_weights is None and config.class_weights.strip() == "balanced":
        weights: tuple[float, ...] | None = positive_weights(targets.astype(np.float32), classes)
    else:
        weights = class_weights(config, [1] * len(classes), classes)
    return MultilabelLoss(
        weights,
        gamma=config.focal_gamma if config.loss == "focal" else 0.0,
        label_smoothing=config.label_smoothing,
    )


def check_several(config: TrainConfig) -> None:
    """Refuse options that presume one class an image.

    Raises
    ------
    UsageError
        Naming all of them.
    """
    reasons = {
        "--sampler balanced draws images by their one class": config.sampler == "balanced",
        "--minority-augmentation goes by the size of an image's one class": config.minority_augmentation,
        "--class-weights effective counts the images of disjoint classes": config.class_weights.strip()
        == "effective",
        "--cutmix takes the share of the area for the share of a class, and no area tells which of several "
        "classes it holds": config.cutmix > 0,
        "--binary-output one: with several classes an image each has one logit already": config.binary_output
        == "one",
    }
    wrong = [reason for reason, asked in reasons.items() if asked]
    if wrong:
        raise UsageError(
            "an image may show several classes (task multilabel), and not every option knows that",
            details=wrong,
            fix="leave these options out; --class-weights balanced weighs each class by itself",
        )


def check_class_names(manifest: Manifest) -> None:
    """Refuse a class whose name would be read as several.

    Raises
    ------
    DataError
        With the names.
    """
    wrong = [name for name in manifest.classes if "|" in name]
    if wrong:
        raise DataError(
            f"'|' joins classes, and {'a class name holds' if len(wrong) == 1 else 'class names hold'} it",
            details=wrong,
            fix="--task multilabel, where an image may show several classes; else rename them "
            "(--join-classes NAME=VARIANT)",
        )
