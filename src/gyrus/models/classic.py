"""Networks that are trained from scratch: one to teach with, and plain stacks of convolutions."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from gyrus.config.network import Norm
from gyrus.models.heads import HeadPlan
from gyrus.models.layers import conv_block, initialise, norm_layer
from gyrus.models.network import FlatNetwork, Network, NetworkFacts

# Brain slices scaled to [0, 1] have about this mean and spread. Zero padding and black background then lie
# one deviation below the mean, not far outside it.
CLASSIC_MEAN = 0.2
CLASSIC_STD = 0.2

SIMPLE_CHANNELS = (16, 32, 64)
# channels and convolutions of each block; at full and half resolution a second convolution, or more channels,
# would cost more than all the deeper blocks together (measured: 3 times slower at 224 pixels)
IMPROVED_BLOCKS = ((16, 1), (32, 1), (64, 2), (128, 2), (256, 2))
BASELINE_CHANNELS = (16, 32, 64, 128)
BASELINE_DROPOUT = 0.1
LENET_CHANNELS = (32, 64, 128)


def simple_cnn(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> FlatNetwork:
    """Three times convolution, ReLU, pooling; then the head over everything. Without norm unless asked.

    Its input size is fixed: the head has a weight for every place.
    """
    layers: list[nn.Module] = []
    previous = in_channels
    for width in SIMPLE_CHANNELS:
        layers.append(nn.Conv2d(previous, width, 3, padding=1))
        after = None if norm == "auto" else norm_layer(norm, width)
        layers += [nn.ReLU(inplace=True)] if after is None else [after, nn.ReLU(inplace=True)]
        layers.append(nn.MaxPool2d(2))
        previous = width
    return FlatNetwork(
        nn.Sequential(*layers),
        num_features=previous,
        side=image_size // 2 ** len(SIMPLE_CHANNELS),
        num_classes=num_classes,
        head=head,
        facts=own_facts("simple_cnn", in_channels, fixed_size=image_size),
    )


def improved_cnn(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """Five blocks of convolution, norm and ReLU with pooling between them; then a mean over space.

    It takes any size of at least 16 pixels; its maps have a cell per 16 pixels.
    """
    blocks: list[nn.Module] = []
    previous = in_channels
    for width, depth in IMPROVED_BLOCKS:
        if blocks:
            blocks.append(nn.MaxPool2d(2))
        layers = []
        for _ in range(depth):
            layers += conv_block(previous, width, norm)
            previous = width
        blocks.append(nn.Sequential(*layers))
    return own_network("improved_cnn", nn.Sequential(*blocks), previous, num_classes, in_channels, head)


def baseline_cnn(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """Four blocks of convolution, norm, ReLU, pooling and dropout; then a mean over space.

    The yardstick of small two-class projects: what a network from scratch reaches without any trick.
    """
    blocks: OrderedDict[str, nn.Module] = OrderedDict()
    previous = in_channels
    for number, width in enumerate(BASELINE_CHANNELS, start=1):
        layers = [*conv_block(previous, width, norm), nn.MaxPool2d(2), nn.Dropout(BASELINE_DROPOUT)]
        blocks[f"block{number}"] = nn.Sequential(*layers)
        previous = width
    return own_network("baseline_cnn", nn.Sequential(blocks), previous, num_classes, in_channels, head)


def lenet(
    *, num_classes: int, in_channels: int, image_size: int, head: HeadPlan, norm: Norm = "auto"
) -> Network:
    """Two 5 x 5 convolutions with pooling and a third that takes up the rest, as in LeNet-5, for digits.

    After LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition, with today's ReLU, norm
    and widths; at 28 pixels its features are one cell, on larger pictures a map.
    """
    first, second, third = LENET_CHANNELS
    last = nn.Conv2d(second, third, 5, bias=norm == "none")
    after = norm_layer(norm, third)
    blocks: OrderedDict[str, nn.Module] = OrderedDict(
        block1=nn.Sequential(*conv_block(in_channels, first, norm, kernel=5), nn.MaxPool2d(2)),
        block2=nn.Sequential(*conv_block(first, second, norm, kernel=5), nn.MaxPool2d(2)),
        block3=nn.Sequential(last, *([] if after is None else [after]), nn.ReLU(inplace=True)),
    )
    return own_network("lenet", nn.Sequential(blocks), third, num_classes, in_channels, head)


def own_network(
    architecture: str,
    features: nn.Module,
    num_features: int,
    num_classes: int,
    in_channels: int,
    head: HeadPlan,
) -> Network:
    """Return a network of ours on ``features``, whose convolutions start as He et al. 2015 draw them."""
    facts = own_facts(architecture, in_channels)
    network = Network(features, num_features=num_features, num_classes=num_classes, facts=facts, head=head)
    initialise(features)
    return network


def own_facts(architecture: str, in_channels: int, fixed_size: int | None = None) -> NetworkFacts:
    """Return what is known of a network of ours before it has seen any image."""
    return NetworkFacts(
        architecture=architecture,
        in_channels=in_channels,
        mean=(CLASSIC_MEAN,) * in_channels,
        std=(CLASSIC_STD,) * in_channels,
        fixed_size=fixed_size,
    )
