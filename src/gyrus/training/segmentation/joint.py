"""What is minimised: the loss of the masks at every supervised resolution, and that of the image's class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gyrus.training.losses import Loss
from gyrus.training.segmentation.answers import Answers, Truth
from gyrus.training.segmentation.losses import DeepSupervision, MaskLoss


class MaskAndClassLoss(nn.Module):
    """A sum over images that can be taken in parts.

    Parameters
    ----------
    masks : MaskLoss
        Of the masks, at each resolution.
    classes : Loss, optional
        Of the image's class.
    class_weight : float
        What it counts beside the masks.
    """

    def __init__(self, masks: MaskLoss, classes: Loss | None = None, class_weight: float = 0.0) -> None:
        super().__init__()
        self.masks = DeepSupervision(masks)
        self.classes = classes
        self.class_weight = class_weight

    def total(self, answers: Answers, truth: Truth) -> Tensor:
        """Return the sum over the images."""
        total = self.masks.total(answers.masks, truth.masks)
        if self.classes is None:
            return total
        assert answers.classes is not None
        assert truth.classes is not None
        # the weights of a balanced loss have the mean 1 over the training images: the number divides them
        return total + self.class_weight * self.classes.total(answers.classes, truth.classes)

    def weight_of(self, truth: Truth) -> Tensor:
        """Return what the sum is divided by: the number of images."""
        return torch.full((), float(len(truth)), device=truth.masks.device)
