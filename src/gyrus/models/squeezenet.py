"""SqueezeNet 1.1 under torchvision's names, which timm does not have."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gyrus.config.network import Norm
from gyrus.errors import UsageError
from gyrus.models.heads import HeadPlan
from gyrus.models.layers import initialise
from gyrus.models.network import Network, NetworkFacts, per_channel

# what torchvision's weights were trained with
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# squeezed and expanded channels of the fires; a pool stands before those at the places below
_FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_POOL_BEFORE = (0, 2, 4)
_STEM_CHANNELS = 64


class Fire(nn.Module):
    """Squeeze by 1 x 1, expand by 1 x 1 and 3 x 3 side by side (Iandola et al. 2016, SqueezeNet)."""

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 2 x expanded, height, width)."""
        x = functional.relu(self.squeeze(x))
        return functional.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


def squeezenet1_1(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """SqueezeNet 1.1 up to its features, and our head: torchvision has a ReLU between logits and mean.

    Its layers carry torchvision's names, so that torchvision's weights load by name. It has no normalisation
    layers; any size from 21 pixels on.
    """
    if norm not in ("auto", "none"):
        raise UsageError(f"squeezenet1_1 has no normalisation layers; norm is {norm}", fix="leave out --norm")
    layers: list[nn.Module] = [nn.Conv2d(in_channels, _STEM_CHANNELS, 3, stride=2), nn.ReLU(inplace=True)]
    previous = _STEM_CHANNELS
    for number, (squeezed, expanded) in enumerate(_FIRES):
        if number in _POOL_BEFORE:
            layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        layers.append(Fire(previous, squeezed, expanded))
        previous = 2 * expanded
    features = nn.Sequential(*layers)
    initialise(features)
    mean, std = (per_channel(values, in_channels) for values in (IMAGENET_MEAN, IMAGENET_STD))
    facts = NetworkFacts("squeezenet1_1", in_channels, mean, std)
    return Network(features, num_features=previous, num_classes=num_classes, facts=facts, head=head)
