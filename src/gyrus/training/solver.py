"""From a loss to a step: optimizer, schedule, clipping, moving average; the same for every loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.config.optimising import OptimisationOptions
from gyrus.training.ema import Ema
from gyrus.training.losses import DivisibleLoss
from gyrus.training.memory import BatchBackoff
from gyrus.training.optimisers import clip_gradients, make_optimizer
from gyrus.training.schedules import Schedule

logger = logging.getLogger("gyrus")


def joined(answers: Sequence[Any]) -> Any:
    """Return the answers to the parts of a batch as those to the whole: tensors, or what joins itself."""
    if len(answers) == 1:
        return answers[0]
    return torch.cat(list(answers)) if isinstance(answers[0], Tensor) else type(answers[0]).joined(answers)


class Solver:
    """Turns losses into steps, and remembers what a resumed training needs.

    Parameters
    ----------
    network : nn.Module
        What the moving average is taken of.
    groups : sequence of mapping
        ``params`` and peak ``lr`` of each group.
    options : OptimisationOptions
        Optimizer, schedule, clipping, moving average, whether a batch may be divided.
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
        self.backoff = BatchBackoff(network, allowed=options.auto_batch)
        self._backoff_in_validation = BatchBackoff(network, allowed=options.auto_batch)

    @property
    def rate(self) -> float:
        """The highest learning rate of the step to come."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def gradients(
        self,
        inputs: Tensor,
        targets: Tensor,
        forward: Callable[[Tensor], Tensor],
        loss: DivisibleLoss,
    ) -> tuple[Tensor, Tensor]:
        """Compute the gradients of a batch, in as many parts as memory needs; :meth:`advance` steps.

        Parameters
        ----------
        inputs, targets : Tensor
            (n, …) of a batch.
        forward : callable
            Inputs -> logits.
        loss : DivisibleLoss
            What is minimised.

        Returns
        -------
        loss : Tensor
            Scalar, detached.
        logits : Tensor
            (n, num_classes), float32, detached.
        """
        weight = loss.weight_of(targets)

        def attempt(parts: list[slice]) -> tuple[Tensor, Tensor]:
            self.optimizer.zero_grad()
            values, answers = [], []
            for part in parts:
                logits = forward(inputs[part]).float()
                value = loss.total(logits, targets[part]) / weight
                torch.autograd.backward(value)
                values.append(value.detach())
                answers.append(logits.detach())
            return torch.stack(values).sum(), joined(answers)

        return self.backoff.take(len(targets), attempt, each=inputs[0].numel())

    def advance(self) -> None:
        """Take one step with the gradients that are there."""
        clip_gradients(self.optimizer, self.options.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        if self.ema is not None:
            self.ema.update(self.network)

    def answers(self, inputs: Tensor, forward: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the logits of a validation batch, float32, in as many parts as memory needs."""
        found: Tensor = self._backoff_in_validation.take(
            len(inputs),
            lambda parts: joined([forward(inputs[part]).float() for part in parts]),
            each=inputs[0].numel(),
        )
        return found

    def end_epoch(self, val_loss: float) -> None:
        """Tell the schedule how the epoch was judged."""
        if self.schedule.tell(val_loss):
            logger.info(
                "note: The validation loss has stopped falling; the learning rate falls to %.2g.", self.rate
            )

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
            "parts": self.backoff.parts,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.backoff.parts = state["parts"]
