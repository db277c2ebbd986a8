"""What stands on the features: linear, an MLP, and either with one logit for two classes.

``affine_at`` computes the gradient of every logit at one image's features, forwards only, from plain
operations that every runtime has; class maps are made from it. For a linear head it is the head itself. A
hidden layer's ReLU either passes a unit on or silences it, so for one image the whole head is one matrix and
one vector (Montúfar et al. 2014, On the Number of Linear Regions of Deep Neural Networks), and the maps of
its gradient still add up to the logit. With the smooth activations of other people's heads it is the tangent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from gyrus.config.activations import Activation
from gyrus.models.activations import CURVES
from gyrus.models.layers import initialise


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """What a head is to be.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers; empty for one linear layer.
    dropout : float
        Share dropped before each layer, in training.
    one_logit : bool
        Two classes by one logit, z: the head answers (0, z), whose softmax is z's sigmoid and whose
        cross-entropy is z's binary cross-entropy, class weights being ``pos_weight``.
    activation : str
        Of the hidden layers. Ours have ReLU; the others are for heads that somebody else has trained.
    """

    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    one_logit: bool = False
    activation: Activation = "relu"


class LinearHead(nn.Linear):
    """One linear layer: (batch, D) -> logits (batch, K)."""

    varies = False  # from image to image

    def affine_at(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (1, K, D) and offset (1, K): the same for every image."""
        return self.weight[None], self.bias[None]


class MlpHead(nn.Module):
    """Linear, activation, dropout, as often as there are hidden sizes; then one linear layer.

    Hidden layers start as He et al. 2015 draw them, the last as Glorot and Bengio 2010 do.
    """

    varies = True

    def __init__(
        self,
        num_features: int,
        hidden: Sequence[int],
        num_outputs: int,
        dropout: float,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        sizes = (num_features, *hidden, num_outputs)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.dropout = nn.Dropout(dropout)
        self.out_features = num_outputs
        initialise(self)
        nn.init.xavier_uniform_(self._linear()[-1].weight)  # no ReLU follows it

    def forward(self, embedding: Tensor) -> Tensor:
        """Return logits (batch, K)."""
        *hidden, last = self._linear()
        activate = CURVES[self.activation].value
        for layer in hidden:
            embedding = self.dropout(activate(layer(embedding)))
        logits: Tensor = last(embedding)
        return logits

    def affine_at(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (batch, K, D) and offset (batch, K) with ``weight @ embedding + offset == logits``.

        ``weight`` is the gradient of each logit at each image's embedding, without dropout.
        """
        *hidden, last = self._linear()
        curve = CURVES[self.activation]
        slopes, x = [], embedding
        for layer in hidden:
            x = layer(x)
            slopes.append(curve.slope(x))
            x = curve.value(x)
        weight, offset = last.weight[None], last.bias[None]
        for layer, slope in zip(reversed(hidden), reversed(slopes), strict=True):
            weight = weight * slope[:, None, :]
            offset = offset + torch.matmul(weight, layer.bias)
            weight = torch.matmul(weight, layer.weight)
        if self.activation != "relu":  # the tangent meets the curve at the point, not at its layers' biases
            offset = last(x) - torch.matmul(weight, embedding[:, :, None])[:, :, 0]
        return weight, offset

    def _linear(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]


class OneLogitHead(nn.Module):
    """Two classes by one logit: the first class's is always 0."""

    out_features = 2

    def __init__(self, positive: LinearHead | MlpHead) -> None:
        super().__init__()
        self.positive = positive
        self.varies = positive.varies

    def forward(self, embedding: Tensor) -> Tensor:
        """Return logits (batch, 2)."""
        logit: Tensor = self.positive(embedding)
        return torch.cat([torch.zeros_like(logit), logit], dim=1)

    def affine_at(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight (batch or 1, 2, D) and offset (batch or 1, 2); the first class's are zeros."""
        weight, offset = self.positive.affine_at(embedding)
        return (
            torch.cat([torch.zeros_like(weight), weight], dim=1),
            torch.cat([torch.zeros_like(offset), offset], dim=1),
        )


Head = LinearHead | MlpHead | OneLogitHead


def make_head(plan: HeadPlan, num_features: int, num_classes: int) -> Head:
    """Build the head that ``plan`` says."""
    outputs = 1 if plan.one_logit else num_classes
    head: LinearHead | MlpHead
    if plan.hidden:
        head = MlpHead(num_features, plan.hidden, outputs, plan.dropout, plan.activation)
    else:
        head = LinearHead(num_features, outputs)
    return OneLogitHead(head) if plan.one_logit else head
