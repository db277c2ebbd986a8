"""The LightningModule: a network, its loss, its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightning
from torch import Tensor, nn
from torch.optim import Optimizer

from gyrus.config.optimising import OptimisationOptions
from gyrus.errors import UsageError
from gyrus.training.divergence import LossWatch
from gyrus.training.epoch_sums import EpochSums
from gyrus.training.journal import Journal
from gyrus.training.judging import judge_of
from gyrus.training.losses import DivisibleLoss, Loss, MeanOf
from gyrus.training.metrics_log import Score
from gyrus.training.solver import Solver


class Classifier(lightning.LightningModule):
    """Trains any network that maps images to logits.

    Usable with a plain ``lightning.Trainer`` and any loader of ``(images, labels)``. It logs, once an epoch,
    ``train_loss`` and ``train_accuracy`` (on the batches as they were trained on), ``val_loss`` and
    ``val_accuracy``, ``learning_rate`` (mean of the epoch's steps) and ``seconds``. Both losses are the plain
    mean cross-entropy, without class weights and smoothing, so that the two can be compared. With a
    :class:`gyrus.training.losses.MultilabelLoss` they are the binary ones of all classes, and the accuracies
    the share of right decisions; labels are then (n, K).

    Parameters
    ----------
    network : nn.Module
        (batch, channels, height, width) -> logits (batch, num_classes).
    options : OptimisationOptions, optional
        Optimizer, learning rate, schedule, clipping, moving average.
    loss : callable, optional
        What is minimised, as :func:`gyrus.training.losses.make_loss` makes it; or (logits, labels) -> a mean
        over the images. By default the mean cross-entropy.
    groups : sequence of mapping, optional
        ``params`` and peak ``lr`` of groups of weights; by default all weights at the peak of ``options``.
    still : sequence of nn.Module
        Modules that stay in evaluation mode: they are frozen, and their BatchNorm keeps its statistics.
    length : tuple of float, optional
        (steps, epochs) that the schedule is planned for; by default the trainer's.
    """

    score: Score = "accuracy"

    def __init__(
        self,
        network: nn.Module,
        options: OptimisationOptions | None = None,
        *,
        loss: DivisibleLoss | Callable[[Tensor, Tensor], Tensor] | None = None,
        groups: Sequence[Mapping[str, Any]] | None = None,
        still: Sequence[nn.Module] = (),
        length: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # the solver steps, here as in the loop on cached features
        self.network = network
        self.options = options or OptimisationOptions()
        self.loss: Any = _divisible(loss)
        self.groups = groups
        self.still = tuple(still)  # a tuple, so that they do not count as children
        self.length = length
        self.solver: Solver | None = None
        self.solver_state: Mapping[str, Any] | None = None
        self.judge = judge_of(self.loss)
        self.sums = self.sums_from(())
        self.journal: Journal | None = None
        self.watch = LossWatch()
        self._epoch_began = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, num_classes)."""
        logits: Tensor = self.network(x)
        return logits

    def train(self, mode: bool = True) -> Classifier:
        """Set the mode; what is frozen stays in evaluation mode."""
        super().train(mode)
        for module in self.still:
            module.eval()
        return self

    def sums_from(self, start: Sequence[float]) -> EpochSums:
        """Return the sums of an epoch, of which some steps may have been taken before."""
        return EpochSums(start, self.judge, self.score)

    def on_train_epoch_start(self) -> None:
        """Note the time."""
        self._epoch_began = time.perf_counter()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Take a step and return the loss that was minimised.

        Raises
        ------
        UsageError
            When the loss is no longer a number.
        """
        solver = self.solver_at_work
        images, labels = batch
        loss, logits = solver.gradients(images, labels, self, self.loss)
        epochs = self.current_epoch if self.journal is None else len(self.journal.rows)
        self.watch.see(loss, epochs + 1, batch_idx + 1, solver.rate)
        self.sums.add(logits, labels, solver.rate)
        solver.advance()
        return loss

    def on_validation_start(self) -> None:
        """Judge the moving average of the weights, where there is one."""
        self.watch.check()
        if self.solver is not None:
            self.solver.begin_validation()

    def on_validation_end(self) -> None:
        """Train on with the weights that are trained."""
        if self.solver is not None:
            self.solver.end_validation()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log loss and accuracy of a validation batch."""
        images, labels = batch
        logits = self(images).float() if self.solver is None else self.solver.answers(images, self)
        loss, hits = self.judge(logits, labels)
        values = {"val_loss": loss / len(labels), f"val_{self.score}": hits.float() / len(labels)}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))

    def on_train_epoch_end(self) -> None:
        """Log the means of the epoch, and how long it took, its validation included."""
        self.watch.check()  # without validation images it was not looked at before
        self.log_dict(self.sums.means())
        self.sums = self.sums_from(())
        self.log("seconds", time.perf_counter() - self._epoch_began)

    def configure_optimizers(self) -> Optimizer:
        """Make the solver, restore its state where there is one, and return its optimizer."""
        groups = self.groups or [
            {"params": list(self.network.parameters()), "lr": self.options.peak_rate(from_weights=False)}
        ]
        total, epochs = self.length or (
            float(self.trainer.estimated_stepping_batches),
            float(self.trainer.max_epochs or -1),
        )
        self.solver = Solver(self.network, groups, self.options, total=total, epochs=max(epochs, 1.0))
        if self.solver_state is not None:
            self.solver.load_state_dict(self.solver_state)
        return self.solver.optimizer

    @property
    def solver_at_work(self) -> Solver:
        """The solver, once there is a trainer."""
        if self.solver is None:
            raise UsageError("the classifier has no trainer", fix="lightning.Trainer(…).fit(classifier, …)")
        return self.solver


def _divisible(loss: DivisibleLoss | Callable[[Tensor, Tensor], Tensor] | None) -> Any:
    if loss is None:
        return Loss()
    return loss if hasattr(loss, "total") else MeanOf(loss)
