"""The range test of a stage: on a copy of its network, with its batches, its loss and its optimizer."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gyrus.config.stages import Stage
from gyrus.training.batches import Batch, BatchOrder, prepare
from gyrus.training.draws import Stream, key_of
from gyrus.training.freezing import divide
from gyrus.training.layer_groups import layer_groups
from gyrus.training.optimisers import clip_gradients
from gyrus.training.rate_finder import RateCurve, find_rate
from gyrus.training.sampling import epoch_order
from gyrus.training.session import Session
from gyrus.training.solver import Solver

logger = logging.getLogger("gyrus")


def search_rate(session: Session, stage: Stage) -> RateCurve:
    """Find a peak learning rate for the head of a stage that is about to begin; nothing is changed by it.

    Raises
    ------
    UsageError
        When the loss falls at no rate, or memory ends.
    """
    logger.info("looking for a learning rate (stage %s) …", stage.name)
    network, config = copy.deepcopy(session.network).to(session.device), session.config
    division = divide(network, stage)
    division.apply(network)
    network.train()
    for module in division.still(network):
        module.eval()
    groups = layer_groups(network, division, stage, 1.0)
    steady = replace(config, schedule="constant", warmup_epochs=0.0, ema=0.0)
    solver = Solver(network, groups, steady, total=1.0, epochs=1.0)
    loss = copy.deepcopy(session.loss).to(session.device)
    batches = _batches(session)
    half = session.precision.dtype == "bf16"

    def step(number: int) -> float:
        images, labels = next(batches)
        with torch.autocast(session.device.type, torch.bfloat16, enabled=half):
            value, _ = solver.gradients(images, labels, network, loss)
        clip_gradients(solver.optimizer, config.clip_norm)
        solver.optimizer.step()
        return float(value)

    with torch.random.fork_rng(devices=[session.device] if session.device.type == "cuda" else []):
        torch.manual_seed(key_of(config.seed, len(session.journal.rows), Stream.DROPOUT) >> 1)
        curve = find_rate(step, solver.optimizer)
    logger.info("note: Suggested learning rate of stage %s: %g.", stage.name, curve.suggestion)
    return curve


def _batches(session: Session) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches that the stage will see, epoch after epoch."""
    train, config, device = session.train, session.config, session.device
    order = BatchOrder(
        len(train), config.batch_size,
        order=lambda epoch: epoch_order(train.labels, epoch, config.seed, config),
    )  # fmt: skip
    epoch = len(session.journal.rows)
    while True:
        order.set_epoch(epoch)
        for numbers in order:
            batch = train[numbers]
            moved = Batch(batch.pixels.to(device), batch.labels.to(device), batch.numbers)
            yield prepare(moved, session.look, seed=config.seed, epoch=epoch), moved.labels
        epoch += 1
