"""Strided depthwise convolutions: the same answer, the same gradient, and back again."""

import copy

import pytest
import torch
from torch import nn

from gyrus.models import build
from gyrus.training.strided_depthwise import StridedDepthwise, quicken, restore


def _gradients(layer, images, towards):
    images = images.clone().requires_grad_(True)
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(images)
    torch.autograd.backward((output.float() * towards).sum())
    return output, [images.grad, *(parameter.grad.clone() for parameter in layer.parameters())]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("kernel", "side", "stride", "dilation"), [(3, 16, 2, 1), (3, 15, 2, 1), (5, 14, 2, 1), (3, 9, 1, 2)]
)
def test_answer_and_gradient_are_those_of_the_plain_layer(kernel, side, stride, dilation, bias):
    torch.manual_seed(0)
    spread = {"stride": stride, "dilation": dilation, "padding": dilation * (kernel // 2)}
    plain = nn.Conv2d(8, 8, kernel, **spread, groups=8, bias=bias)
    quick = copy.deepcopy(plain)
    quicken(quick)
    assert type(quick) is StridedDepthwise
    images = torch.randn(4, 8, side, side)
    towards = torch.randn_like(plain(images))
    expected, got = _gradients(plain, images, towards), _gradients(quick, images, towards)
    assert got[0].dtype == expected[0].dtype == torch.bfloat16
    torch.testing.assert_close(got[0], expected[0], rtol=0, atol=0)
    for ours, theirs in zip(got[1], expected[1], strict=True):
        assert ours.dtype == theirs.dtype
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-2 * float(theirs.abs().max()))


def test_the_gradient_rounds_no_more_than_the_plain_layers():
    torch.manual_seed(1)
    plain = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False)
    quick = copy.deepcopy(plain)
    quicken(quick)
    images = torch.randn(8, 8, 16, 16).bfloat16().float()
    towards = torch.randn_like(plain(images)).bfloat16().float()
    exact = copy.deepcopy(plain)
    exact.weight.data = plain.weight.data.bfloat16().float()
    torch.autograd.backward((exact(images) * towards).sum())
    error = [
        float((_gradients(layer, images, towards)[1][1] - exact.weight.grad).norm())
        for layer in (plain, quick)
    ]
    assert error[1] <= 1.05 * error[0]


def test_in_float32_and_without_gradient_it_is_the_plain_layer():
    layer = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4)
    images = torch.randn(1, 4, 9, 9)
    expected = layer(images)
    quicken(layer)
    torch.testing.assert_close(layer(images), expected, rtol=0, atol=0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(images).dtype == torch.bfloat16


def test_only_strided_depthwise_layers_change_and_all_come_back():
    network = build("mobilenetv2_100", num_classes=2, image_size=64)
    kinds = {name: type(module) for name, module in network.named_modules()}
    names = list(network.state_dict())
    quicken(network)
    changed = [module for module in network.modules() if type(module) is StridedDepthwise]
    assert sorted(module.in_channels for module in changed) == [96, 144, 192, 576]
    assert list(network.state_dict()) == names
    restore(network)
    assert {name: type(module) for name, module in network.named_modules()} == kinds
