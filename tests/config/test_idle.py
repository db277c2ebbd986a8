"""Every option of a training has an effect, or says that it has none."""

from dataclasses import fields
from pathlib import Path

import pytest

from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.config.augmenting import AugmentationOptions
from gyrus.config.balancing import BalanceOptions
from gyrus.config.durability import DurabilityOptions
from gyrus.config.idle import RULES
from gyrus.config.inputs import InputOptions
from gyrus.config.network import NetworkOptions
from gyrus.config.optimising import OptimisationOptions
from gyrus.config.stages import StageOptions
from gyrus.errors import UsageError

TRAINING = (
    NetworkOptions, StageOptions, InputOptions, AugmentationOptions, OptimisationOptions, BalanceOptions,
    DurabilityOptions,
)  # fmt: skip

# combination -> the words of the error; the first option is the idle one
REFUSED = {
    "focal gamma without focal": ({"focal_gamma": 3.0}, "focal_gamma is 3.0, but loss is cross-entropy"),
    "effective beta without effective": (
        {"effective_beta": 0.9}, "effective_beta is 0.9, but class_weights is balanced",
    ),
    "minority augmentation of nothing": (
        {"minority_augmentation": True, "augmentation": "none"}, "augmentation is none",
    ),
    "momentum of adamw": ({"momentum": 0.8}, "momentum is 0.8, but optimizer is adamw"),
    "momentum of one-cycle": (
        {"momentum": 0.8, "optimizer": "sgd", "schedule": "one-cycle"}, "schedule is one-cycle",
    ),
    "nesterov of adamw": ({"nesterov": False}, "nesterov is False, but optimizer is adamw"),
    "plateau patience of cosine": (
        {"plateau_patience": 5}, "plateau_patience is 5, but schedule is cosine",
    ),
    "grey stem of three channels": (
        {"grey_stem": "mean", "in_channels": 3}, "grey_stem is mean, but in_channels is 3",
    ),
    "grey stem without weights": ({"grey_stem": "mean", "in_channels": 1}, "no starting weights are given"),
    "hidden sizes of a linear head": ({"head_sizes": (8,)}, "a linear head has no hidden layer"),
    "weights twice": ({"pretrained": True, "weights": Path("w.pt")}, "exclude each other"),
    "a rate that is looked for": ({"find_rate": True, "learning_rate": 0.1}, "exclude each other"),
    "workers beside a cache": ({"workers": 2}, "nothing is to be read"),
    "pinned memory of a CPU": ({"pin_memory": True, "device": "cpu"}, "pin_memory is for CUDA"),
    "one channel for colour": ({"in_channels": 1, "color": "rgb"}, "read in colour"),
}  # fmt: skip

# the same option where it does something
ALLOWED = (
    {"focal_gamma": 3.0, "loss": "focal"},
    {"effective_beta": 0.9, "class_weights": "effective"},
    {"minority_augmentation": True},
    {"momentum": 0.8, "optimizer": "sgd"},
    {"momentum": 0.8, "optimizer": "rmsprop"},
    {"nesterov": False, "optimizer": "sgd"},
    {"plateau_patience": 5, "schedule": "plateau"},
    {"grey_stem": "mean", "in_channels": 1, "weights": Path("w.pt")},
    {"head_sizes": (8,), "head": "mlp"},
    {"workers": 2, "no_cache": True},
    {"pin_memory": True},
    {"warmup_epochs": 2.0, "schedule": "constant"},  # it rises, then stays
)

# option -> where it is told that it does nothing, or why there is nothing to tell
ELSEWHERE = {
    **dict.fromkeys(("epochs", "head_epochs", "views", "patience"), "gyrus.training.recipe_notes"),
    **dict.fromkeys(("learning_rate", "find_rate"), "gyrus.training.recipe_notes: a file with rates"),
    **dict.fromkeys(("mixup", "cutmix", "progressive"), "gyrus.training.stage_checks: cached features"),
    "flips": "gyrus.training.augmentation.doubts",
    "augmentation": "gyrus.training.augmentation.doubts: colour of grey images",
    "binary_output": "gyrus.models.check_two_classes; gyrus.training.targets.check_several",
    "norm": "gyrus.models.registry: timm's networks keep their layers",
    "sampler": "gyrus.training.targets.check_several",
    "class_weights": "gyrus.training.targets.check_several",
    "deterministic": "gyrus.training.determinism: a note on the CPU",
    "in_channels": "gyrus.models.starting",
}
ALWAYS = {
    *("architecture", "weights", "pretrained", "head", "dropout", "recipe", "select"),
    *("image_size", "resize", "brain_crop", "normalize", "device", "no_cache", "cache_dir"),
    *("erasing", "show_augmentation", "optimizer", "weight_decay", "schedule", "warmup_epochs"),
    *("ema", "clip_norm", "batch_size", "auto_batch", "loss", "label_smoothing"),
    *("resume", "checkpoint_minutes", "budget"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_an_option_that_would_change_nothing_is_refused(options, words):
    with pytest.raises(UsageError) as caught:
        TrainConfig(source=Path("data"), **options)
    assert words in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("options", ALLOWED, ids=str)
def test_where_it_does_something_it_is_taken(options):
    TrainConfig(source=Path("data"), **options)


def test_several_are_told_together():
    with pytest.raises(UsageError, match="2 options would change nothing") as caught:
        TrainConfig(source=Path("data"), focal_gamma=3.0, momentum=0.8)
    assert len(caught.value.details) == 2


def test_a_cross_validation_refuses_the_same():
    with pytest.raises(UsageError, match="plateau_patience is 5"):
        CrossvalConfig(source=Path("data"), plateau_patience=5)


def test_every_option_of_the_training_is_accounted_for():
    """A new option goes into one of the tables here: what makes it idle, and where that is told."""
    names = {f.name for kind in TRAINING for f in fields(kind)}
    refused = {rule.option for rule in RULES} | {next(iter(options)) for options, _ in REFUSED.values()}
    assert names - refused - set(ELSEWHERE) - ALWAYS == set()
    assert (set(ELSEWHERE) | ALWAYS) - names == set()
    assert ALWAYS & set(ELSEWHERE) == set()


def test_every_rule_is_tried():
    tried = [options for options, _ in REFUSED.values()]
    for rule in RULES:
        assert any(rule.option in options and rule.idle(_unchecked(options)) for options in tried), (
            rule.option
        )


def _unchecked(options):
    """Return a configuration whose checks were left out."""
    config = object.__new__(TrainConfig)
    for field in fields(TrainConfig):
        object.__setattr__(config, field.name, options.get(field.name, field.default))
    return config
