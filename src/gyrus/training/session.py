"""What all stages of one training share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from gyrus.config.train import TrainConfig
from gyrus.data.cache_folder import default_cache_folder
from gyrus.models import Network
from gyrus.training.batches import Look, SplitPixels
from gyrus.training.journal import Journal
from gyrus.training.losses import Loss, MultilabelLoss
from gyrus.training.precision import Precision
from gyrus.training.stopping import StopRequest


@dataclass(frozen=True, slots=True)
class Session:
    """One training.

    Attributes
    ----------
    config : TrainConfig
        All options.
    network : Network
        What is trained; on the CPU between stages.
    train, val : SplitPixels
        The two splits.
    look : Look
        How pixels become input.
    loss : Loss or MultilabelLoss
        What is minimised.
    precision : Precision
        Number format.
    device : torch.device
        Where.
    journal : Journal
        How far it is.
    stop : StopRequest
        Whether the process was asked to end.
    bar : bool
        Whether progress is shown.
    """

    config: TrainConfig
    network: Network
    train: SplitPixels
    val: SplitPixels
    look: Look
    loss: Loss | MultilabelLoss
    precision: Precision
    device: torch.device
    journal: Journal
    stop: StopRequest
    bar: bool

    @property
    def cache_folder(self) -> Path:
        """Where large intermediate results may lie."""
        return self.config.cache_dir or default_cache_folder()
