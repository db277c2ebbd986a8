"""Every segmentation network goes through one battery: the contract at the head of its network.py."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from gyrus.models.grey import to_grey
from gyrus.models.segmentation import build_segmentation
from gyrus.models.segmentation.registry import DOCUMENTED

FAST = ["unet", "unet_noskips", "unet-mobilenetv2_100", "unetplusplus-test_resnet"]
VARIANTS = {
    "unet+group+deep": ("unet", {"norm": "group", "deep_supervision": True, "dropout": 0.3}),
    "unet+none+grey": ("unet", {"norm": "none", "in_channels": 1}),
    "attention_unet-test_resnet+one": (
        "attention_unet-test_resnet",
        {"mask_classes": 1, "image_classes": None},
    ),
    "unetplusplus-test_resnet+deep": ("unetplusplus-test_resnet", {"deep_supervision": True}),
    "unet-test_resnet+folded": ("unet-test_resnet", {}),
}
SLOW = [name for name in DOCUMENTED if name not in FAST] + [
    "unet-resnet18",
    "unet-convnext_atto",
    "unet-vgg11",
    "unetplusplus-efficientnet_b0",
    "fpn-pvt_v2_b0",
]
EVERY = [*FAST, *VARIANTS, *(pytest.param(name, marks=pytest.mark.soak) for name in SLOW)]
HEIGHT, WIDTH = 32, 64


def make(name):
    architecture, options = VARIANTS.get(name, (name, {}))
    network = build_segmentation(
        architecture, **{"mask_classes": 2, "image_classes": 3, "image_size": 64, **options}
    )
    return to_grey(network) if name.endswith("folded") else network


@pytest.fixture(scope="module", params=EVERY)
def network(request):
    torch.manual_seed(0)
    net = make(request.param)
    net.name = request.param
    # BatchNorm's statistics at their start let values explode in deep nets; one pass in training sets them
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        net.train()(images(net, 4))
    return net.eval()


def images(net, n, height=HEIGHT, width=WIDTH):
    return torch.randn((n, net.in_channels, height, width), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_masks_class_and_embedding_have_their_shapes(network):
    masks, classes, embedding = network.forward_all(images(network, 2))
    assert network.planes == (1 if network.mask_classes == 1 else network.mask_classes + 1)
    assert masks.shape == (2, network.planes, HEIGHT, WIDTH)
    assert embedding.shape == (2, network.encoder.channels[-1])
    if network.image_classes is None:
        assert classes is None
    else:
        assert classes.shape == (2, network.image_classes)


@torch.no_grad()
def test_all_ways_forward_give_the_same_mask(network):
    x = images(network, 2)
    alone, (every, classes, _), (deep, deep_classes) = (
        network(x),
        network.forward_all(x),
        network.forward_deep(x),
    )
    torch.testing.assert_close(every, alone)
    torch.testing.assert_close(deep[0], alone)
    if classes is not None:
        torch.testing.assert_close(deep_classes, classes)


@torch.no_grad()
def test_coarser_masks_lie_over_the_picture(network):
    masks, _ = network.forward_deep(images(network, 1))
    assert len(masks) == (1 + len(network.deep_heads))
    assert network.deep is ("deep" in network.name.split("+"))
    for mask, stride in zip(masks[1:], network.decoder.strides[1:], strict=False):
        assert mask.shape == (1, network.planes, HEIGHT // stride, WIDTH // stride)


@torch.no_grad()
def test_a_picture_is_answered_alone_as_in_a_batch(network):
    x = images(network, 3)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_every_multiple_is_a_size(network):
    height, width = 3 * network.size_multiple, 2 * network.size_multiple
    assert network(images(network, 1, height, width)).shape == (1, network.planes, height, width)


def test_a_loss_reaches_every_parameter(network):
    net = copy.deepcopy(network)
    masks, classes = net.forward_deep(images(net, 2))
    loss = sum(mask.square().mean() for mask in masks)
    if classes is not None:
        loss = loss + cross_entropy(classes, torch.tensor([0, 1]))
    loss.backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


@torch.no_grad()
def test_saved_and_loaded_it_answers_the_same(network):
    torch.manual_seed(7)
    other, x = make(network.name).eval(), images(network, 1)
    assert not torch.equal(other(x), network(x))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(x), network(x))


@torch.no_grad()
def test_under_bf16_it_answers_nearly_the_same(network):
    x = images(network, 2)
    with torch.autocast("cpu", torch.bfloat16):
        half = network.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    full = network(x)
    spread = full.std().clamp_min(1e-3)
    # random weights, deep: rounding to 8 bits adds up; another picture would be 1 apart
    assert ((half.float() - full).abs().mean() / spread) < 0.6


@torch.no_grad()
def test_a_place_in_the_mask_is_a_place_in_the_picture(network):
    """A change at the left edge moves the mask more on the left than on the right."""
    x = images(network, 1, 32, 256)
    changed = x.clone()
    changed[..., :16] += 2.0
    moved = (network(changed) - network(x)).abs().mean((0, 1, 2))
    assert moved[:32].mean() > moved[-64:].mean()


def test_its_facts_are_plain(network):
    assert network.in_channels in (1, 3)
    assert len(network.mean) == len(network.std) == network.in_channels
    assert all(0 <= value <= 1 for value in (*network.mean, *network.std))
    assert network.fixed_size is None
    assert network.architecture == VARIANTS.get(network.name, (network.name,))[0]


def test_dropout_acts_in_training_only():
    net = build_segmentation("unet", mask_classes=1, image_size=32, dropout=0.5, norm="none")
    x = images(net, 1)
    net.train()
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))
