"""What of a network follows a cut through its trunk."""

from __future__ import annotations

from torch import Tensor, nn

from gyrus.models import Network
from gyrus.models.parts import Part


class Tail(nn.Module):
    """The parts of a network that follow its cached features, and its head.

    Parameters
    ----------
    network : Network
        Whose modules these are; nothing is copied.
    parts : tuple of Part
        From the first free one on.
    """

    def __init__(self, network: Network, parts: tuple[Part, ...]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(part.module for part in parts)
        self.head = network.head
        self._network = (network,)  # in a tuple, so that the frozen parts do not count as the tail's

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (b, num_classes) from cached features (b, D, h, w)."""
        for part in self.parts:
            features = part(features)
        return self._network[0].logits_of(features)
