"""The LightningModule for masks: the classifier's steps, with other answers and another judge."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gyrus.config.optimising import OptimisationOptions
from gyrus.models.segmentation import SegmentationNetwork
from gyrus.training.classifier import Classifier
from gyrus.training.metrics_log import Score
from gyrus.training.segmentation.answers import Answers
from gyrus.training.segmentation.joint import MaskAndClassLoss
from gyrus.training.segmentation.judging import judge_masks
from gyrus.training.segmentation.losses import make_mask_loss


class Segmenter(Classifier):
    """Trains any :class:`gyrus.models.segmentation.SegmentationNetwork`.

    It logs, once an epoch, ``train_loss`` and ``val_loss`` (plain cross-entropy of the pixels),
    ``train_dice`` and ``val_dice`` (see :func:`gyrus.training.segmentation.judging.dice_of`),
    ``learning_rate`` and ``seconds``. A batch is (images,
    :class:`gyrus.training.segmentation.answers.Truth`).

    Parameters
    ----------
    network : SegmentationNetwork
    options : OptimisationOptions, optional
    loss : MaskAndClassLoss, optional
        By default Dice and cross-entropy of the masks.
    **more
        As :class:`gyrus.training.Classifier`.
    """

    score: Score = "dice"

    def __init__(
        self,
        network: SegmentationNetwork,
        options: OptimisationOptions | None = None,
        *,
        loss: MaskAndClassLoss | None = None,
        **more: Any,
    ) -> None:
        super().__init__(network, options, loss=loss or _usual_loss(), **more)
        self.judge = judge_masks  # type: ignore[assignment]
        self.sums = self.sums_from(())

    def forward(self, x: Tensor) -> Answers:  # type: ignore[override]
        """Return the answers to a batch of images."""
        network: Any = self.network
        masks, classes = network.forward_deep(x)
        return Answers(masks, classes)


def _usual_loss() -> MaskAndClassLoss:
    from gyrus.config.mask_losses import MaskLossOptions

    return MaskAndClassLoss(make_mask_loss(MaskLossOptions()))
