"""What a training refuses before it begins: each of these would else fail after minutes."""

from __future__ import annotations

from pathlib import Path

from gyrus.config import TrainConfig
from gyrus.data import Manifest
from gyrus.data.manifest import SEGMENT
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import DataError, UsageError, require
from gyrus.runs import RunFolder
from gyrus.verbs.decided import check_wish
from gyrus.verbs.resuming import check_resumable


def check_before_reading(config: TrainConfig) -> None:
    """Refuse what can be told without the data: extras, device, folder, recipe, network, size, weights."""
    require("torch", "train", "training")
    require("matplotlib", "report", "the report")
    from gyrus.models import check_architecture
    from gyrus.training import pick_device, start_network
    from gyrus.training.memory import telling_memory_errors
    from gyrus.training.recipes import known_stages
    from gyrus.training.stage_checks import check_stages

    check_architecture(config.architecture)
    pick_device(config.device)
    if config.weights is not None and not config.weights.is_file():
        what = "is no file" if config.weights.exists() else "does not exist"
        raise DataError(what, path=config.weights, fix="name a file of weights (safetensors)")
    check_resumable(config)
    if config.out is not None and config.resume is None:
        RunFolder(config.out).check_free()
    stages = known_stages(config)
    with telling_memory_errors():
        # how many classes there are is not known yet; only the last layer depends on it
        network, _ = start_network(config, num_classes=2)
        if stages is not None:
            check_stages(network, stages, config)


def check_classes(manifest: Manifest, source: Path) -> None:
    """Refuse data whose task is masks: an experiment with a classifier would pass over them in silence.

    Raises
    ------
    UsageError
    """
    if manifest.task == SEGMENT:
        raise UsageError(
            "this experiment answers the class of an image; these data are of masks (task segment)",
            path=source,
            fix="--task classify goes by the images' labels and leaves the masks aside",
        )


def check_divided(config: TrainConfig, manifest: Manifest) -> None:
    """Refuse a division that lacks the images which training or ``--test`` looks at.

    Raises
    ------
    UsageError
        When options do not fit the task, or class weights the classes; when there are no validation images,
        or no test images and a look at them is asked for.
    DataError
        When the calibration images cannot give what is asked for; when a class name holds ``|``; of several
        classes an image, when one is in no training image, or in every one.
    """
    from gyrus.models import check_two_classes
    from gyrus.training.class_weights import class_weights
    from gyrus.training.targets import check_class_names, check_several, loss_of, targets_of

    if manifest.task == SEGMENT:
        if config.with_class:
            class_weights(config, [1] * len(manifest.classes), manifest.classes)
    elif manifest.several:
        check_several(config)
        loss_of(config, targets_of(manifest, manifest.select("train").rows), manifest.classes)
    else:
        check_class_names(manifest)
        if config.binary_output == "one":
            check_two_classes(len(manifest.classes))
        class_weights(config, [1] * len(manifest.classes), manifest.classes)  # names and numbers fit
    present = {row.split for row in manifest}
    if "val" not in present:
        raise UsageError(
            "val_fraction is 0 and the data bring no validation images; nothing tells the best epoch",
            fix="give --val-fraction, for example 0.1",
        )
    if manifest.task != SEGMENT:
        check_wish(config, manifest)
    if config.test and "test" not in present:
        raise UsageError(
            "test_fraction is 0 and the data bring no test images; there is nothing to look at",
            fix="leave out --test, or give --test-fraction, for example 0.2",
        )


def check_no_masks(config: TrainConfig) -> None:
    """Refuse options of masks where images are classified.

    Raises
    ------
    UsageError
        Naming them.
    """
    from gyrus.training.segmentation import check_not_segment

    check_not_segment(config)


def check_masks_before_reading(config: TrainConfig) -> None:
    """Refuse what can be told of a training for masks without the data: options, device, folder, network."""
    require("torch", "train", "training")
    require("matplotlib", "report", "the report")
    from gyrus.training import pick_device
    from gyrus.training.memory import telling_memory_errors
    from gyrus.training.segmentation import check_segment, start_mask_network

    check_segment(config)
    pick_device(config.device)
    if config.weights is not None and not config.weights.is_file():
        what = "is no file" if config.weights.exists() else "does not exist"
        raise DataError(what, path=config.weights, fix="name a file of weights (safetensors)")
    check_resumable(config)
    if config.out is not None and config.resume is None:
        RunFolder(config.out).check_free()
    with telling_memory_errors():
        # how many classes there are is not known yet; only the last layer depends on it
        start_mask_network(config, MaskClasses("binary", ("any",)), ("one", "other") * config.with_class)
