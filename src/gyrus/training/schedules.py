"""What the learning rate does from the first step to the last."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gyrus.config.optimising import OptimisationOptions

# The one-cycle policy (Smith and Topin 2019, Super-Convergence), with torch's figures
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = _ONE_CYCLE_START / 1e4
_MOMENTUM_HIGH, _MOMENTUM_LOW = 0.95, 0.85
PLATEAU_FACTOR = 0.1
_PLATEAU_THRESHOLD = 1e-4


def rate_factor(step: int, total: float, warmup: float, schedule: str) -> float:
    """Return the share of the peak learning rate at ``step`` of ``total``, from 0.

    Parameters
    ----------
    step : int
        Steps done.
    total : float
        Steps of the whole training (or stage); infinite where no end is set.
    warmup : float
        Steps in which the rate rises.
    schedule : str
        ``cosine``, ``one-cycle``, ``plateau`` (what it does before its first plateau) or ``constant``.
    """
    if schedule == "cosine":
        return warmup_cosine(step, warmup, total)
    if schedule == "one-cycle":
        return _one_cycle(step, warmup, total, _ONE_CYCLE_START, 1.0, _ONE_CYCLE_END)
    return min(1.0, (step + 1) / (min(warmup, total / 2) + 1))


def warmup_cosine(step: int, warmup: float, total: float) -> float:
    """Return the share of the peak learning rate at ``step`` of ``total``, from 0.

    It rises linearly over ``warmup`` steps (at most half of all) and falls as a half cosine to zero
    (Loshchilov and Hutter 2017, SGDR); it stays at 1 when the training has no set end.
    """
    warmup = min(warmup, total / 2)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if math.isinf(total):
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warmup) / (total - warmup))))


def one_cycle_momentum(step: int, total: float, warmup: float) -> float:
    """Return the momentum (Adam's beta 1) of the one-cycle policy: lowest where the rate is highest."""
    return _one_cycle(step, warmup, total, _MOMENTUM_HIGH, _MOMENTUM_LOW, _MOMENTUM_HIGH)


def _one_cycle(step: int, rise: float, total: float, start: float, peak: float, end: float) -> float:
    """Return a value that goes from ``start`` to ``peak`` in ``rise`` steps and to ``end`` with the last."""
    turn, last = rise - 1.0, total - 1.0
    if step < turn:
        return _half_cosine(start, peak, step / turn)
    if math.isinf(total):
        return peak
    return _half_cosine(peak, end, min(1.0, (step - turn) / (last - turn)) if last > turn else 1.0)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))


class Schedule(LRScheduler):
    """Sets the learning rate of every group after each step, as its share of the group's own peak.

    What it remembers is in ``state_dict``: plain numbers, so that a resumed training goes on as if it had not
    stopped.

    Parameters
    ----------
    optimizer : Optimizer
        Each group's rate is its peak.
    options : OptimisationOptions
        ``schedule``, ``warmup_epochs``, ``plateau_patience``.
    total : float
        Steps of the training (or stage).
    epochs : float
        Epochs of it.
    """

    def __init__(
        self, optimizer: Optimizer, options: OptimisationOptions, *, total: float, epochs: float
    ) -> None:
        self.kind = options.schedule
        self.patience = options.plateau_patience
        self.total = total
        self.warmup = options.warmup_steps(total, epochs)
        self.scale = 1.0
        self.lowest = math.inf
        self.waited = 0
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each group; with one-cycle the momentum is set too."""
        step = self.last_epoch
        if self.kind == "one-cycle":
            self._set_momentum(one_cycle_momentum(step, self.total, self.warmup))
        factor = self.scale * rate_factor(step, self.total, self.warmup, self.kind)
        return [factor * float(peak) for peak in self.base_lrs]

    def tell(self, val_loss: float) -> bool:
        """Tell the validation loss of an epoch; return whether the rate has fallen because of it.

        Only the plateau schedule listens: after more than ``plateau_patience`` epochs without a loss lower by
        a ten-thousandth, or with one that is no number, the rate falls to a tenth.
        """
        if self.kind != "plateau":
            return False
        if val_loss < self.lowest * (1.0 - _PLATEAU_THRESHOLD):
            self.lowest, self.waited = val_loss, 0
            return False
        self.waited += 1
        if self.waited <= self.patience:
            return False
        self.scale *= PLATEAU_FACTOR
        self.waited = 0
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return the step and what the plateau schedule has seen."""
        return {
            "last_epoch": self.last_epoch,
            "base_lrs": [float(peak) for peak in self.base_lrs],
            "last_lr": [float(rate) for rate in self._last_lr],
            "scale": self.scale,
            "lowest": self.lowest,
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state; the optimizer's own holds the rates of its groups."""
        self.last_epoch = state_dict["last_epoch"]
        self.base_lrs = list(state_dict["base_lrs"])
        self._last_lr = list(state_dict["last_lr"])
        self.scale = state_dict["scale"]
        self.lowest = state_dict["lowest"]
        self.waited = state_dict["waited"]

    def _set_momentum(self, momentum: float) -> None:
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
