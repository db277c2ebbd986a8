"""The stages of a recipe held against the network: a mistake in the last is told before the first."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gyrus.config.stages import Stage
from gyrus.config.train import TrainConfig
from gyrus.errors import UsageError
from gyrus.models import Network
from gyrus.training.freezing import Division, divide
from gyrus.training.progressive import check_sides, sides_of

logger = logging.getLogger("gyrus")

THROUGH, CACHED = "through the trunk", "on cached features"


def way_of(division: Division, config: TrainConfig) -> str:
    """Return how a stage is trained: what is frozen before its first free part need be computed only once."""
    return CACHED if division.leading and config.views else THROUGH


def check_stages(network: Network, stages: Sequence[Stage], config: TrainConfig) -> None:
    """Refuse stages that the network or the options do not allow; nothing is trained for it.

    Raises
    ------
    UsageError
        For a part that the network does not have (with the nearest), a stage that trains nothing, a size that
        the network does not take, or pictures that are to be mixed, or to grow, where no stage sees pictures.
    """
    ways = {}
    for stage in stages:
        ways[stage.name] = way_of(divide(network, stage), config)
        sides = sides_of(stage, config.image_size, progressive=config.progressive)
        check_sides(network, stage, sides, config.image_size)
    cached = [name for name, way in ways.items() if way == CACHED]
    wanted = needing_pictures(config)
    if not wanted or not cached:
        return
    if len(cached) == len(stages):
        raise UsageError(
            f"{' and '.join(wanted)} {'needs' if len(wanted) == 1 else 'need'} pictures, but every stage "
            f"({', '.join(cached)}) trains on cached features: its frozen trunk has seen each picture, whole "
            "and unmixed, before the first step, and mixed features are not the features of mixed pictures",
            fix="--views 0 computes the frozen trunk anew in every step; or leave out "
            f"{' and '.join(wanted)}",
        )
    logger.info(
        "note: %s: not in the stage%s %s, on cached features; --views 0 trains without a cache.",
        " and ".join(wanted), "s" * (len(cached) > 1), ", ".join(cached),
    )  # fmt: skip


def needing_pictures(config: TrainConfig) -> list[str]:
    """Return the options given that change pictures from epoch to epoch, beyond the views of a cache."""
    asked = {"--mixup": config.mixup, "--cutmix": config.cutmix, "--progressive": config.progressive}
    return [name for name, value in asked.items() if value]
