"""A stage whose trunk is frozen up to some part: what stands behind it learns from cached features.

A plain loop: a step takes less than Lightning's hooks around it would (``docs/decisions``).
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from gyrus.config.stages import Stage
from gyrus.models import Network
from gyrus.training.batches import CachedPixels
from gyrus.training.budget import keep_to_budget
from gyrus.training.divergence import LossWatch
from gyrus.training.draws import Stream, key_of, uniform
from gyrus.training.epoch_sums import EpochSums
from gyrus.training.feature_cache import Features, cache_features
from gyrus.training.freezing import Division
from gyrus.training.judging import judge_of
from gyrus.training.layer_groups import layer_groups
from gyrus.training.metrics_log import epoch_row
from gyrus.training.moving import to_device
from gyrus.training.plan import Plan
from gyrus.training.session import Session
from gyrus.training.solver import Solver
from gyrus.training.tail import Tail

# a save may cost this share of the time between two; an epoch on features is short, and easily repeated
_SHARE_OF_SAVES = 0.05
_LARGEST_CHUNK = 1024


def train_on_features(session: Session, stage: Stage, division: Division, rate: float, plan: Plan) -> None:
    """Train the stage at the journal's place to its end."""
    network = session.network
    division.apply(network)
    network.to(session.device).eval()
    try:
        train, val = _cached(session, stage, division, plan.views)
        _Loop(session, stage, division, rate, plan, train, val).run()
    finally:
        network.cpu()


def _cached(session: Session, stage: Stage, division: Division, views: int) -> tuple[Features, Features]:
    network = session.network

    def trunk(images: Tensor) -> Tensor:
        for part in division.leading:
            images = part.module(images)
        return pooled(images) if pools else images

    pooled = _mean_over_space
    pools = not division.following and _takes_the_mean(network, session)
    look = replace(session.look, side=stage.image_size)
    train = cache_features(session, session.train, look, trunk, views=views, augment=True)
    val = cache_features(session, session.val, look, trunk, views=1, augment=False)
    return train, val


def _mean_over_space(features: Tensor) -> Tensor:
    return features.mean((2, 3), keepdim=True)


@torch.no_grad()
def _takes_the_mean(network: Network, session: Session) -> bool:
    """Tell whether the head sees no more of a feature map than its mean over space; then that is cached."""
    side = session.config.image_size
    features = network.features(torch.rand(1, network.in_channels, side, side, device=session.device))
    try:
        short = network.logits_of(_mean_over_space(features))
    except RuntimeError:
        return False  # the head wants the whole map
    return torch.allclose(short, network.logits_of(features), rtol=1e-3, atol=1e-4)


class _Loop:
    """The epochs of one stage."""

    def __init__(
        self,
        session: Session,
        stage: Stage,
        division: Division,
        rate: float,
        plan: Plan,
        train: Features,
        val: Features,
    ) -> None:
        self.session, self.stage, self.division = session, stage, division
        self.features, self.val = train, val
        self.tail = Tail(session.network, division.following)
        self.data = CachedPixels(
            session.train, session.val, look=session.look, batch_size=session.config.batch_size,
            seed=session.config.seed, balance=session.config,
        )  # fmt: skip
        self.data.steps = plan.steps
        self.order = self.data.train_order()
        groups = layer_groups(session.network, division, stage, rate)
        steps = self.data.steps_an_epoch * stage.epochs
        self.solver = Solver(self.tail, groups, session.config, total=steps, epochs=stage.epochs)
        if session.journal.solver_state is not None:
            self.solver.load_state_dict(session.journal.solver_state)
        self.loss = session.loss.to(session.device)
        self.judge = judge_of(session.loss)
        self.labels = torch.from_numpy(session.train.labels).to(session.device)
        numbers = np.arange(len(session.train), dtype=np.int64)
        drawn = uniform(session.config.seed, 0, numbers, stream=Stream.VIEW)[:, 0]
        self.first_views = (drawn * train.views).astype(np.int64)
        self.save_cost = 0.0
        self.watch = LossWatch(session.journal)

    def run(self) -> None:
        """Train epochs until the stage is over."""
        journal = self.session.journal
        total = self.stage.epochs
        with tqdm(
            total=total, initial=journal.place.epoch, desc=self.stage.name, unit="epoch",
            disable=not self.session.bar,
        ) as bar:  # fmt: skip
            while not journal.is_over(self.stage):
                self._epoch()
                row = journal.rows[-1]
                bar.set_postfix_str(f"val loss {row['val_loss']:.3f} accuracy {row['val_accuracy']:.1%}")
                bar.update()

    def _epoch(self) -> None:
        journal, solver = self.session.journal, self.solver
        began = time.perf_counter()
        number = len(journal.rows)
        self._set_modes()
        sums = EpochSums(journal.place.sums, self.judge)
        self.order.set_epoch(number)
        self.order.skip = journal.place.step
        for step, numbers in enumerate(self.order, start=self.order.skip):
            self._step(number, step, numbers, sums)
            if self._stop_within(step + 1, sums):
                raise self.session.stop.error(journal.run)
        self.watch.check()
        solver.begin_validation()
        judged = self._validate()
        values = {**sums.means(), **judged, "seconds": time.perf_counter() - began}
        journal.end_epoch(epoch_row(number + 1, self.stage.name, values), self.session.network.state_dict)
        solver.end_validation()
        solver.end_epoch(judged["val_loss"])
        self.stage = keep_to_budget(self.session, self.stage, solver)
        self._save_if_due()
        if self.session.stop.asked:
            raise self.session.stop.error(journal.run)

    def _step(self, epoch: int, step: int, numbers: npt.NDArray[np.int64], sums: EpochSums) -> None:
        config = self.session.config
        torch.manual_seed(key_of(config.seed, epoch, Stream.DROPOUT, step) >> 1)
        images = numbers % len(self.first_views)
        views = (self.first_views[images] + epoch + numbers // len(self.first_views)) % self.features.views
        places = to_device(np.stack([views, images]), self.features.values.device)  # one copy, not two
        features = self.features.take(places[0], places[1], self.session.device)
        labels = self.labels[places[1].to(self.session.device)]
        with self._autocast():
            loss, logits = self.solver.gradients(features, labels, self.tail, self.loss)
        self.watch.see(loss, epoch + 1, step + 1, self.solver.rate)
        sums.add(logits, labels, self.solver.rate)
        self.solver.advance()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self.session.network.eval()
        values = self.val.values[0]
        labels = torch.from_numpy(self.session.val.labels).to(self.session.device)
        logits = []
        with self._autocast():
            for chunk in torch.split(values, self._chunk()):
                moved = chunk.to(self.session.device, torch.float32)
                logits.append(self.solver.answers(moved, self.tail))
        answers = torch.cat(logits)
        loss, hits = self.judge(answers, labels)
        return {"val_loss": float(loss) / len(labels), "val_accuracy": float(hits) / len(labels)}

    def _set_modes(self) -> None:
        self.session.network.train()
        for module in self.division.still(self.session.network):
            module.eval()

    def _autocast(self) -> torch.autocast:
        half = self.session.precision.dtype == "bf16" and bool(self.division.following)
        return torch.autocast(self.session.device.type, torch.bfloat16, enabled=half)

    def _chunk(self) -> int:
        return _LARGEST_CHUNK if not self.division.following else 2 * self.session.config.batch_size

    def _stop_within(self, step: int, sums: EpochSums) -> bool:
        """Save within the epoch when it is time; return whether to end."""
        if step == self.data.steps_an_epoch:
            return False
        journal, config = self.session.journal, self.session.config
        if self.session.stop.asked or journal.seconds_since_saved > 60.0 * config.checkpoint_minutes:
            self.watch.check()
            journal.pause(step, tuple(sums.tolist()))
            self._save()
        return self.session.stop.asked

    def _save_if_due(self) -> None:
        journal = self.session.journal
        due = journal.seconds_since_saved * _SHARE_OF_SAVES > self.save_cost
        if due or self.session.stop.asked or journal.is_over(self.stage):
            self._save()

    def _save(self) -> None:
        began = time.perf_counter()
        self.session.journal.save(self.session.network, self.solver.state_dict())
        self.save_cost = time.perf_counter() - began
