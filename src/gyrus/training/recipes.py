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
from gyrus.training.recipe_file import read_recipe

# Patients from which on "auto" trains more. They are a choice, not a law, and not measured.
FEWEST_FOR_LAST_BLOCK = 20
FEWEST_FOR_FULL = 100


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


def recipe_of(config: TrainConfig, manifest: Manifest) -> Recipe:
    """Return the stages that ``config`` asks for.

    Parameters
    ----------
    config : TrainConfig
        Its recipe, epochs, patience, and whether weights are given.
    manifest : Manifest
        With splits; ``auto`` counts the patients of its training images.

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
        name, why = _automatic(_from_weights(config), manifest)
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


def _automatic(from_weights: bool, manifest: Manifest) -> tuple[str, str]:
    if not from_weights:
        return "scratch", "no starting weights are given, and a trunk of random ones is not to be frozen"
    count, what = training_patients(manifest)
    if count < FEWEST_FOR_LAST_BLOCK:
        return "head", f"{count} {what} to train on, fewer than {FEWEST_FOR_LAST_BLOCK}"
    if count < FEWEST_FOR_FULL:
        return "two-stage", f"{count} {what} to train on, fewer than {FEWEST_FOR_FULL}"
    return "full", f"{count} {what} to train on, at least {FEWEST_FOR_FULL}"


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
