"""From a loss to a step: optimizer, schedule, clipping, moving average; the same for every loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.config.optimising import OptimisationOptions
from gyrus.training.ema import Ema
from gyrus.training.optimisers import clip_gradients, make_optimizer
from gyrus.training.schedules import Schedule


class Solver:
    """Turns losses into steps, and remembers what a resumed training needs.

    Parameters
    ----------
    network : nn.Module
        What the moving average is taken of.
    groups : sequence of mapping
        ``params`` and peak ``lr`` of each group.
    options : OptimisationOptions
        Optimizer, schedule, clipping, moving average.
    total : float
        Steps of the stage.
    epochs : float
        Epochs of it.
    """

    def __init__(
        self,
        network: nn.Module,
        groups: Sequence[Mapping[str, Any]],
        options: OptimisationOptions,
        *,
        total: float,
        epochs: float,
    ) -> None:
        self.network = network
        self.options = options
        self.optimizer = make_optimizer(groups, options)
        self.schedule = Schedule(self.optimizer, options, total=total, epochs=epochs)
        self.ema = Ema(network, options.ema) if options.ema else None

    @property
    def rate(self) -> float:
        """The highest learning rate of the step to come."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def step(self, loss: Tensor) -> None:
        """Take one step down ``loss``."""
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        clip_gradients(self.optimizer, self.options.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        if self.ema is not None:
            self.ema.update(self.network)

    def begin_validation(self) -> None:
        """Put the moving average into the network, where there is one: it is what is validated and kept."""
        if self.ema is not None:
            self.ema.swap_in(self.network)

    def end_validation(self) -> None:
        """Put the weights that are trained on back."""
        if self.ema is not None:
            self.ema.swap_out(self.network)

    def kept(self) -> dict[str, Tensor]:
        """Return the weights that an epoch is judged by."""
        return dict(self.network.state_dict()) if self.ema is None else self.ema.weights()

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the weights of the network."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
