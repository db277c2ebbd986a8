"""The weights of a network in groups, each with its learning rate."""

from __future__ import annotations

from typing import TypedDict

from torch import nn

from gyrus.config.stages import HEAD, Stage
from gyrus.models import Network
from gyrus.training.freezing import Division


class Group(TypedDict):
    """What an optimizer takes as one group; ``lr`` is its peak, which the schedule multiplies."""

    name: str
    params: list[nn.Parameter]
    lr: float


def layer_groups(network: Network, division: Division, stage: Stage, rate: float) -> list[Group]:
    """Return the free weights in groups, from the input to the head.

    The head has the peak rate. A part of the trunk has it times ``trunk_factor``, times ``layer_decay`` to
    the power of its distance from the head (Howard and Ruder 2018, Universal Language Model Fine-tuning for
    Text Classification: discriminative fine-tuning). Parts of the same rate are one group.
    """
    rates = {}
    for distance, part in enumerate(reversed(division.parts), start=1):
        if part.name in division.free:
            rates[part.name] = rate * stage.trunk_factor * stage.layer_decay**distance
    groups: dict[float, Group] = {}
    members = [(part.name, part.module, rates[part.name]) for part in division.parts if part.name in rates]
    if HEAD in division.free:
        members.append((HEAD, network.head, rate))
    for name, module, its_rate in members:
        group = groups.setdefault(its_rate, Group(name="", params=[], lr=its_rate))
        group["name"] = f"{group['name']}, {name}".removeprefix(", ")
        group["params"] += list(module.parameters())
    return list(groups.values())
