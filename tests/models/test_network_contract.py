"""Every network goes through one battery: the contract at the head of gyrus/models/network.py."""

import copy

import pytest
import torch

from gyrus.models import build, to_grey
from gyrus.models.registry import OWN

FAST = [*OWN, "resnet18", "mobilenetv2_100"]
SLOW = [
    "resnet50",
    "efficientnet_b0",
    "inception_v3",
    "vgg16",
    "densenet121",
    "mobilenetv3_large_100",
    "convnext_nano",
    "vit_tiny_patch16_224",
    "xcit_nano_12_p16_224",
    "swin_tiny_patch4_window7_224",
]
# other heads, norms and stems go through the same battery
VARIANTS = {
    "improved_cnn+mlp": ("improved_cnn", {"hidden_sizes": (12, 7), "dropout": 0.5}),
    "simple_cnn+mlp": ("simple_cnn", {"hidden_sizes": (9,)}),
    "improved_cnn+one": ("improved_cnn", {"num_classes": 2, "one_logit": True}),
    "resnet18+mlp+one": ("resnet18", {"num_classes": 2, "one_logit": True, "hidden_sizes": (8,)}),
    "baseline_cnn+group": ("baseline_cnn", {"norm": "group"}),
    "res_cnn+none": ("res_cnn", {"norm": "none"}),
    "lenet+grey": ("lenet", {"in_channels": 1}),
    "resnet18+folded": ("resnet18", {}),
}
EVERY = [*FAST, *VARIANTS, *(pytest.param(name, marks=pytest.mark.soak) for name in SLOW)]
# swin needs a multiple of its window
SIZE = {"swin_tiny_patch4_window7_224": 224, "inception_v3": 128}
CLASSES = 5


def make(name, size):
    architecture, options = VARIANTS.get(name, (name, {}))
    net = build(architecture, **{"num_classes": CLASSES, "image_size": size, **options})
    return to_grey(net) if name.endswith("folded") else net


@pytest.fixture(scope="module", params=EVERY)
def network(request):
    torch.manual_seed(0)
    size = SIZE.get(request.param, 64 if request.param in SLOW else 48)
    net = make(request.param, size).eval()
    net.name = request.param
    # BatchNorm's statistics at their start let values explode in deep nets; one pass in training sets them
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        net.train()(torch.randn(8, net.in_channels, size, size))
    return net.eval(), size


def images(net, n, size):
    shape = (n, net.in_channels, size, size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_logits_embedding_and_maps_have_their_shapes(network):
    net, size = network
    logits, embedding, maps = net.forward_all(images(net, 2, size))
    assert logits.shape == (2, net.num_classes) == net(images(net, 2, size)).shape
    assert embedding.ndim == 2
    assert embedding.shape[0] == 2
    assert maps.ndim == 4
    assert maps.shape[:2] == (2, net.num_classes)
    assert min(maps.shape[2:]) >= 1


@torch.no_grad()
def test_forward_and_forward_all_give_the_same_logits(network):
    net, size = network
    torch.testing.assert_close(net.forward_all(images(net, 2, size))[0], net(images(net, 2, size)))


@torch.no_grad()
def test_the_mean_of_a_map_and_the_offset_are_the_logit(network):
    net, size = network
    logits, embedding, maps = net.forward_all(images(net, 3, size))
    flat = net.fixed_size is not None and hasattr(net, "side")
    _, offset = net.head.affine_at(net.features(images(net, 3, size)).flatten(1) if flat else embedding)
    if hasattr(net.head, "bias"):
        assert torch.equal(offset[0], net.head.bias)
    torch.testing.assert_close(maps.mean((2, 3)) + offset, logits, rtol=1e-4, atol=1e-4)


def test_the_maps_are_what_their_kind_says(network):
    """Gradient x features, by autograd; the same gradient for every image where they are called exact."""
    net, size = network
    x = images(net, 2, size)
    with torch.no_grad():
        features = net.features(x)
        maps = net.forward_all(x)[2]
    features.requires_grad_()
    logits = net.logits_of(features)
    slopes = [torch.autograd.grad(logits[:, k].sum(), features, retain_graph=True)[0] for k in range(2)]
    places = features.shape[2] * features.shape[3]
    for k, slope in enumerate(slopes):
        torch.testing.assert_close(maps[:, k], (slope * features).sum(1) * places, rtol=1e-3, atol=1e-3)
    assert net.maps_kind in ("exact", "gradient", "occlusion")
    if net.maps_kind == "exact":
        torch.testing.assert_close(slopes[1][0], slopes[1][1])
    assert (net.maps_kind == "occlusion") is (
        net.features.__class__.__name__ == "TimmFeatures" and tokens(net)
    )


def tokens(net):
    return net.features.as_map.layout != "NCHW"


@torch.no_grad()
def test_logits_come_from_the_feature_map_alone(network):
    net, size = network
    x = images(net, 2, size)
    assert torch.equal(net.logits_of(net.features(x)), net(x))


@torch.no_grad()
def test_an_image_is_answered_alone_as_in_a_batch(network):
    net, size = network
    batch = images(net, 3, size)
    torch.testing.assert_close(net(batch)[1:2], net(batch[1:2]), rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_other_sizes_are_taken_or_declared_fixed(network):
    net, size = network
    if net.fixed_size is not None:
        assert net.fixed_size == size
        return
    _, _, maps = net.forward_all(torch.randn(1, net.in_channels, size + 33, size + 65))
    assert maps.shape[2] < maps.shape[3] or maps.shape[2:] == (1, 1)


def test_a_loss_reaches_every_parameter(network):
    net = copy.deepcopy(network[0])
    torch.nn.functional.cross_entropy(net(images(net, 2, network[1])), torch.tensor([0, 1])).backward()
    unreached = [name for name, parameter in net.named_parameters() if parameter.grad is None]
    assert unreached == []


@torch.no_grad()
def test_saved_and_loaded_it_answers_the_same(network):
    net, size = network
    torch.manual_seed(7)
    other = make(net.name, size).eval()
    assert not torch.equal(other(images(net, 2, size)), net(images(net, 2, size)))
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(images(net, 2, size)), net(images(net, 2, size)))


def test_its_facts_are_plain(network):
    net, _ = network
    assert net.in_channels in (1, 3)
    assert len(net.mean) == len(net.std) == net.in_channels
    assert all(0 <= value <= 1 for value in (*net.mean, *net.std))
    assert net.num_classes == (2 if net.name.endswith("+one") else CLASSES)
    assert isinstance(net.maps_exact, bool)


@pytest.mark.parametrize("architecture", FAST)
def test_grey_input_is_possible(architecture):
    net = build(architecture, num_classes=2, in_channels=1, image_size=64)
    assert len(net.mean) == len(net.std) == 1
    assert net(torch.randn(2, 1, 64, 64)).shape == (2, 2)


def test_dropout_acts_in_training_only():
    net = build("simple_cnn", num_classes=2, image_size=32, dropout=0.5)
    x = images(net, 2, 32)
    net.train()
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_a_transformer_does_not_call_its_maps_exact():
    assert build("vit_tiny_patch16_224", num_classes=2, image_size=32).maps_exact is False


def test_the_layers_that_fall_out_of_use_are_gone():
    # VGG's fully connected layers hold 120 of its 138 million weights
    net = build("vgg11", num_classes=2, image_size=32)
    assert sum(parameter.numel() for parameter in net.parameters()) < 10_000_000
