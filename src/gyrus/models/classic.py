"""The two networks that are trained from scratch: one to teach with, one to use."""

from __future__ import annotations

from torch import nn

from gyrus.models.network import FlatNetwork, Network, NetworkFacts

# Brain slices scaled to [0, 1] have about this mean and spread. Zero padding and black background then lie
# one deviation below the mean, not far outside it.
CLASSIC_MEAN = 0.2
CLASSIC_STD = 0.2

SIMPLE_CHANNELS = (16, 32, 64)
# channels and convolutions of each block; at full and half resolution a second convolution, or more channels,
# would cost more than all the deeper blocks together (measured: 3 times slower at 224 pixels)
IMPROVED_BLOCKS = ((16, 1), (32, 1), (64, 2), (128, 2), (256, 2))


def simple_cnn(*, num_classes: int, in_channels: int, image_size: int, dropout: float) -> FlatNetwork:
    """Three times convolution, ReLU, pooling; then one linear layer over everything.

    Its input size is fixed: the linear layer has a weight for every place.
    """
    layers: list[nn.Module] = []
    previous = in_channels
    for width in SIMPLE_CHANNELS:
        layers += [nn.Conv2d(previous, width, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        previous = width
    return FlatNetwork(
        nn.Sequential(*layers),
        num_features=previous,
        side=image_size // 2 ** len(SIMPLE_CHANNELS),
        num_classes=num_classes,
        dropout=dropout,
        facts=_facts("simple_cnn", in_channels, fixed_size=image_size),
    )


def improved_cnn(*, num_classes: int, in_channels: int, image_size: int, dropout: float) -> Network:
    """Five blocks of convolution, BatchNorm and ReLU with pooling between them; then a mean over space.

    It takes any size of at least 16 pixels; its maps have a cell per 16 pixels.
    """
    blocks: list[nn.Module] = []
    previous = in_channels
    for width, depth in IMPROVED_BLOCKS:
        if blocks:
            blocks.append(nn.MaxPool2d(2))
        blocks.append(_block(previous, width, depth))
        previous = width
    network = Network(
        nn.Sequential(*blocks),
        num_features=previous,
        num_classes=num_classes,
        dropout=dropout,
        facts=_facts("improved_cnn", in_channels),
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            # He et al. 2015, Delving Deep into Rectifiers: keeps the variance through ReLU layers
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _block(in_channels: int, out_channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    previous = in_channels
    for _ in range(depth):
        layers += [
            nn.Conv2d(previous, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
        previous = out_channels
    return nn.Sequential(*layers)


def _facts(architecture: str, in_channels: int, fixed_size: int | None = None) -> NetworkFacts:
    return NetworkFacts(
        architecture=architecture,
        in_channels=in_channels,
        mean=(CLASSIC_MEAN,) * in_channels,
        std=(CLASSIC_STD,) * in_channels,
        fixed_size=fixed_size,
    )
