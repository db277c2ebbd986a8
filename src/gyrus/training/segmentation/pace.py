"""How fast a training for masks will be: a few steps of it, timed on a copy of the network."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gyrus.training.plan import Pace
from gyrus.training.segmentation.answers import Answers
from gyrus.training.segmentation.batches import SplitMasks, prepared
from gyrus.training.segmentation.patches import Patches
from gyrus.training.session import Session
from gyrus.training.solver import Solver

_TIMED = 3


def mask_pace(session: Session, patches: Patches | None) -> Pace:
    """Return how long a step and a validation take; nothing is changed by the measurement."""
    config, device = session.config, session.device
    network: Any = copy.deepcopy(session.network).to(device).train()
    groups = [{"params": list(network.parameters()), "lr": 1e-6}]
    solver = Solver(network, groups, replace(config, ema=0.0), total=math.inf, epochs=1.0)
    loss: Any = copy.deepcopy(session.loss).to(device)

    def answers(images: torch.Tensor) -> Any:
        masks, classes = network.forward_deep(images)
        return Answers(masks, classes)

    def batch(split: Any, size: int, epoch: int | None) -> tuple[torch.Tensor, Any]:
        taken = _first(split, size)
        return prepared(
            taken.pixels.to(device), taken.labels.to(device), taken.numbers, session.look,
            seed=config.seed, epoch=epoch, patches=patches,
        )  # fmt: skip

    def step() -> None:
        images, truth = batch(session.train, config.batch_size, 0)
        solver.gradients(images, truth, answers, loss)
        solver.advance()

    def judge() -> None:
        network.eval()
        with torch.no_grad():
            answers(batch(session.val, 2 * config.batch_size, None)[0])
        network.train()

    half = session.precision.dtype == "bf16"
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.autocast(device.type, torch.bfloat16, enabled=half):
        took, judged = _timed(step, device), _timed(judge, device)
    share = len(session.val) / min(2 * config.batch_size, len(session.val))
    return Pace(0.0, 0.0, took, judged * share)


def _first(split: SplitMasks, size: int) -> Any:
    return split[np.arange(min(size, len(split)), dtype=np.int64)]


def _timed(work: Callable[[], None], device: torch.device) -> float:
    """Return the median time of some runs, after one that does not count."""
    times = []
    for _ in range(1 + _TIMED):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return sorted(times[1:])[_TIMED // 2]
