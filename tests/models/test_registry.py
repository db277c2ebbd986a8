import socket

import pytest
import timm
import torch

from gyrus.errors import UsageError
from gyrus.models import build, check_architecture, names, suggest


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network connection was touched")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("architecture", ["simple_cnn", "improved_cnn", "resnet18"])
def test_building_touches_no_network(no_network, architecture):
    build(architecture, num_classes=2, image_size=32)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(3)
    first = build("improved_cnn", num_classes=2, image_size=32).state_dict()
    torch.manual_seed(3)
    second = build("improved_cnn", num_classes=2, image_size=32).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_our_names_come_before_timms():
    assert names()[:2] == ("simple_cnn", "improved_cnn")
    assert set(timm.list_models()) <= set(names())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("simplecnn", "simple_cnn"),
        ("Improved_CNN", "improved_cnn"),
        ("mobilenet_v2_100", "mobilenetv2_100"),
        ("mobilenet_v22", "mobilenetv2_100"),
    ],
)
def test_the_nearest_name_is_suggested(typed, meant):
    assert meant in suggest(typed)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no network is called 'resnet51'") as caught:
        build("resnet51", num_classes=2)
    assert "resnet5" in caught.value.fix


def test_a_name_near_to_nothing_is_refused_too():
    with pytest.raises(UsageError) as caught:
        build("§§§§", num_classes=2)
    assert "simple_cnn" in caught.value.fix


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_classes": 1}, "at least 2"),
        ({"in_channels": 0}, "in_channels"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"image_size": 4}, "at least 8"),
    ],
)
def test_bad_numbers_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        build("simple_cnn", **{"num_classes": 3, **options})


@pytest.mark.parametrize(
    ("architecture", "asked", "next_one"),
    [("vit_tiny_patch16_224", 36, 48), ("swin_tiny_patch4_window7_224", 226, 232)],
)
def test_a_size_of_which_a_transformer_would_cut_the_border_is_refused(architecture, asked, next_one):
    with pytest.raises(UsageError, match="px off the right and the lower border") as caught:
        build(architecture, num_classes=2, image_size=asked)
    assert f"--image-size {next_one} is the next" in caught.value.fix


def test_a_size_that_a_backbone_cannot_take_is_refused():
    with pytest.raises(UsageError, match="inception_v3 cannot take images of 40 x 40 pixels"):
        build("inception_v3", num_classes=2, image_size=40)


@pytest.mark.parametrize("name", ["unet", "unet_noskips", "deeplabv3plus-mobilenetv2_100"])
def test_a_network_for_masks_is_known_and_leads_to_its_task(name):
    with pytest.raises(UsageError, match="draws masks") as refused:
        check_architecture(name)
    assert refused.value.fix == "add --task segment"
