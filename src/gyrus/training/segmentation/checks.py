"""What a training for masks may not be asked for: options of classifiers that would change nothing."""

from __future__ import annotations

from dataclasses import fields

from gyrus.config.segmenting import SegmentOptions
from gyrus.config.train import TrainConfig
from gyrus.errors import UsageError
from gyrus.training.augmentation.policies import policy_of

DEFAULT_NETWORK = "unet"
_OF_CLASSIFIERS = {
    "loss": "masks have a loss of their own, --mask-loss",
    "focal_gamma": "masks have --mask-focal-gamma",
    "label_smoothing": "a pixel has one class",
    "sampler": "--positive-share draws images with something marked more often",
    "minority_augmentation": "it goes by the size of an image's class",
    "mixup": "a blend of two masks is no mask",
    "cutmix": "it is not there for masks",
    "progressive": "masks are trained at one size; --patch-size makes steps smaller",
    "find_rate": "give --learning-rate",
    "head_epochs": "there is no stage that trains the head alone",
    "views": "nothing is frozen, so no features are cached",
    "no_cache": "masks are kept beside the pixel cache",
    "calibration": "it is about an image's class",
    "positive": "operating points are about an image's class",
    "min_sensitivity": "operating points are about an image's class",
    "min_specificity": "operating points are about an image's class",
}
_RECIPES = ("auto", "scratch", "full")


def check_segment(config: TrainConfig) -> None:
    """Refuse options that a training for masks has no use for.

    Raises
    ------
    UsageError
        Naming all of them.
    """
    config.check_masks()
    usual = {f.name: f.default for f in fields(TrainConfig)}
    wrong = [
        f"--{name.replace('_', '-')}: {because}"
        for name, because in _OF_CLASSIFIERS.items()
        if getattr(config, name) != usual[name]
    ]
    if config.recipe not in _RECIPES:
        wrong.append(f"--recipe {config.recipe}: all of the network is trained (auto, scratch, full)")
    if not config.with_class and config.class_weights != usual["class_weights"]:
        wrong.append("--class-weights: they weigh the images' classes, which --with-class answers")
    if config.gate_method == "energy":
        wrong.append("--gate-method energy: it is the energy of an image's class (mahalanobis, knn)")
    if wrong:
        raise UsageError(
            "options of classifiers do nothing in a training for masks (task segment)",
            details=wrong,
            fix="leave them out",
        )
    if config.mirrored and not policy_of(config).mirror_left_right:
        raise UsageError(
            f"mirrored is given, and the augmentation {config.augmentation} mirrors nothing: the network "
            "would be asked about images such as it never saw",
            fix="add --flips where left and right may be exchanged, or leave out --mirrored",
        )
    if config.recipe == "scratch" and (config.weights is not None or config.pretrained):
        raise UsageError("recipe is scratch, and starting weights are given", fix="leave one of them out")
    if config.recipe == "full" and config.weights is None and not config.pretrained:
        raise UsageError(
            "recipe is full, and no starting weights are given",
            fix="give --weights FILE, or leave out --recipe",
        )


def check_not_segment(config: TrainConfig) -> None:
    """Refuse options of masks where images are classified.

    Raises
    ------
    UsageError
        Naming all of them.
    """
    usual = {f.name: f.default for f in fields(SegmentOptions)}
    given = [*config.mask_options_given, *(name for name in usual if getattr(config, name) != usual[name])]
    if given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise UsageError(f"{names}: there are no masks in a classification", fix="add --task segment")
