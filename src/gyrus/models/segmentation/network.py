"""What every segmentation network of gyrus is: an encoder, a decoder, a mask for each pixel, perhaps a class.

The contract, checked for every registered one by ``tests/models/segmentation/test_contract.py``:

- ``forward(x)`` takes float32 (batch, in_channels, height, width), normalised with ``mean`` and ``std``, both
  sides multiples of ``size_multiple``, and returns mask logits (batch, planes, height, width);
- one class of foreground has one plane (its sigmoid is the class's probability); K >= 2 classes have K + 1
  planes (softmax; plane 0 is the background);
- ``forward_all(x)`` returns the same mask logits, the logits of the picture's class (None without
  ``image_classes``) and an embedding (batch, D): the mean over space of the encoder's last features;
- ``forward_deep(x)`` returns the mask logits at every resolution that is supervised, the finest first, and
  the class's logits;
- building one never touches the network connection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.models.heads import Head, HeadPlan, make_head
from gyrus.models.network import NetworkFacts

_RAREST = 1e-4


def planes_of(mask_classes: int) -> int:
    """Return the planes of logits for a number of foreground classes: 1 for one, K + 1 for K."""
    return 1 if mask_classes == 1 else mask_classes + 1


class Encoder(Protocol):
    """A module from the picture to its features: ``__call__(x)`` -> the finest first, the deepest last."""

    channels: tuple[int, ...]

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Return the features of every level."""


class Decoder(Protocol):
    """A module from the encoder's features to maps: ``__call__(features)`` -> the finest first.

    ``channels`` and ``strides`` (input pixels a cell) tell of each map.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def __call__(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        """Return the maps of every level."""


class SegmentationNetwork(nn.Module):
    """Encoder, decoder, a convolution to the planes; a linear layer on the mean features for the class.

    Parameters
    ----------
    encoder, decoder : nn.Module
        As :class:`Encoder` and :class:`Decoder` say.
    size_multiple : int
        What both sides of the input have to be a multiple of.
    mask_classes : int
        Foreground classes, at least 1.
    image_classes : int or None
        Classes of the whole picture for a joint network; None for masks alone.
    facts : NetworkFacts
        Name, channels, normalisation.
    dropout : float
        Share of the deepest feature channels that is dropped in training.
    deep_supervision : bool
        Whether the coarser maps of the decoder have a convolution to the planes of their own.
    """

    class_head: Head | None

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        size_multiple: int,
        mask_classes: int,
        facts: NetworkFacts,
        image_classes: int | None = None,
        dropout: float = 0.0,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        self.facts = facts
        self.size_multiple = size_multiple
        self.mask_classes = mask_classes
        self.image_classes = image_classes
        self.encoder, self.decoder = encoder, decoder
        channels: tuple[int, ...] = decoder.channels  # type: ignore[assignment]
        strides: tuple[int, ...] = decoder.strides  # type: ignore[assignment]
        deepest: int = encoder.channels[-1]  # type: ignore[index, assignment]
        planes = planes_of(mask_classes)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels[0], planes, 1)
        self.stride = strides[0]
        coarser = channels[1:] if deep_supervision else ()
        self.deep_heads = nn.ModuleList(nn.Conv2d(width, planes, 1) for width in coarser)
        plan = HeadPlan(dropout=dropout)
        self.class_head = None if image_classes is None else make_head(plan, deepest, image_classes)

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
        """Side of the only input it takes, in pixels; None where any multiple of ``size_multiple`` goes."""
        return self.facts.fixed_size

    @property
    def planes(self) -> int:
        """Planes of mask logits: 1, or the background's and one for each class."""
        return planes_of(self.mask_classes)

    @property
    def deep(self) -> bool:
        """Whether coarser maps are supervised too."""
        return len(self.deep_heads) > 0

    def forward(self, x: Tensor) -> Tensor:
        """Return mask logits (batch, planes, height, width)."""
        return self._mask(self._maps(self._features(x))[0])

    def forward_all(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return mask logits (batch, planes, h, w), class logits (batch, K) or None, embedding (batch, D)."""
        features = self._features(x)
        embedding = features[-1].mean((2, 3))
        return self._mask(self._maps(features)[0]), self._class(embedding), embedding

    def forward_deep(self, x: Tensor) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """Return mask logits of each supervised resolution, the finest first, and class logits or None.

        Without deep supervision the first is the only one. What training minimises a loss on.
        """
        features = self._features(x)
        finest, *coarser = self._maps(features)
        masks = [self._mask(finest)]
        masks += [head(level) for head, level in zip(self.deep_heads, coarser, strict=False)]
        return tuple(masks), self._class(features[-1].mean((2, 3)))

    def set_prior(self, shares: Sequence[float]) -> None:
        """Set the biases of the convolutions to masks so that they begin with what is usual in the data.

        An untrained convolution gives every pixel to lesion and background alike; the first epochs of a
        training then go by pushing the background down (Lin et al. 2017, Focal loss for dense object
        detection, section 4.1).

        Parameters
        ----------
        shares : sequence of float
            Share of all pixels that is marked as each class, (classes,).
        """
        known = [min(max(share, _RAREST), 1 - _RAREST) for share in shares]
        if self.planes == 1:
            told = [math.log(known[0] / (1 - known[0]))]
        else:
            told = [math.log(max(1 - sum(known), _RAREST)), *map(math.log, known)]
        with torch.no_grad():
            for head in (self.head, *self.deep_heads):
                head.bias.copy_(torch.tensor(told))

    def _features(self, x: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.encoder(x)
        return [*features[:-1], self.dropout(features[-1])]

    def _maps(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        maps: tuple[Tensor, ...] = self.decoder(features)
        return maps

    def _mask(self, finest: Tensor) -> Tensor:
        logits: Tensor = self.head(finest)
        if self.stride == 1:
            return logits
        return functional.interpolate(logits, scale_factor=self.stride, mode="bilinear", align_corners=False)

    def _class(self, embedding: Tensor) -> Tensor | None:
        if self.class_head is None:
            return None
        logits: Tensor = self.class_head(functional.dropout(embedding, self.dropout.p, self.training))
        return logits
