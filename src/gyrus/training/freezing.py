"""What a stage leaves free: parts of the trunk and the head; the rest neither learns nor drifts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gyrus.config.build import nearest
from gyrus.config.stages import ALL, HEAD, LAST_BLOCK, UPPER, Stage
from gyrus.errors import UsageError
from gyrus.models import Network
from gyrus.models.parts import WHOLE, Part, parts_above, parts_of

UPPER_STRIDE = 8  # input pixels a cell, along a side: what is finer holds edges and textures


@dataclass(frozen=True, slots=True)
class Division:
    """A network divided by a stage.

    Attributes
    ----------
    parts : tuple of Part
        The trunk in order; one part where the stage needs no cut.
    free : frozenset of str
        Names of the parts that are trained, and ``head``.
    freeze_norms : bool
        Whether BatchNorm keeps its statistics in the free parts, too.
    """

    parts: tuple[Part, ...]
    free: frozenset[str]
    freeze_norms: bool = False

    @property
    def leading(self) -> tuple[Part, ...]:
        """The frozen parts before the first free one: their output never changes in this stage."""
        count = next((n for n, part in enumerate(self.parts) if part.name in self.free), len(self.parts))
        return self.parts[:count]

    @property
    def following(self) -> tuple[Part, ...]:
        """The parts from the first free one on."""
        return self.parts[len(self.leading) :]

    def still(self, network: Network) -> tuple[nn.Module, ...]:
        """Return the modules that stay in evaluation mode while the network trains."""
        modules = [part.module for part in self.parts if part.name not in self.free]
        if HEAD not in self.free:
            modules.append(network.head)
        if self.freeze_norms:
            modules += [module for module in network.modules() if isinstance(module, _BatchNorm)]
        return tuple(modules)

    def apply(self, network: Network) -> None:
        """Let gradients reach what is free, and nothing else."""
        for part in self.parts:
            part.module.requires_grad_(part.name in self.free)
        network.head.requires_grad_(HEAD in self.free)


def divide(network: Network, stage: Stage) -> Division:
    """Return what ``stage`` frees of ``network``.

    Raises
    ------
    UsageError
        When it names a part that the network does not have, or asks for the last block of a network of which
        no parts are known, or frees nothing that has weights.
    """
    needs_parts = not (stage.everything or stage.only_head) or stage.layer_decay != 1.0
    parts = parts_of(network) if needs_parts else (Part(WHOLE, network.features),)
    free = frozenset(_free_names(network, stage, parts))
    division = Division(parts, free, stage.freeze_norms)
    if not any(True for _ in _parameters(network, division)):
        raise UsageError(
            f"the stage {stage.name!r} frees {', '.join(stage.free)}, without weights: it trains nothing",
            fix=f"free one of {', '.join([*(part.name for part in parts), HEAD])}",
        )
    return division


def _free_names(network: Network, stage: Stage, parts: tuple[Part, ...]) -> list[str]:
    names = [part.name for part in parts]
    if stage.everything:
        return [*names, HEAD]
    free = []
    for asked in stage.free:
        if asked in (HEAD, *names):
            free.append(asked)
        elif asked in (LAST_BLOCK, UPPER):
            if len(parts) == 1:
                raise UsageError(
                    f"the stage {stage.name!r} frees {asked!r}, but of {network.architecture} no parts "
                    "are known",
                    fix=f"free {HEAD!r} or {ALL!r}",
                )
            free += names[-1:] if asked == LAST_BLOCK else parts_above(network, parts, UPPER_STRIDE)
            free.append(HEAD)
        else:
            choices = [*names, HEAD, LAST_BLOCK, UPPER, ALL]
            raise UsageError(
                f"the stage {stage.name!r} frees {asked!r}, which {network.architecture} does not have"
                f"{nearest(asked, choices)}",
                fix=f"its parts are {', '.join(names)}; then {HEAD}",
            )
    return free


def _parameters(network: Network, division: Division) -> Iterator[nn.Parameter]:
    for part in division.parts:
        if part.name in division.free:
            yield from part.module.parameters()
    if HEAD in division.free:
        yield from network.head.parameters()
