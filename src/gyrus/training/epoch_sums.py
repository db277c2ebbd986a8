"""What the steps of an epoch add up to, for its row in the metrics; part of a checkpoint within an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gyrus.training.judging import Judge, judge_classes
from gyrus.training.metrics_log import Score
from gyrus.training.moving import numbers_on


class EpochSums:
    """Sums over the steps of one epoch, on the device, so that no step waits for them.

    Parameters
    ----------
    start : sequence of float
        Sums of the steps before a resumed training, from :meth:`tolist`; empty at the start of an epoch.
    judge : callable
        How answers are judged.
    score : str
        What their hits are called.
    """

    def __init__(
        self, start: Sequence[float] = (), judge: Judge = judge_classes, score: Score = "accuracy"
    ) -> None:
        self._judge = judge
        self._score = score
        self._start = tuple(start)
        self._sums: Tensor | None = None

    @torch.no_grad()
    def add(self, logits: Tensor, labels: Tensor, rate: float) -> None:
        """Add a batch: its logits (n, K), its labels (n,) or (n, K), the learning rate of its step."""
        loss, hits = self._judge(logits, labels)
        fixed = numbers_on(logits.device, (len(labels), rate, 1.0), torch.float64)
        values = torch.cat([torch.stack([loss.double(), hits.double()]), fixed])
        if self._sums is None:
            self._sums = numbers_on(logits.device, self._start or (0.0,) * 5, torch.float64)
        self._sums += values

    def tolist(self) -> list[float]:
        """Return the sums: loss, hits, images, rates, steps."""
        return list(self._start) if self._sums is None else self._sums.tolist()

    def means(self) -> dict[str, float]:
        """Return ``train_loss``, ``train_SCORE`` and ``learning_rate``; empty before the first step."""
        sums = self.tolist()
        if not sums:
            return {}
        loss, hits, images, rates, steps = sums
        return {
            "train_loss": loss / images,
            f"train_{self._score}": hits / images,
            "learning_rate": rates / steps,
        }
