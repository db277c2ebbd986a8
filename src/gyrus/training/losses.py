"""The loss that is minimised: cross-entropy or focal, with class weights and label smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.config.balancing import BalanceOptions
from gyrus.training.class_weights import class_weights


class DivisibleLoss(Protocol):
    """A loss of a batch that can be taken in parts."""

    def total(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over the images."""

    def weight_of(self, targets: Tensor) -> Tensor:
        """Return what the sum is divided by."""


class Loss(nn.Module):
    """A mean over images that can be taken in parts: the sum of some, divided by the weight of all.

    A module, so that the weights of the classes go where the network goes; they are in no checkpoint.

    Parameters
    ----------
    weights : sequence of float, optional
        (num_classes,) weight of each class.
    gamma : float
        Exponent of the focal loss (Lin et al. 2017, Focal Loss for Dense Object Detection), there for two
        classes, here for any number: each class's share of the cross-entropy is multiplied by
        (1 - its probability)^gamma. 0: cross-entropy.
    label_smoothing : float
        Share of the target that is spread over all classes (Szegedy et al. 2016).
    one_logit : bool
        The two logits are 0 and z. The loss is then binary cross-entropy of z with ``pos_weight`` (weight of
        the second class over that of the first), a plain mean over images.
    """

    weights: Tensor | None

    def __init__(
        self,
        *,
        weights: Sequence[float] | None = None,
        gamma: float = 0.0,
        label_smoothing: float = 0.0,
        one_logit: bool = False,
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        self.one_logit = one_logit
        if one_logit and weights is not None:
            weights = (1.0, weights[1] / weights[0])
        values = None if weights is None else torch.tensor(tuple(weights), dtype=torch.float32)
        self.register_buffer("weights", values, persistent=False)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch.

        Parameters
        ----------
        logits : Tensor
            (n, num_classes).
        targets : Tensor
            (n,) int64 numbers of the classes; or (n, num_classes) float shares, sums 1, for mixed images.
        """
        return self.total(logits, targets) / self.weight_of(targets)

    def total(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of the weighted losses of the images."""
        if self.gamma == 0.0:
            return functional.cross_entropy(
                logits, targets, weight=self.weights, label_smoothing=self.label_smoothing, reduction="sum"
            )
        log_prob = functional.log_softmax(logits, dim=1)
        losses = -log_prob * (1.0 - log_prob.exp()).clamp_min(_SMALLEST_REST) ** self.gamma
        if self.weights is not None:
            losses = losses * self.weights
        return (self._shares(targets, logits.shape[1]) * losses).sum()

    def weight_of(self, targets: Tensor) -> Tensor:
        """Return what the sum is divided by: the weights of the images' classes, or their number.

        As torch's ``cross_entropy`` does: mixed images count 1 each.
        """
        if self.weights is None or self.one_logit or targets.ndim > 1:
            return torch.full((), float(len(targets)), device=targets.device)
        return self.weights[targets].sum()

    def _shares(self, targets: Tensor, num_classes: int) -> Tensor:
        """Return smoothed targets (n, num_classes)."""
        shares = functional.one_hot(targets, num_classes).float() if targets.ndim == 1 else targets
        return shares * (1.0 - self.label_smoothing) + self.label_smoothing / num_classes


class MeanOf(nn.Module):
    """Anybody's loss, a mean over the images of a batch, as one that can be taken in parts.

    Parameters
    ----------
    loss : callable
        (logits, targets) -> mean; every image counts the same.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def total(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over the images."""
        return self.loss(logits, targets) * len(targets)

    def weight_of(self, targets: Tensor) -> Tensor:
        """Return their number."""
        return torch.full((), float(len(targets)), device=targets.device)


# the slope of x^gamma at 0 is infinite for a gamma below 1, and 0 * infinity is no number
_SMALLEST_REST = 1e-7


class MultilabelLoss(nn.Module):
    """Binary cross-entropy of each class, for images that may show several classes, or none.

    Parameters
    ----------
    positive_weights : sequence of float, optional
        (K,) weight of a class's images against those without it.
    gamma, label_smoothing : float
        As in :class:`Loss`; a target t becomes t (1 - s) + s / 2.
    """

    positive_weights: Tensor | None

    def __init__(
        self,
        positive_weights: Sequence[float] | None = None,
        *,
        gamma: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        values = (
            None if positive_weights is None else torch.tensor(tuple(positive_weights), dtype=torch.float32)
        )
        self.register_buffer("positive_weights", values, persistent=False)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over images and classes; ``logits`` and ``targets`` are (n, K)."""
        return self.total(logits, targets) / self.weight_of(targets)

    def total(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum over images and classes."""
        targets = targets * (1.0 - self.label_smoothing) + self.label_smoothing / 2.0
        if self.gamma == 0.0:
            return functional.binary_cross_entropy_with_logits(
                logits, targets, pos_weight=self.positive_weights, reduction="sum"
            )
        yes, no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        # 1 - probability of yes is the probability of no, and the other way round
        yes_losses = -yes * (no.exp().clamp_min(_SMALLEST_REST)) ** self.gamma
        no_losses = -no * (yes.exp().clamp_min(_SMALLEST_REST)) ** self.gamma
        if self.positive_weights is not None:
            yes_losses = yes_losses * self.positive_weights
        return (targets * yes_losses + (1.0 - targets) * no_losses).sum()

    def weight_of(self, targets: Tensor) -> Tensor:
        """Return the number of pairs of image and class."""
        return torch.full((), float(targets.numel()), device=targets.device)


def make_loss(
    options: BalanceOptions, counts: Sequence[int], classes: Sequence[str], *, one_logit: bool = False
) -> Loss:
    """Return the loss that the options ask for.

    Parameters
    ----------
    options : BalanceOptions
        ``loss``, ``focal_gamma``, ``label_smoothing``, ``class_weights``.
    counts : sequence of int
        (num_classes,) images of each class that an epoch shows.
    classes : sequence of str
        Names, in the same order.
    one_logit : bool
        The network answers a question of two classes with one logit.

    Raises
    ------
    UsageError
        For class weights that do not fit the classes.
    """
    return Loss(
        weights=class_weights(options, counts, classes),
        gamma=options.focal_gamma if options.loss == "focal" else 0.0,
        label_smoothing=options.label_smoothing,
        one_logit=one_logit,
    )
