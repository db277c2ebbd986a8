"""A colour network turned into one that reads grey: the same answers from a third of the input.

A grey image g, copied into three channels and normalised, is (g - m_c) / s_c in channel c. A grey network
normalises with one mean m and one spread s, y = (g - m) / s; channel c is then (s / s_c) y + (m - m_c) / s_c.
The first convolution is linear: its weights for y are the sum over c of W_c s / s_c, and what the second
terms give is a convolution of a plane of ones with the sum over c of W_c (m - m_c) / s_c. That plane is a
second input channel of the stem and not a bias, because the convolution pads the picture with zeros: outside
it the second terms are absent, at its border in part. With it the two networks agree everywhere, borders
included. Where all channels have the same mean the second terms vanish: the stem is a plain convolution.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError
from gyrus.models.network import Network, replace_facts

GreyStem = Literal["sum", "mean"]
_CHANNELS = 3
_SIDE = 96  # every network without a fixed size takes it


class OnesBeside(nn.Module):
    """A convolution of (y, 1): the second plane carries what per-channel means leave over.

    Parameters
    ----------
    conv : nn.Conv2d
        With two input channels.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of (batch, 1, height, width) with a plane of ones beside it."""
        features: Tensor = self.conv(torch.cat([x, torch.ones_like(x)], dim=1))
        return features


def to_grey(network: Network, how: GreyStem = "sum") -> Network:
    """Turn a network of three input channels into one of one, in place.

    Parameters
    ----------
    network : Network
        With the weights, mean and standard deviation of its three channels.
    how : str
        ``sum``: answers as the colour network does on a grey image copied three times, exactly but for
        rounding, whatever the means, the padding and the size; ``mean``: the first convolution gives a third
        of that, as where the three channels' weights are averaged.

    Returns
    -------
    Network
        The same object.

    Raises
    ------
    UsageError
        When the network does not begin with one plain convolution of the three channels.
    """
    name, conv = _first_convolution(network)
    with torch.no_grad():
        weight, ones = _folded(conv.weight, network.mean, network.std)
        if how == "mean":
            weight, ones = weight / _CHANNELS, ones / _CHANNELS
        plain = len(set(network.mean)) == 1
        conv.weight = nn.Parameter(weight if plain else torch.cat([weight, ones], dim=1))
        conv.in_channels = conv.weight.shape[1]
    if not plain:
        network.set_submodule(name, OnesBeside(conv))
    mean, std = _one_for_all(network.mean), _one_for_all(network.std)
    return replace_facts(network, in_channels=1, mean=(mean,), std=(std,))


def _folded(weight: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Return the weights (out, 1, h, w) of the grey plane and of the plane of ones."""
    means, stds = (torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1, 1) for values in (mean, std))
    wide = weight.double()  # sums of weights of both signs
    grey = (wide * (_one_for_all(std) / stds)).sum(1, keepdim=True)
    ones = (wide * ((_one_for_all(mean) - means) / stds)).sum(1, keepdim=True)
    return grey.to(weight.dtype), ones.to(weight.dtype)


def _one_for_all(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _first_convolution(network: Network) -> tuple[str, nn.Conv2d]:
    """Return the one layer that reads the image, by name."""
    readers = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.in_channels == _CHANNELS and module.groups == 1
    ]
    plain = readers and type(readers[0][1]).__name__ in ("Conv2d", "Conv2dSame")
    if network.in_channels != _CHANNELS or not plain or not _reads_the_image(network, readers[0][1]):
        raise UsageError(
            f"{network.architecture} does not begin with one plain convolution of {_CHANNELS} channels; its "
            "weights cannot be folded into one",
            fix="leave out --in-channels 1",
        )
    return readers[0]


@torch.no_grad()
def _reads_the_image(network: Network, conv: nn.Conv2d) -> bool:
    side = network.fixed_size or _SIDE
    image = torch.zeros(1, _CHANNELS, side, side, device=conv.weight.device, dtype=conv.weight.dtype)
    seen: list[bool] = []
    hook = conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0] is image))
    was_training = network.training
    try:
        network.eval()(image)
    finally:
        hook.remove()
        network.train(was_training)
    return seen == [True]
