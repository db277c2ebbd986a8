"""What is needed to build a network again, empty, for its weights to be put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gyrus.config.network import NetworkOptions, Norm
from gyrus.errors import DataError
from gyrus.models import Network, build, to_grey
from gyrus.models.heads import HeadPlan
from gyrus.models.network import replace_facts

_GREY, _COLOUR = 1, 3
# what ``gyrus.models.build`` takes when it is not told
_USUAL = {
    "in_channels": _COLOUR, "hidden_sizes": (), "dropout": 0.0, "one_logit": False, "norm": "auto",
    "activation": "relu",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network without its weights.

    Attributes
    ----------
    architecture : str
        Name in the registry.
    num_classes, in_channels, image_size : int
        As :func:`gyrus.models.build` takes them.
    head : HeadPlan
        What stands on the features.
    norm : str
        As :func:`gyrus.models.build` takes it.
    folded : bool
        Whether colour weights were folded into a stem that reads grey.
    """

    architecture: str
    num_classes: int
    in_channels: int
    image_size: int
    head: HeadPlan
    norm: Norm = "auto"
    folded: bool = False

    def build(self) -> Network:
        """Build it, with random weights, in evaluation mode."""
        network = build(self.architecture, **self._arguments())
        return (to_grey(network) if self.folded else network).eval()

    def code(self) -> str:
        """Return the Python that does the same as :meth:`build`; its names are of ``gyrus.models``."""
        listed = ", ".join(
            f"{name}={value!r}" for name, value in self._arguments().items() if value != _USUAL.get(name)
        )
        line = f"build({self.architecture!r}, {listed})"
        return f"to_grey({line}).eval()" if self.folded else f"{line}.eval()"

    def _arguments(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "in_channels": _COLOUR if self.folded else self.in_channels,
            "image_size": self.image_size,
            "hidden_sizes": self.head.hidden,
            "dropout": self.head.dropout,
            "one_logit": self.head.one_logit,
            "norm": self.norm,
            "activation": self.head.activation,
        }


def rebuilt(
    options: NetworkOptions, card: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[Network, NetworkSpec]:
    """Return a trained network from its run: the options it was trained with, its card, and its weights.

    Raises
    ------
    DataError
        When the weights are not those of that network.
    """
    given = card["input"]
    differing: list[str] = []
    for folded in (False, True) if len(given["mean"]) == _GREY else (False,):
        spec = NetworkSpec(
            architecture=options.architecture,
            num_classes=len(card["classes"]),
            in_channels=len(given["mean"]),
            image_size=given["image_size_px"],
            head=HeadPlan(options.hidden_sizes, options.dropout, options.binary_output == "one"),
            norm=options.norm,
            folded=folded,
        )
        network = spec.build()
        differing = _unlike(network.state_dict(), tensors)
        if not differing:
            network.load_state_dict(dict(tensors))
            return with_normalisation(network, card), spec
    raise DataError(
        f"the weights are not those of the {options.architecture} that config.json describes: "
        f"{len(differing)} tensors differ",
        details=differing[:5],
        fix="name a run folder as gyrus train left it",
    )


def with_normalisation(network: Network, card: Mapping[str, Any]) -> Network:
    """Put the normalisation that a card tells into a network's facts; returns the same object."""
    given = card["input"]
    return replace_facts(
        network,
        mean=tuple(given["mean"]),
        std=tuple(given["std"]),
        per_image=given.get("normalize") == "per-image",
    )


def _unlike(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[str]:
    """Return the names that only one side has, or that have another shape."""
    lacking: torch.Size | None = None
    shapes = {name: tensor.shape for name, tensor in theirs.items()}
    return [
        name
        for name in sorted({*ours, *theirs})
        if name not in ours or shapes.get(name, lacking) != ours[name].shape
    ]
