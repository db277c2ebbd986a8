"""A trunk's parts: in a row they are the trunk, and every parameter stands in exactly one."""

import pytest
import torch
from torch import nn

from gyrus.models import Network, NetworkFacts, build, parts_of
from gyrus.models.parts import parts_above

BLOCKS = {
    "simple_cnn": ["block1", "block2", "block3"],
    "improved_cnn": ["block1", "block2", "block3", "block4", "block5"],
    "resnet18": ["stem", "layer1", "layer2", "layer3", "layer4"],
    "mobilenetv2_100": ["stem", *(f"blocks.{number}" for number in range(7))],
}
SLOW = {
    "resnet50": BLOCKS["resnet18"],
    "mobilenetv3_large_100": BLOCKS["mobilenetv2_100"],
    "efficientnet_b0": BLOCKS["mobilenetv2_100"],
    "vgg16": BLOCKS["improved_cnn"],
    "densenet121": ["stem", "denseblock1", "denseblock2", "denseblock3", "denseblock4"],
    "inception_v3": ["stem", "mixed5", "mixed6", "mixed7"],
    "convnext_nano": ["stem", "stages.0", "stages.1", "stages.2", "stages.3"],
    "swin_tiny_patch4_window7_224": ["stem", "layers.0", "layers.1", "layers.2", "layers.3"],
    "vit_tiny_patch16_224": ["stem", *(f"blocks.{number}" for number in range(12))],
}
EVERY = [*BLOCKS.items(), *(pytest.param(*item, marks=pytest.mark.soak) for item in SLOW.items())]


@pytest.mark.parametrize(("architecture", "expected"), EVERY)
def test_the_parts_in_a_row_are_the_trunk(architecture, expected):
    size = 224 if "patch" in architecture else 96
    network = build(architecture, num_classes=2, image_size=size).eval()
    names = list(network.state_dict())
    parts = parts_of(network)
    assert [part.name for part in parts] == expected
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        features = x
        for part in parts:
            features = part.module(features)
        torch.testing.assert_close(features, network.features(x))
        torch.testing.assert_close(network.logits_of(features), network(x))
    inside = [id(p) for part in parts for p in part.module.parameters()]
    assert sorted(inside) == sorted(id(p) for p in network.features.parameters())
    assert list(network.state_dict()) == names


class Shortcut(nn.Module):
    """Two convolutions with a way round the second: a row of its children gives something else."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        x = self.first(x)
        return x + self.second(x)


def test_a_trunk_whose_way_is_not_a_row_is_one_part():
    facts = NetworkFacts("shortcut", 3, (0.5,) * 3, (0.5,) * 3)
    network = Network(Shortcut(), num_features=4, num_classes=2, facts=facts)
    assert [(part.name, part.module) for part in parts_of(network)] == [("features", network.features)]


def test_asking_changes_neither_weights_nor_random_state():
    network = build("resnet18", num_classes=2, image_size=32).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    parts_of(network)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert network.training
    assert network.features.training


def test_a_part_trains_the_networks_own_weights():
    network = build("improved_cnn", num_classes=2, image_size=32)
    parts_of(network)[-1].module.requires_grad_(False)
    assert not any(p.requires_grad for p in network.features[8].parameters())
    assert all(p.requires_grad for p in network.features[0].parameters())


@pytest.mark.parametrize(
    ("architecture", "first"),
    [("mobilenetv2_100", "blocks.3"), ("resnet18", "layer3"), ("improved_cnn", "block4")],
)
def test_parts_above_a_stride_begin_where_the_picture_gets_coarser(architecture, first):
    network = build(architecture, num_classes=2, image_size=96)
    parts = parts_of(network)
    names = [part.name for part in parts]
    assert parts_above(network, parts, 8) == names[names.index(first) :]
    assert parts_above(network, parts, 1000) == names
