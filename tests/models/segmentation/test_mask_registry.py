import socket

import pytest
import torch

from gyrus.errors import UsageError
from gyrus.models.segmentation import build_segmentation, is_segmentation
from gyrus.models.segmentation.registry import DOCUMENTED, parse


def test_building_touches_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network connection was touched")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    build_segmentation("unet-test_resnet", mask_classes=1, image_size=64)


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(3)
    first = build_segmentation("unet", mask_classes=1).state_dict()
    torch.manual_seed(3)
    second = build_segmentation("unet", mask_classes=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_names_are_a_design_and_an_encoder():
    assert parse("unet") == ("unet", None)
    assert parse("unet-resnet18") == ("unet", "resnet18")
    assert parse("fpn") == ("fpn", "mobilenetv2_100")
    assert all(is_segmentation(name) for name in DOCUMENTED)
    assert not is_segmentation("resnet18")
    assert not is_segmentation("unet_noskips-resnet18")


@pytest.mark.parametrize(
    ("name", "said", "fix"),
    [
        ("unet++", "no segmentation network is called 'unet\\+\\+'", "unet"),
        ("resnet18", "no segmentation network", "DESIGN-ENCODER"),
        ("unet-resnet19", "no encoder is called 'resnet19'", "resnet18"),
        ("unet-mit_b0", "non-commercial", "pvt_v2_b0"),
        ("unet-vit_tiny_patch16_224", "one size", "mobilenetv2_100"),
        ("unet-mixer_b16_224", "cannot be an encoder|one size", "mobilenetv2_100"),
    ],
)
def test_what_is_none_is_refused_with_what_is_one(name, said, fix):
    with pytest.raises(UsageError, match=said) as caught:
        build_segmentation(name, mask_classes=1)
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask_classes": 0}, "at least 1"),
        ({"image_classes": 1}, "at least 2"),
        ({"in_channels": 0}, "in_channels"),
        ({"dropout": 1.0}, "dropout"),
        ({"image_size": 16}, "multiple of 16 pixels, at least 32"),
        ({"image_size": 100}, "multiple of 16"),
    ],
)
def test_bad_numbers_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        build_segmentation("unet", **{"mask_classes": 1, **options})


def test_the_next_size_is_named():
    with pytest.raises(UsageError) as caught:
        build_segmentation("unet", mask_classes=1, image_size=100)
    assert "--image-size 112" in caught.value.fix


def test_a_norm_is_for_our_own():
    with pytest.raises(UsageError, match="norm is for gyrus's own"):
        build_segmentation("fpn-test_resnet", mask_classes=1, norm="group")


def test_one_map_has_nothing_deep_to_supervise():
    with pytest.raises(UsageError, match="no coarser ones"):
        build_segmentation("fpn-test_resnet", mask_classes=1, deep_supervision=True)


def test_without_skips_the_fine_features_reach_the_mask_by_the_bottleneck_alone():
    net = build_segmentation("unet_noskips", mask_classes=1, image_size=32).eval()
    features = net.encoder(torch.randn(1, 3, 32, 32))
    other = [torch.randn_like(level) for level in features[:-1]]
    assert torch.equal(net.decoder(features)[0], net.decoder([*other, features[-1]])[0])
    bridged = build_segmentation("unet", mask_classes=1, image_size=32).eval()
    assert not torch.equal(bridged.decoder(features)[0], bridged.decoder([*other, features[-1]])[0])
