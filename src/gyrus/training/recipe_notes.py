"""Which options of length a recipe has no use for: told when the recipe is known."""

from __future__ import annotations

from collections.abc import Sequence

from gyrus.config.stages import Stage, StageOptions
from gyrus.config.train import TrainConfig


def idle_with_recipe(config: TrainConfig, name: str, stages: Sequence[Stage]) -> tuple[str, ...]:
    """Return a sentence for each option that is given and that this recipe makes nothing of.

    Parameters
    ----------
    config : TrainConfig
        An option counts as given where it is not the default.
    name : str
        Of the recipe.
    stages : sequence of Stage
        Its own.
    """
    of_file = name.endswith(".toml")
    only_head = all(stage.only_head for stage in stages)
    rates = all(stage.learning_rate is not None for stage in stages)
    idle = {
        "epochs": (of_file or only_head, "--head-epochs is the head's" if only_head else ""),
        "head_epochs": (of_file or not any(stage.only_head for stage in stages), ""),
        "patience": (of_file, ""),
        "views": (all(stage.everything for stage in stages), "nothing is frozen"),
        "learning_rate": (rates, "every stage has its own"),
        "find_rate": (rates, "every stage has its own rate"),
    }
    usual = {name: getattr(StageOptions, name) for name in ("epochs", "head_epochs", "patience", "views")}
    usual |= {"learning_rate": None, "find_rate": False}
    found = []
    for option, (does_nothing, why) in idle.items():
        if not does_nothing or getattr(config, option) == usual[option]:
            continue
        told = "the file tells it stage by stage" if of_file and not why else why
        given = f"--{option.replace('_', '-')}"
        found.append(f"{given} is not used by the recipe {name}{f': {told}' if told else ''}.")
    return tuple(found)
