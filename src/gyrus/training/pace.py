"""How fast a stage will be: a few steps of it, timed on a copy of the network."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from gyrus.config.stages import Stage
from gyrus.training.batches import Batch, SplitPixels, prepare
from gyrus.training.freezing import divide
from gyrus.training.layer_groups import layer_groups
from gyrus.training.plan import Pace
from gyrus.training.session import Session
from gyrus.training.solver import Solver
from gyrus.training.tail import Tail

_TIMED = 3


def measure_pace(session: Session, stage: Stage, *, cached: bool) -> Pace:
    """Time a few steps of a stage; nothing is changed by it.

    Parameters
    ----------
    session : Session
        Network, data, device.
    stage : Stage
        What is free.
    cached : bool
        Whether what is frozen before the first free part is computed once.
    """
    devices = [session.device] if session.device.type == "cuda" else []
    half = session.precision.dtype == "bf16"
    with (
        torch.random.fork_rng(devices=devices),
        torch.autocast(session.device.type, torch.bfloat16, enabled=half),
    ):
        return _Timing(session, stage, cached).pace()


class _Timing:
    """A copy of the network, divided, and two batches."""

    def __init__(self, session: Session, stage: Stage, cached: bool) -> None:
        self.session, self.cached = session, cached
        network = copy.deepcopy(session.network).to(session.device)
        division = divide(network, stage)
        division.apply(network)
        network.train()
        for module in division.still(network):
            module.eval()
        self.leading = division.leading if cached else ()
        self.tail = Tail(network, division.parts[len(self.leading) :])
        options = replace(session.config, ema=0.0)
        groups = layer_groups(network, division, stage, 1e-6)
        self.solver = Solver(self.tail, groups, options, total=math.inf, epochs=1.0)
        self.loss = copy.deepcopy(session.loss).to(session.device)
        self.train = self._batch(session.train, session.config.batch_size)
        self.val = self._batch(session.val, 2 * session.config.batch_size)

    def pace(self) -> Pace:
        """Return the times."""
        train, val = self.session.train, self.session.val
        per_image = 1.0 / len(self.val.labels)
        if not self.cached:
            step = self._timed(lambda: self._step(self._trunk(self.train, 0)))
            judge = self._timed(lambda: self.tail(self._trunk(self.val, None)))
            return Pace(0.0, 0.0, step, judge * per_image * len(val))
        features = self._timed(lambda: self._trunk(self.val, 0)) * per_image
        inputs = self._trunk(self.train, 0).float()
        step = self._timed(lambda: self._step(inputs))
        judge = step / len(self.train.labels) * len(val)
        return Pace(features * len(train), features * len(val), step, judge)

    def _batch(self, split: SplitPixels, size: int) -> Batch:
        batch = split[np.arange(min(size, len(split)), dtype=np.int64)]
        device = self.session.device
        return batch._replace(pixels=batch.pixels.to(device), labels=batch.labels.to(device))

    def _trunk(self, batch: Batch, epoch: int | None) -> Tensor:
        images = prepare(batch, self.session.look, seed=self.session.config.seed, epoch=epoch)
        with torch.no_grad():
            for part in self.leading:
                images = part.module(images)
        return images

    def _step(self, inputs: Tensor) -> None:
        self.solver.gradients(inputs, self.train.labels, self.tail, self.loss)
        self.solver.advance()

    def _timed(self, work: Callable[[], object]) -> float:
        """Return the median time of some runs, after one that does not count."""
        times = []
        for _ in range(1 + _TIMED):
            began = time.perf_counter()
            work()
            if self.session.device.type == "cuda":
                torch.cuda.synchronize(self.session.device)
            times.append(time.perf_counter() - began)
        return sorted(times[1:])[_TIMED // 2]
