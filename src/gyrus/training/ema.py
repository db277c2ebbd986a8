"""A moving average of the weights: steadier than any one step's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average of a network's weights (after Polyak and Juditsky 1992, who average evenly).

    After step n: average = d * average + (1 - d) * weights, where d = min(decay, (1 + n) / (10 + n)), so that
    a short training does not keep its random start. BatchNorm's running means and variances are averaged in
    the same way, so that statistics and weights are of the same age; counters are taken as they are.

    Parameters
    ----------
    network : nn.Module
        Its weights are the first average.
    decay : float
        0 < decay < 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        self._aside: dict[str, Tensor] | None = None

    @property
    def swapped(self) -> bool:
        """Whether the network holds the average now."""
        return self._aside is not None

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the weights of one more step into the average."""
        self.steps += 1
        share = 1.0 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        live = network.state_dict()
        smooth = [name for name, tensor in live.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self._average[name] for name in smooth], [live[name] for name in smooth], share)
        for name, tensor in live.items():
            if not tensor.is_floating_point():
                self._average[name].copy_(tensor)

    @torch.no_grad()
    def swap_in(self, network: nn.Module) -> None:
        """Put the average into the network, for a validation; the weights are kept aside."""
        if self._aside is None:
            live = network.state_dict()
            self._aside = {name: tensor.detach().clone() for name, tensor in live.items()}
            _copy(self._average, live)

    @torch.no_grad()
    def swap_out(self, network: nn.Module) -> None:
        """Put the weights back."""
        if self._aside is not None:
            _copy(self._aside, network.state_dict())
            self._aside = None

    def weights(self) -> dict[str, Tensor]:
        """Return the average, by the names of the network's state."""
        return dict(self._average)

    def live(self, network: nn.Module) -> dict[str, Tensor]:
        """Return the weights that are trained on, wherever they are now."""
        return dict(self._aside if self._aside is not None else network.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"steps": self.steps, "average": self.weights()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.steps = int(state["steps"])
        _copy(state["average"], self._average)


@torch.no_grad()
def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, tensor in target.items():
        tensor.copy_(source[name])
