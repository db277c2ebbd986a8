"""Residual networks to be trained from scratch: one for scans, one for small pictures."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from gyrus.config.network import Norm
from gyrus.models.classic import own_network
from gyrus.models.heads import HeadPlan
from gyrus.models.layers import conv_block
from gyrus.models.network import Network

RESIDUAL_CHANNELS = (24, 48, 96, 192)
RESNET9_CHANNELS = (64, 128, 256, 512)


class ResBlock(nn.Module):
    """Two 3 x 3 convolutions and a way round them (He et al. 2016, Deep Residual Learning).

    The way round is the identity, or a 1 x 1 convolution where stride or width change.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm, stride: int = 1) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *conv_block(in_channels, out_channels, norm, stride=stride),
            *conv_block(out_channels, out_channels, norm, act=False),
        )
        changes = stride != 1 or in_channels != out_channels
        self.shortcut = nn.Sequential(
            *(
                conv_block(in_channels, out_channels, norm, kernel=1, stride=stride, act=False)
                if changes
                else ()
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, out_channels, height / stride, width / stride)."""
        return functional.relu(self.branch(x) + self.shortcut(x))


def res_cnn(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """A stem that halves the picture, then four ResBlocks, each but the first halving it again."""
    first = RESIDUAL_CHANNELS[0]
    steps: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(*conv_block(in_channels, first, norm, stride=2))
    )
    previous = first
    for number, width in enumerate(RESIDUAL_CHANNELS, start=1):
        steps[f"layer{number}"] = ResBlock(previous, width, norm, stride=1 if number == 1 else 2)
        previous = width
    return own_network("res_cnn", nn.Sequential(steps), previous, num_classes, in_channels, head)


def resnet9(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """Eight convolutions, four of them in two ResBlocks, and the head: for pictures of some 32 pixels.

    The shape that won DAWNBench's CIFAR-10 race (Page 2018, How to Train Your ResNet), with a mean over space
    where that has a maximum, so that class maps are exact.
    """
    first, second, third, fourth = RESNET9_CHANNELS
    steps: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(*conv_block(in_channels, first, norm)),
        layer1=nn.Sequential(
            *conv_block(first, second, norm), nn.MaxPool2d(2), ResBlock(second, second, norm)
        ),
        layer2=nn.Sequential(*conv_block(second, third, norm), nn.MaxPool2d(2)),
        layer3=nn.Sequential(
            *conv_block(third, fourth, norm), nn.MaxPool2d(2), ResBlock(fourth, fourth, norm)
        ),
    )
    return own_network("resnet9", nn.Sequential(steps), fourth, num_classes, in_channels, head)
