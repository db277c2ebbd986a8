"""From the option ``--recipe`` to the stages of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gyrus.config.build import nearest
from gyrus.config.stages import ALL, HEAD, LAST_BLOCK, RECIPES, UPPER, Stage
from gyrus.config.train import TrainConfig
from gyrus.data.groups import link_groups
from gyrus.data.manifest import Manifest
from gyrus.errors import UsageError
from gyrus.models import Network
from gyrus.models.parts import parts_of
from gyrus.training.devices import pick_device
from gyrus.training.freezing import divide
from gyrus.training.recipe_file import read_recipe
from gyrus.training.stage_checks import needing_pictures

# Patients from which on "auto" trains more. The limits are a choice, not a law, and not measured.
FEWEST_FOR_LAST_BLOCK = 20
FEWEST_FOR_MORE = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """The stages of a training, and why these.

    Attributes
    ----------
    name : str
        ``head``, ``two-stage``, ``upper``, ``full``, ``scratch``, or the name of a file.
    why : str
        A sentence.
    stages : tuple of Stage
        In order; at least one.
    """

    name: str
    why: str
    stages: tuple[Stage, ...]


def recipe_of(config: TrainConfig, manifest: Manifest, network: Network | None = None) -> Recipe:
    """Return the stages that ``config`` asks for.

    Parameters
    ----------
    config : TrainConfig
        Its recipe, epochs, patience, and whether weights are given.
    manifest : Manifest
        With splits; ``auto`` counts the patients of its training images.
    network : Network, optional
        What is to be trained; ``auto`` asks whether it can be cut. Without it: it cannot.

    Raises
    ------
    UsageError
        On an unknown recipe, one that contradicts the weights, or a file with a mistake.
    """
    check_recipe(config)
    asked = config.recipe
    if asked.endswith(".toml"):
        path = Path(asked)
        return Recipe(path.name, f"as {path.name} says", read_recipe(path))
    if asked == "auto":
        name, why = _automatic(config, manifest, network)
    else:
        name, why = asked, "as asked"
    return Recipe(name, why, _stages(name, config))


def check_recipe(config: TrainConfig) -> None:
    """Refuse a recipe that :func:`recipe_of` refuses, whatever the data are.

    Raises
    ------
    UsageError
        On an unknown recipe, one that contradicts the weights, or a file with a mistake.
    """
    asked = config.recipe
    if asked.endswith(".toml"):
        read_recipe(Path(asked))
        return
    if asked not in RECIPES:
        raise UsageError(
            f"recipe is {asked!r}; it can be {', '.join(RECIPES)}, or a file{nearest(asked, RECIPES)}",
            fix="a file's name ends in .toml",
        )
    _check_weights(asked, _from_weights(config))


def _from_weights(config: TrainConfig) -> bool:
    return config.weights is not None or config.pretrained


def known_stages(config: TrainConfig) -> tuple[Stage, ...] | None:
    """Return the stages that ``config`` asks for, where they do not depend on the data; else None.

    Raises
    ------
    UsageError
        As :func:`check_recipe`.
    """
    check_recipe(config)
    if config.recipe.endswith(".toml"):
        return read_recipe(Path(config.recipe))
    if config.recipe == "auto":
        return None if _from_weights(config) else _stages("scratch", config)
    return _stages(config.recipe, config)


def _automatic(config: TrainConfig, manifest: Manifest, network: Network | None) -> tuple[str, str]:
    if not _from_weights(config):
        return "scratch", "no starting weights are given, and a trunk of random ones is not to be frozen"
    count, what = training_patients(manifest)
    if count < FEWEST_FOR_LAST_BLOCK:
        return "head", f"{count} {what} to train on, fewer than {FEWEST_FOR_LAST_BLOCK}"
    if count < FEWEST_FOR_MORE:
        return "two-stage", f"{count} {what} to train on, fewer than {FEWEST_FOR_MORE}"
    enough = f"{count} {what} to train on, at least {FEWEST_FOR_MORE}"
    against = _against_upper(config, network)
    if against:
        return "full", f"{enough}; {against}"
    return "upper", f"{enough}; on a CPU it takes a part of the time of full (docs/reference/training.md)"


def _against_upper(config: TrainConfig, network: Network | None) -> str:
    """Return why everything is to be trained, and not the upper parts alone; "" for no reason."""
    device = pick_device(config.device).type
    if device != "cpu":
        return f"that the upper parts alone save time was measured on a CPU, and this is {device}"
    if not config.views:
        return "without cached features (--views 0) upper saves little"
    wanted = needing_pictures(config)
    if wanted:
        return f"{' and '.join(wanted)} would do nothing on cached features"
    cut = network is not None and len(parts_of(network)) > 1
    if network is None or not cut or not divide(network, _stages("upper", config)[0]).leading:
        return "the network has no finer parts that could stay as given"
    return ""


def training_patients(manifest: Manifest) -> tuple[int, str]:
    """Return how many patients the training images come from, and what was counted.

    Images without a patient count by group: those that show the same picture are one.
    """
    train = manifest.select("train")
    groups = len(set(link_groups(train).tolist()))
    known = all(row.subject_id or row.recovered_subject for row in train)
    return groups, "patients" if known else "patients or separate images"


def _check_weights(name: str, from_weights: bool) -> None:
    if name == "scratch" and from_weights:
        raise UsageError("recipe is scratch, and starting weights are given", fix="leave one of them out")
    if name in ("head", "two-stage", "upper") and not from_weights:
        raise UsageError(
            f"recipe is {name}, but the trunk that it freezes has random weights",
            fix="give --weights FILE or --pretrained, or --recipe scratch",
        )


def _stages(name: str, config: TrainConfig) -> tuple[Stage, ...]:
    if name in ("full", "scratch"):
        return (Stage(name=name, free=(ALL,), epochs=config.epochs, patience=config.patience),)
    if name == "upper":
        return (Stage(name="upper", free=(UPPER,), epochs=config.epochs, patience=config.patience),)
    head = Stage(name="head", free=(HEAD,), epochs=config.head_epochs, patience=config.patience)
    if name == "head":
        return (head,)
    last = Stage(name="last-block", free=(LAST_BLOCK,), epochs=config.epochs, patience=config.patience)
    return (head, last)
