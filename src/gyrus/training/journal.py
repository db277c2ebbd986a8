"""How far a training is, on disk: rows of metrics, the epoch that is kept, the state to go on from.

The order of the writes makes every moment a good one to be killed in: first the kept weights, then the state
that knows of them. Killed in between, an epoch is repeated, with the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import lightning
from torch import Tensor, nn

from gyrus.config.stages import Stage
from gyrus.errors import DataError, UsageError
from gyrus.runs import RunFolder
from gyrus.training.checkpoints import AtomicCheckpointIO
from gyrus.training.metrics_log import EpochRow, Score, epoch_row, write_metrics
from gyrus.training.plan import Plan
from gyrus.training.precision import Precision

_FORMAT = 1
_IO = AtomicCheckpointIO()


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a training.

    Attributes
    ----------
    stage : int
        Number of the stage, from 0; the number of stages when all is done.
    epoch : int
        Its finished epochs.
    step : int
        Finished steps of the epoch after them.
    sums : tuple of float
        What the steps of that epoch have added up, for its row.
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    sums: tuple[float, ...] = ()


class Journal:
    """Keeps rows, the best epoch and checkpoints of one training.

    Parameters
    ----------
    run : RunFolder
        Gets ``metrics.csv``, ``checkpoints/best.ckpt`` (or ``last.ckpt``) and ``checkpoints/resume.ckpt``.
    select : {"best", "last"}
        Which epoch is kept.
    score : {"accuracy", "dice"}
        What epochs are judged by beside their loss. The best is that of the lowest validation loss; of masks,
        whose losses are not what is wanted of them, that of the highest validation Dice.

    Attributes
    ----------
    place : Place
        Where to go on.
    rows : list of EpochRow
        Finished epochs.
    rates : dict of str to float
        Learning rates that were found by a range test, by stage.
    parts : dict of str to int
        In how many parts a batch is taken, by stage, where memory has ended.
    stages : list of dict
        The recipe's, as plain data.
    plans : dict of str to Plan
        Length of each stage that has begun.
    solver_state : dict or None
        State of optimizer, schedule and moving average at ``place``; None where a stage begins.
    precision : Precision or None
        Number format, as it was chosen before the first step.
    """

    def __init__(self, run: RunFolder, select: Literal["best", "last"], score: Score = "accuracy") -> None:
        self.score = score
        self._began = time.monotonic()
        self._earlier_s = 0.0
        self.plans: dict[str, Plan] = {}
        self.stages: list[dict[str, Any]] = []
        self.run = run
        self.select = select
        self.place = Place()
        self.rows: list[EpochRow] = []
        self.solver_state: dict[str, Any] | None = None
        self.precision: Precision | None = None
        self.rates: dict[str, float] = {}
        self.parts: dict[str, int] = {}
        self._kept_epoch = 0
        self._kept_loss = math.inf
        self._unwritten: dict[str, Tensor] | None = None
        self._saved_at = time.monotonic()

    @property
    def kept_path(self) -> Path:
        """The checkpoint with the weights that the training gives."""
        return self.run.checkpoints / f"{self.select}.ckpt"

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights are kept, from 1; 0 before there is one."""
        return self._kept_epoch

    @property
    def told(self) -> str:
        """How far the training is, for people."""
        step = f" and {self.place.step} steps" if self.place.step else ""
        return f"{len(self.rows)} epochs{step}"

    @property
    def elapsed_s(self) -> float:
        """How long the training has taken so far, what was done before a resumption included."""
        return self._earlier_s + time.monotonic() - self._began

    @property
    def seconds_since_saved(self) -> float:
        """How much work a crash would now cost."""
        return time.monotonic() - self._saved_at

    def rows_of(self, stage: str) -> list[EpochRow]:
        """Return the rows of one stage."""
        return [row for row in self.rows if row["stage"] == stage]

    def end_epoch(self, row: EpochRow, judged: Callable[[], Mapping[str, Tensor]]) -> None:
        """Enter a finished epoch; ``judged`` returns the weights that it was judged by.

        A validation loss that is no number is an epoch without improvement.
        """
        self.rows.append(row)
        loss = self.judged(row)
        if self.select == "last" or loss < self._kept_loss:
            self._kept_epoch, self._kept_loss = row["epoch"], loss
            self._unwritten = {name: tensor.detach().clone() for name, tensor in judged().items()}
        self.place = Place(self.place.stage, self.place.epoch + 1)

    def judged(self, row: EpochRow) -> float:
        """Return what an epoch is judged by: the lower the better; no number where the loss is none."""
        if self.score == "dice" and math.isfinite(row["val_loss"]):
            return 1.0 - row["val_dice"]
        return row["val_loss"]

    def epochs_without_gain(self) -> int:
        """Return for how many epochs the running stage has not become better on the validation images."""
        losses = [self.judged(row) for row in self.rows[-self.place.epoch :]] if self.place.epoch else []
        finite = [loss for loss in losses if math.isfinite(loss)]
        if not finite:
            return len(losses)
        return len(losses) - 1 - losses.index(min(finite))

    def is_over(self, stage: Stage) -> bool:
        """Return whether the running stage has had its epochs, or its patience has run out."""
        if self.place.step:
            return False
        tired = stage.patience is not None and self.epochs_without_gain() >= stage.patience
        return self.place.epoch >= stage.epochs or tired

    def save(self, network: nn.Module, solver_state: dict[str, Any] | None) -> None:
        """Write the state to go on from, and before it metrics and kept weights, where they are new."""
        write_metrics(self.run.metrics, self.rows, self.score)
        self.write_kept()
        own = {
            "format": _FORMAT,
            "place": [self.place.stage, self.place.epoch, self.place.step, list(self.place.sums)],
            "rows": [dict(row) for row in self.rows],
            "kept": [self._kept_epoch, self._kept_loss],
            "stages": self.stages,
            "rates": self.rates,
            "plans": {name: asdict(plan) for name, plan in self.plans.items()},
            "elapsed_s": self.elapsed_s,
            "parts": self.parts,
            "precision": None if self.precision is None else asdict(self.precision),
        }
        content = {"gyrus": own, "network": network.state_dict(), "solver": solver_state}
        _IO.save_checkpoint(content, self.run.state)
        self._saved_at = time.monotonic()

    def write_kept(self) -> None:
        """Write the kept weights, where they are new."""
        if self._unwritten is not None:
            _IO.save_checkpoint(self._weights_only(self._unwritten), self.kept_path)
            self._unwritten = None

    def pause(self, step: int, sums: tuple[float, ...]) -> None:
        """Note a place within an epoch; :meth:`save` writes it."""
        self.place = replace(self.place, step=step, sums=sums)

    def end_stage(self, network: nn.Module) -> None:
        """Put the kept weights into the network and write that the next stage begins with them.

        Raises
        ------
        UsageError
            When no epoch so far has a validation loss that is a number.
        """
        if self._kept_epoch == 0:
            raise UsageError(
                f"the validation loss was no number in any of {len(self.rows)} epochs",
                fix="try a lower --learning-rate, or --precision float32",
            )
        self.place = Place(self.place.stage + 1)
        self.solver_state = None
        if self._unwritten is not None:
            network.load_state_dict(self._unwritten)
        else:
            self.load_kept(network)
        self.save(network, None)

    def load_kept(self, network: nn.Module) -> None:
        """Put the kept weights into the network, read from their checkpoint."""
        state = _IO.load_checkpoint(self.kept_path)["state_dict"]
        network.load_state_dict({name.removeprefix("network."): tensor for name, tensor in state.items()})

    def check_recipe(self, stages: Sequence[Stage]) -> None:
        """Refuse to go on with other stages than those of the saved state: a file may have been edited.

        Raises
        ------
        UsageError
            With the stages that differ.
        """
        now = [asdict(stage) for stage in stages]
        if self.stages and self.stages != now:
            differing = [stage["name"] for stage in now if stage not in self.stages]
            raise UsageError(
                f"the recipe is not the one that the training began with ("
                f"{', '.join(differing) or 'fewer stages'})",
                path=self.run.path,
                fix="bring it back as it was, or train anew in another folder",
            )
        self.stages = now

    def restore(self, network: nn.Module) -> bool:
        """Go on from the saved state; return whether there is one.

        Raises
        ------
        DataError
            When it cannot be read.
        """
        if not self.run.state.is_file():
            return False
        try:
            content = _IO.load_checkpoint(self.run.state)
            own = content["gyrus"]
            stage, epoch, step, sums = own["place"]
            network.load_state_dict(content["network"])
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
            raise DataError(
                f"the state of the training cannot be read: {error}",
                path=self.run.state,
                fix="start anew in another folder; checkpoints beside it may still be whole",
            ) from error
        self.place = Place(stage, epoch, step, tuple(sums))
        self.rows = [epoch_row(row["epoch"], row["stage"], row) for row in own["rows"]]
        self._kept_epoch, self._kept_loss = own["kept"]
        self.rates, self.parts = dict(own["rates"]), dict(own["parts"])
        self.plans = {name: Plan(**plan) for name, plan in own["plans"].items()}
        self._earlier_s = own["elapsed_s"]
        self.stages = [{**stage, "free": tuple(stage["free"])} for stage in own["stages"]]
        self.precision = None if own["precision"] is None else Precision(**own["precision"])
        self.solver_state = content["solver"]
        return True

    def _weights_only(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return weights in Lightning's format, as its ``load_from_checkpoint`` reads them."""
        return {
            "state_dict": {f"network.{name}": tensor for name, tensor in weights.items()},
            "epoch": self._kept_epoch,
            "global_step": 0,
            "pytorch-lightning_version": lightning.__version__,
            "hyper_parameters": {},
        }
