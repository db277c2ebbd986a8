"""What every network of gyrus is: features, a mean over space, a head that is linear for each image.

The contract, checked for every registered network by ``tests/models/test_contract.py``:

- ``forward(x)`` takes float32 (batch, in_channels, height, width), normalised with ``mean`` and ``std``,
  and returns logits (batch, num_classes);
- ``forward_all(x)`` returns logits, an embedding (batch, D), and class activation maps
  (batch, num_classes, h, w) with ``maps.mean((2, 3)) + offset == logits``: each map is that class's logit,
  spread over the picture. ``offset`` is the bias of a linear head, and ``head.affine_at(embedding)[1]`` of
  any head, that of an MLP depending on the image;
- ``forward(x)`` is ``logits_of(features(x))``;
- building a network never touches the network connection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.models.heads import Head, HeadPlan, make_head

MapsKind = Literal["exact", "gradient", "occlusion"]


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What is known of a network besides its weights.

    Attributes
    ----------
    architecture : str
        Name in the registry.
    in_channels : int
        Channels of the input.
    mean, std : tuple of float
        Normalisation (per channel, of pixels scaled to [0, 1]) that its weights were, or will be, trained
        with.
    fixed_size : int or None
        Side of the only input it takes, in pixels; None where any size goes.
    maps_exact : bool
        Whether a place in the class maps stands for a place in the picture. The sum always equals the logit;
        but a token of a transformer has looked at the whole picture before it is weighed.
    per_image : bool
        Whether each picture is first brought to mean 0 and spread 1 by itself (``--normalize per-image``).
    """

    architecture: str
    in_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fixed_size: int | None = None
    maps_exact: bool = True
    per_image: bool = False


class Network(nn.Module):
    """Features, global average pooling, dropout, head.

    Parameters
    ----------
    features : nn.Module
        (batch, in_channels, height, width) -> (batch, D, h, w).
    num_features : int
        D.
    num_classes : int
        Number of classes, K.
    facts : NetworkFacts
        Name, normalisation, input size.
    head : HeadPlan
        What stands on the pooled features, and the share of them dropped in training.
    """

    head: Head

    def __init__(
        self,
        features: nn.Module,
        *,
        num_features: int,
        num_classes: int,
        facts: NetworkFacts,
        head: HeadPlan = HeadPlan(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__()
        self.facts = facts
        self.features = features
        self.dropout = nn.Dropout(head.dropout)
        self.head = make_head(head, num_features, num_classes)

    @property
    def architecture(self) -> str:
        """Name in the registry."""
        return self.facts.architecture

    @property
    def in_channels(self) -> int:
        """Channels of the input."""
        return self.facts.in_channels

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel that the input is normalised with."""
        return self.facts.mean

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel that the input is normalised with."""
        return self.facts.std

    @property
    def fixed_size(self) -> int | None:
        """Side of the only input it takes, in pixels; None where any size goes."""
        return self.facts.fixed_size

    @property
    def maps_exact(self) -> bool:
        """Whether a place in the class maps stands for a place in the picture."""
        return self.facts.maps_exact

    @property
    def maps_kind(self) -> MapsKind:
        """How a heat map of this network is made, as a bundle's card says it.

        ``exact``: weights x features, for one linear layer after the mean over space; ``gradient``: the
        gradient of an MLP head in the place of the weights; ``occlusion``: by covering parts of the picture,
        for features of which a place has seen the whole picture.
        """
        if not self.maps_exact:
            return "occlusion"
        return "gradient" if self.head.varies else "exact"

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.head.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, num_classes)."""
        return self.logits_of(self.features(x))

    def logits_of(self, features: Tensor) -> Tensor:
        """Return logits (batch, num_classes) from a feature map (batch, D, h, w): forward's second half."""
        logits: Tensor = self.head(self.dropout(features.mean((2, 3))))
        return logits

    def forward_all(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (batch, K), embedding (batch, D), class activation maps (batch, K, h, w).

        The maps are weights x features (Zhou et al. 2016, Learning Deep Features for Discriminative
        Localization), exact because what follows the mean over space is one linear layer. For an MLP the
        gradient of each logit takes the place of the weights, which is Grad-CAM (Selvaraju et al. 2017) of
        each class, before its ReLU; see :mod:`gyrus.models.heads` for what its maps add up to.
        """
        features = self.features(x)
        embedding = features.mean((2, 3))
        weight, _ = self.head.affine_at(embedding)
        if self.head.varies:
            maps = torch.einsum("nkd,ndhw->nkhw", weight, features)
        else:
            maps = functional.conv2d(features, weight[0][:, :, None, None])
        return self.head(embedding), embedding, maps


class FlatNetwork(Network):
    """Features, flattened, dropout, head: it knows where in the picture each feature lies.

    Its input size is fixed by the head. The embedding is the mean of the features over space, so that it
    stays small; the maps are the head's weights x the features at each place, times the number of places, so
    that the contract's sentence on the maps holds as it does for the others.

    Parameters
    ----------
    side : int
        Height and width of the features, in cells.
    """

    def __init__(
        self,
        features: nn.Module,
        *,
        num_features: int,
        side: int,
        num_classes: int,
        facts: NetworkFacts,
        head: HeadPlan = HeadPlan(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(
            features,
            num_features=num_features * side * side,
            num_classes=num_classes,
            facts=facts,
            head=head,
        )
        self.side = side

    def logits_of(self, features: Tensor) -> Tensor:
        """Return logits (batch, num_classes) from a feature map (batch, D, side, side)."""
        logits: Tensor = self.head(self.dropout(features.flatten(1)))
        return logits

    def forward_all(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (batch, K), embedding (batch, D), class activation maps (batch, K, side, side)."""
        features = self.features(x)
        flat = features.flatten(1)
        weight, _ = self.head.affine_at(flat)
        places = weight.reshape(*weight.shape[:2], -1, self.side, self.side)
        maps = (places * features[:, None]).sum(2) * self.side**2
        return self.head(flat), features.mean((2, 3)), maps


def per_channel(values: tuple[float, ...], in_channels: int) -> tuple[float, ...]:
    """Return a value for each channel: as given, or their mean where there are more or fewer channels."""
    if len(values) == in_channels:
        return tuple(float(value) for value in values)
    return (float(sum(values) / len(values)),) * in_channels


def replace_facts(network: Network, **changed: Any) -> Network:
    """Change what is known of a network, by field; returns the same object."""
    network.facts = replace(network.facts, **changed)
    return network
