"""What a network costs: against counts by hand, and receptive fields from the literature."""

import pytest
import torch
from torch import nn

from gyrus.models import Network, NetworkFacts, build
from gyrus.models.costs import flops, inference_bytes, kept_bytes, ms_per_image, parameters_of, training_bytes
from gyrus.models.receptive_field import receptive_field


@pytest.fixture
def small():
    features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2))
    facts = NetworkFacts("small", 3, (0.5,) * 3, (0.5,) * 3)
    return Network(features, num_features=8, num_classes=2, facts=facts)


def test_parameters_and_operations_are_those_counted_by_hand(small):
    assert parameters_of(small) == 3 * 8 * 9 + 8 * 2 + 2
    assert flops(small, 16) == 2 * (16 * 16 * 8 * 3 * 9 + 8 * 2)


def test_memory_is_that_counted_by_hand(small):
    # the image for the convolution, its output for ReLU and pool, the pool's indices (8 bytes), the mean
    picture, wide, narrow = 3 * 16 * 16 * 4, 8 * 16 * 16 * 4, 8 * 8 * 8
    assert kept_bytes(small, 16) == pytest.approx(picture + wide + narrow * 8, rel=0.02)
    weights = parameters_of(small) * 4
    assert training_bytes(small, 16, 10) == 4 * weights + 10 * kept_bytes(small, 16)
    assert inference_bytes(small, 16) == weights + 2 * wide


def test_counting_changes_nothing(small):
    small.train()
    before = [parameter.clone() for parameter in small.parameters()]
    flops(small, 16)
    inference_bytes(small, 16)
    ms_per_image(small, 16, 1)
    receptive_field(small)
    kept_bytes(small, 16)
    assert small.training
    assert all(torch.equal(a, b) for a, b in zip(before, small.parameters(), strict=True))
    assert next(small.parameters()).device.type == "cpu"


# ResNet-18, VGG-16, MobileNetV2, DenseNet-121, InceptionV3: Araujo et al. 2019; ResNet-50 with its stride
# on the 3 x 3 convolution, as timm and torchvision have it; the first by hand
FIELDS = {"simple_cnn": (22, False), "resnet18": (435, False)}
SOAK = {
    "vgg16": (212, False),
    "resnet50": (427, False),
    "mobilenetv2_100": (491, False),
    "efficientnet_b0": (851, True),
    "inception_v3": (1311, False),
    "densenet121": (2071, False),
}
EVERY = [*FIELDS.items(), *(pytest.param(*item, marks=pytest.mark.soak) for item in SOAK.items())]


@pytest.mark.parametrize(("architecture", "expected"), EVERY)
def test_receptive_fields_are_the_literatures(architecture, expected):
    assert receptive_field(build(architecture, num_classes=2, image_size=96)) == expected


def test_a_transformer_sees_the_whole_picture():
    assert receptive_field(build("vit_tiny_patch16_224", num_classes=2, image_size=32)) == (None, True)
