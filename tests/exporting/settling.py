"""Networks whose values are of ordinary size, as after a training."""

import torch

from gyrus.models import build


def settled(architecture, size, **options):
    """Return a network whose BatchNorm has seen data, so that its values stay of ordinary size."""
    torch.manual_seed(0)
    network = build(architecture, num_classes=4, image_size=size, **options)
    with torch.no_grad():
        network.train()(torch.randn(8, network.in_channels, size, size))
    return network.eval()
