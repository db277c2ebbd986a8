"""The optimisers, by name, and what is done to gradients before they step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from gyrus.config.optimising import OptimisationOptions
from gyrus.errors import UsageError

# where torch updates all weights in one call, which saves time in networks of many small layers
_FUSED = ("cpu", "cuda")


def make_optimizer(groups: Sequence[Mapping[str, Any]], options: OptimisationOptions) -> Optimizer:
    """Return the optimizer that the options ask for.

    Parameters
    ----------
    groups : sequence of mapping
        Each with ``params`` (iterable of parameters; frozen ones are left out) and ``lr`` (its peak rate).
        Each becomes two groups: matrices and kernels, decayed, and vectors (biases, norms), spared.
    options : OptimisationOptions
        ``optimizer``, ``weight_decay``, ``momentum``, ``nesterov``.

    Raises
    ------
    UsageError
        When nothing is left to train.
    """
    split = [part for group in groups for part in _by_decay(group["params"], group["lr"], options.decay)]
    if not split:
        raise UsageError(
            "no weight is left to train: all are frozen", fix="let the stage free some, at least the head"
        )
    fused = all(parameter.device.type in _FUSED for part in split for parameter in part["params"])
    match options.optimizer:
        case "adamw":
            return AdamW(split, fused=fused)
        case "adam":
            return Adam(split, fused=fused)
        case "sgd":
            nesterov = options.nesterov and options.momentum > 0
            return SGD(split, momentum=options.momentum, nesterov=nesterov, fused=fused)
        case "rmsprop":
            return RMSprop(split, momentum=options.momentum)


def _by_decay(parameters: Iterable[nn.Parameter], rate: float, decay: float) -> list[dict[str, Any]]:
    free = [parameter for parameter in parameters if parameter.requires_grad]
    decayed = [parameter for parameter in free if parameter.ndim > 1]
    spared = [parameter for parameter in free if parameter.ndim <= 1]
    groups = [
        {"params": decayed, "lr": rate, "weight_decay": decay},
        {"params": spared, "lr": rate, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def clip_gradients(optimizer: Optimizer, longest: float) -> Tensor | None:
    """Shorten the gradient of all parameters together to ``longest`` (Pascanu, Mikolov and Bengio 2013).

    Returns
    -------
    Tensor or None
        Its length before, a scalar; None when ``longest`` is 0, which clips nothing.
    """
    if longest == 0.0:
        return None
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return torch.nn.utils.clip_grad_norm_(parameters, longest)
