"""Options that are given and would change nothing, because another option makes them idle.

Who gives an option means something by it. Where the options alone tell that it can have no effect, that is an
error which names both; where it depends on the recipe that ``auto`` chooses, on the data or on the device, it
is a note of the part that finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from gyrus.errors import UsageError

if TYPE_CHECKING:
    from gyrus.config.train import TrainConfig


class IdleRule(NamedTuple):
    """When an option is idle.

    Attributes
    ----------
    option : str
        Its field in the configuration; it counts as given where it is not the default.
    idle : callable
        Configuration -> whether the option can have no effect.
    because : str
        Why, with ``{}`` places for other fields.
    fix : str
        What to do instead.
    """

    option: str
    idle: Callable[[TrainConfig], bool]
    because: str
    fix: str


RULES: tuple[IdleRule, ...] = (
    IdleRule(
        "focal_gamma",
        lambda config: config.loss != "focal",
        "loss is {loss}, which has no gamma",
        "add --loss focal, or leave out --focal-gamma",
    ),
    IdleRule(
        "effective_beta",
        lambda config: config.class_weights.strip() != "effective",
        "class_weights is {class_weights}, which knows no effective number",
        "add --class-weights effective, or leave out --effective-beta",
    ),
    IdleRule(
        "minority_augmentation",
        lambda config: config.augmentation == "none",
        "augmentation is none, which has no ranges to widen",
        "choose another --augmentation, or leave out --minority-augmentation",
    ),
    IdleRule(
        "momentum",
        lambda config: config.optimizer in ("adamw", "adam"),
        "optimizer is {optimizer}, whose momentum is no option",
        "add --optimizer sgd or rmsprop, or leave out --momentum",
    ),
    IdleRule(
        "momentum",
        lambda config: config.schedule == "one-cycle" and config.optimizer in ("sgd", "rmsprop"),
        "schedule is one-cycle, which sets the momentum in every step (0.85 to 0.95)",
        "choose another --schedule, or leave out --momentum",
    ),
    IdleRule(
        "nesterov",
        lambda config: config.optimizer != "sgd",
        "optimizer is {optimizer}; only sgd has Nesterov's momentum",
        "add --optimizer sgd, or leave out --no-nesterov",
    ),
    IdleRule(
        "plateau_patience",
        lambda config: config.schedule != "plateau",
        "schedule is {schedule}, which waits for no plateau",
        "add --schedule plateau, or leave out --plateau-patience",
    ),
    IdleRule(
        "grey_stem",
        lambda config: config.in_channels != 1,
        "in_channels is {in_channels}, and only with 1 colour weights are folded into grey ones",
        "add --in-channels 1, or leave out --grey-stem",
    ),
    IdleRule(
        "grey_stem",
        lambda config: config.in_channels == 1 and config.weights is None and not config.pretrained,
        "no starting weights are given, so there are no colour weights to fold",
        "give --weights FILE or --pretrained, or leave out --grey-stem",
    ),
)


def refuse_idle(config: TrainConfig) -> None:
    """Refuse options that are given and can have no effect.

    Raises
    ------
    UsageError
        Naming each with the option that makes it idle.
    """
    usual = {f.name: f.default for f in fields(config)}
    found = [
        rule for rule in RULES if _value(config, rule.option) != usual[rule.option] and rule.idle(config)
    ]
    if not found:
        return
    told = [f"{rule.option} is {_value(config, rule.option)}, but {_because(config, rule)}" for rule in found]
    if len(found) == 1:
        raise UsageError(f"{told[0]}: it would change nothing", fix=found[0].fix)
    raise UsageError(
        f"{len(found)} options would change nothing",
        details=told,
        fix="; ".join(rule.fix for rule in found),
    )


def _because(config: TrainConfig, rule: IdleRule) -> str:
    values = {f.name: _value(config, f.name) for f in fields(config)}
    return rule.because.format(**values)


def _value(config: TrainConfig, name: str) -> Any:
    return getattr(config, name)
