"""Options of the optimisation: which rule, how fast, how long it rises and falls, what fits into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from gyrus.config.ranges import at_least, positive, share
from gyrus.errors import UsageError


class StartingPoint(NamedTuple):
    """What an optimiser is used with where nothing else is asked for.

    Attributes
    ----------
    from_scratch, from_weights : float
        Peak learning rate of fresh and of given weights.
    weight_decay : float
        Of AdamW apart from the gradient (Loshchilov and Hutter 2019); of the others a part of it (L2).
    """

    from_scratch: float
    from_weights: float
    weight_decay: float


STARTING_POINTS = {
    "adamw": StartingPoint(1e-3, 5e-4, 0.01),
    "adam": StartingPoint(1e-3, 5e-4, 0.0),
    "sgd": StartingPoint(0.05, 0.01, 5e-4),
    "rmsprop": StartingPoint(5e-4, 1e-4, 0.0),
}
WARMUP_EPOCHS = 1.0
WARMUP_SHARE = 0.1  # of a stage, at most: half of a stage of two epochs would be lost
ONE_CYCLE_RISE = 0.3


@dataclass(frozen=True, kw_only=True)
class OptimisationOptions:
    """How the weights are moved."""

    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw"
    """Rule that turns gradients into steps."""
    learning_rate: float | None = None
    """Peak learning rate; default by optimizer, from scratch and from given weights: adamw and adam 1e-3,
    5e-4; sgd 0.05, 0.01; rmsprop 5e-4, 1e-4."""
    find_rate: bool = False
    """Look for a learning rate before the training: print a suggestion, draw learning-rate.png and .svg into
    the run folder, and train with it."""
    weight_decay: float | None = None
    """Weight decay (never on biases and norms); default by optimizer: adamw 0.01, sgd 5e-4, the others 0."""
    momentum: float = 0.9
    """Momentum of sgd and rmsprop."""
    nesterov: bool = True
    """Nesterov's momentum for sgd."""
    schedule: Literal["cosine", "one-cycle", "plateau", "constant"] = "cosine"
    """What the learning rate does after its warm-up: falls as a half cosine to zero; the one-cycle policy;
    falls to a tenth whenever the validation loss stops falling; stays."""
    warmup_epochs: float | None = None
    """Epochs in which the learning rate rises; default 1, but at most a tenth of the stage; with one-cycle
    three tenths of it."""
    plateau_patience: int = 2
    """Epochs without a lower validation loss after which the plateau schedule lowers the rate."""
    ema: float = 0.0
    """Decay of a moving average of the weights, which is what is validated and kept (0.999); 0: none."""
    clip_norm: float = 0.0
    """Longest gradient (norm over all weights); longer ones are shortened to it; 0: none is."""
    batch_size: int = 32
    """Images a step."""
    auto_batch: bool = True
    """Where a step does not fit into memory: take the same images in halves (quarters, …), add up their
    gradients, then step."""

    def __post_init__(self) -> None:
        """Check the numbers, and that no option is given that another one makes idle."""
        at_least(self, batch_size=1, plateau_patience=0)
        zero = ("weight_decay", "warmup_epochs", "clip_norm")
        positive(self, "learning_rate", "weight_decay", "warmup_epochs", "clip_norm", allow_zero=zero)
        share(self, "momentum", "ema")
        if self.find_rate and self.learning_rate is not None:
            raise UsageError(
                "find_rate and learning_rate exclude each other: one looks for what the other gives",
                fix="leave one of them out",
            )
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0:
            raise UsageError(
                "nesterov needs a momentum above 0, and momentum is 0", fix="give --no-nesterov as well"
            )

    def peak_rate(self, *, from_weights: bool) -> float:
        """Return the peak learning rate: as asked, else the optimizer's starting point."""
        if self.learning_rate is not None:
            return self.learning_rate
        start = STARTING_POINTS[self.optimizer]
        return start.from_weights if from_weights else start.from_scratch

    @property
    def decay(self) -> float:
        """The weight decay: as asked, else the optimizer's starting point."""
        return (
            STARTING_POINTS[self.optimizer].weight_decay if self.weight_decay is None else self.weight_decay
        )

    def warmup_steps(self, total: float, epochs: float) -> float:
        """Return how many of ``total`` steps, in ``epochs`` epochs, the learning rate rises."""
        if self.warmup_epochs is None and self.schedule == "one-cycle":
            return ONE_CYCLE_RISE * total
        if self.warmup_epochs is None:
            return min(WARMUP_EPOCHS / epochs, WARMUP_SHARE) * total
        return self.warmup_epochs * total / epochs
