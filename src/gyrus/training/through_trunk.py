"""A stage that trains through the trunk: Lightning's loop, with our journal beside it."""

from __future__ import annotations

import logging
import sys
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, Checkpoint

from gyrus.config.stages import Stage
from gyrus.training.batches import CachedPixels, Loading
from gyrus.training.budget import keep_to_budget
from gyrus.training.checkpoints import AtomicCheckpointIO
from gyrus.training.classifier import Classifier
from gyrus.training.devices import accelerator_of
from gyrus.training.draws import Stream, key_of
from gyrus.training.freezing import Division
from gyrus.training.layer_groups import layer_groups
from gyrus.training.metrics_log import epoch_row
from gyrus.training.plan import Plan
from gyrus.training.progress import EpochBar
from gyrus.training.progressive import sides_of
from gyrus.training.session import Session

logger = logging.getLogger("gyrus")


def train_through_trunk(session: Session, stage: Stage, division: Division, rate: float, plan: Plan) -> None:
    """Train the stage at the journal's place to its end."""
    network, journal = session.network, session.journal
    division.apply(network)
    data = CachedPixels(
        session.train, session.val, look=session.look, batch_size=session.config.batch_size,
        seed=session.config.seed, balance=session.config,
        first_epoch=len(journal.rows), first_step=journal.place.step,
        loading=loading_of(session),
    )  # fmt: skip
    data.steps = plan.steps
    sides = sides_of(stage, session.config.image_size, progressive=session.config.progressive)
    data.sides = sides[journal.place.epoch :]
    module = Classifier(
        network,
        session.config,
        loss=session.loss,
        groups=layer_groups(network, division, stage, rate),
        still=division.still(network),
        length=(data.steps_an_epoch * stage.epochs, stage.epochs),
    )
    run_loop(session, stage, module, data)


def run_loop(session: Session, stage: Stage, module: Classifier, data: CachedPixels) -> None:
    """Train from the journal's place to the end of a stage; the network is on the CPU afterwards."""
    journal = session.journal
    module.solver_state = journal.solver_state
    module.sums = module.sums_from(journal.place.sums)
    module.journal = module.watch.journal = journal
    module.train()
    callbacks = [
        _StepSeed(session.config.seed, data),
        EpochBar(session.bar),
        _Keeper(session, stage, module, data),
    ]
    try:
        _trainer(session, stage, callbacks).fit(module, datamodule=data)
    finally:
        session.network.cpu()


def loading_of(session: Session) -> Loading:
    """Return who fetches the batches, as the options and the device have it."""
    pin = session.config.pin_memory
    if pin and session.device.type != "cuda":
        logger.info("note: --pin-memory does nothing on %s.", session.device.type)
    elif pin and session.train.on_device:
        logger.info("note: --pin-memory does nothing: the pixels lie on the GPU as a whole.")
    elsewhere = session.device.type == "cuda" and not session.train.on_device
    return Loading(session.config.workers, pin_memory=pin and elsewhere)


def _trainer(session: Session, stage: Stage, callbacks: list[Callback]) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator=accelerator_of(session.device),
        devices=1,
        max_epochs=stage.epochs - session.journal.place.epoch,
        precision=session.precision.for_trainer,
        logger=False,
        callbacks=callbacks,
        # a cluster's variables in the environment do not make this one process a distributed job
        plugins=[AtomicCheckpointIO(), LightningEnvironment()],
        default_root_dir=session.journal.run.path,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=sys.maxsize,
        use_distributed_sampler=False,
        # the first epoch of a training that goes on within one is shorter
        reload_dataloaders_every_n_epochs=1 if session.journal.place.step else 0,
    )


class _StepSeed(Callback):
    """Makes dropout a function of (seed, epoch, step), as the order is of (seed, epoch)."""

    def __init__(self, seed: int, data: CachedPixels) -> None:
        self.seed = seed
        self.data = data

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        epoch, step = self.data.epoch, self.data.skipped + batch_idx
        torch.manual_seed(key_of(self.seed, epoch, Stream.DROPOUT, step) >> 1)


class _Keeper(Checkpoint):
    """Enters each epoch into the journal; a ``Checkpoint``, so that Lightning calls it last."""

    def __init__(self, session: Session, stage: Stage, module: Classifier, data: CachedPixels) -> None:
        self.session = session
        self.stage = stage
        self.module = module
        self.data = data

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take SIGTERM back: Lightning would end the epoch first."""
        self.session.stop.listen()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save within the epoch when it is time; end when asked to."""
        journal, stop = self.session.journal, self.session.stop
        step = self.data.skipped + batch_idx + 1
        if step == self.data.steps_an_epoch:
            return  # the epoch ends, which saves
        overdue = journal.seconds_since_saved > 60.0 * self.session.config.checkpoint_minutes
        if stop.asked or overdue:
            self.module.watch.check()
            journal.pause(step, tuple(self.module.sums.tolist()))
            journal.save(self.session.network, self.module.solver_at_work.state_dict())
        if stop.asked:
            raise stop.error(journal.run)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the weights, if they are the best; save; stop, if patience has run out."""
        journal = self.session.journal
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = epoch_row(len(journal.rows) + 1, self.stage.name, values)
        solver = self.module.solver_at_work
        solver.end_epoch(journal.judged(row))
        if solver.backoff.parts > 1:
            journal.parts[self.stage.name] = solver.backoff.parts
        journal.end_epoch(row, solver.kept)
        self.stage = keep_to_budget(self.session, self.stage, solver)
        journal.save(self.session.network, solver.state_dict())
        if journal.is_over(self.stage):
            trainer.should_stop = True
        elif self.session.stop.asked:
            raise self.session.stop.error(journal.run)
