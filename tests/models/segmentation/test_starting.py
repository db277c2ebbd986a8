"""Weights of a classifier in an encoder, and of a whole network in another."""

from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError, UsageError
from gyrus.models import start
from gyrus.models.segmentation import build_segmentation, start_segmentation

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "weights"
MOBILENET = SHARED / "mobilenet_v2-imagenet-features.safetensors"


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    safetensors.torch.save_file(timm.create_model("test_resnet").state_dict(), path)
    return path


def both(architecture, weights, **options):
    """Return the classifier and the segmentation network from the same weights."""
    encoder = architecture.partition("-")[2]
    classifier, _ = start(
        NetworkOptions(architecture=encoder, weights=weights, **options), num_classes=2, image_size=64
    )
    network, report = start_segmentation(
        NetworkOptions(architecture=architecture, weights=weights, **options), mask_classes=1, image_size=64
    )
    return classifier.eval(), network.eval(), report


def activations(module, last, x):
    """Return what every layer named ``last`` gives."""
    seen = []
    hook = module.get_submodule(last).register_forward_hook(lambda _, __, output: seen.append(output))
    module(x)
    hook.remove()
    return seen[-1]


@torch.no_grad()
@pytest.mark.parametrize("options", [{}, {"in_channels": 1}])
def test_encoder_features_are_the_trunks(small_file, options):
    classifier, network, report = both("unet-test_resnet", small_file, **options)
    x = torch.randn(2, classifier.in_channels, 64, 64)
    torch.testing.assert_close(network.encoder(x)[-1], classifier.features(x))
    assert (network.mean, network.std) == (classifier.mean, classifier.std)
    assert network.in_channels == options.get("in_channels", 3)
    assert report.loaded > 0
    assert not report.head_loaded


@torch.no_grad()
def test_the_shared_mobilenet_is_the_encoder():
    if not MOBILENET.is_file():
        pytest.skip("no ../shared/weights beside the project")
    classifier, network, report = both("unet-mobilenetv2_100", MOBILENET)
    x = torch.randn(2, 3, 64, 64)
    trunk = classifier.features.trunk
    for level, layer in zip(
        network.encoder(x)[1:], ("blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6"), strict=True
    ):
        torch.testing.assert_close(level, activations(trunk, layer, x), rtol=0, atol=0)
    assert report.source == MOBILENET.name
    assert network.mean == pytest.approx((0.485, 0.456, 0.406))


@torch.no_grad()
@pytest.mark.soak
@pytest.mark.parametrize(
    "encoder",
    ["resnet50", "efficientnet_b0", "densenet121", "convnext_atto", "mobilenetv3_large_100", "pvt_v2_b0"],
)
def test_other_encoders_take_their_classifiers_weights(encoder, tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(timm.create_model(encoder).state_dict(), path)
    classifier, network, _ = both(f"segformer-{encoder}", path)
    x = torch.randn(1, 3, 64, 64)
    ours = network.encoder.trunk.state_dict()
    theirs = {
        name.replace(".", "_"): tensor for name, tensor in classifier.features.trunk.state_dict().items()
    }
    assert all(torch.equal(tensor, theirs[name.replace(".", "_")]) for name, tensor in ours.items())
    if network.encoder.channels[-1] == classifier.features(x).shape[1]:
        assert network.encoder(x)[-1].shape == classifier.features(x).shape


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_a_whole_network_starts_another(tmp_path, channels):
    torch.manual_seed(1)
    path = tmp_path / "unet.safetensors"
    trained = build_segmentation("unet", mask_classes=1, in_channels=channels, image_size=32).eval()
    safetensors.torch.save_file(trained.state_dict(), path)
    options = NetworkOptions(architecture="unet", weights=path)
    network, report = start_segmentation(options, mask_classes=1, image_size=32)
    x = torch.randn(1, channels, 32, 32)
    assert network.in_channels == channels
    assert torch.equal(network.eval()(x), trained(x))
    assert report.head_loaded
    several, report = start_segmentation(options, mask_classes=3, image_size=32)
    assert torch.equal(several.encoder.eval()(x)[-1], trained.encoder(x)[-1])
    assert not report.head_loaded
    assert set(report.unused) == {"head.weight", "head.bias"}


@torch.no_grad()
def test_a_whole_colour_network_becomes_a_grey_one(tmp_path, small_file):
    path = tmp_path / "whole.safetensors"
    colour, _ = start_segmentation(
        NetworkOptions(architecture="unet-test_resnet", weights=small_file), mask_classes=1, image_size=64
    )
    safetensors.torch.save_file(colour.state_dict(), path)
    options = NetworkOptions(architecture="unet-test_resnet", weights=path, in_channels=1)
    grey, _ = start_segmentation(options, mask_classes=1, image_size=64)
    pixel = torch.rand(1, 1, 64, 64)
    three = (pixel - torch.tensor(colour.mean)[:, None, None]) / torch.tensor(colour.std)[:, None, None]
    one = (pixel - grey.mean[0]) / grey.std[0]
    torch.testing.assert_close(grey.eval()(one), colour.eval()(three), rtol=1e-3, atol=1e-3)
    # and the folded one, saved, starts a third
    safetensors.torch.save_file(grey.state_dict(), path)
    again, _ = start_segmentation(
        NetworkOptions(architecture="unet-test_resnet", weights=path), mask_classes=1, image_size=64
    )
    assert torch.equal(again.eval()(one), grey(one))


def test_weights_of_another_network_are_refused(tmp_path, small_file):
    with pytest.raises(UsageError, match="has no pretrained encoder"):
        start_segmentation(NetworkOptions(architecture="unet", weights=small_file), mask_classes=1)
    with pytest.raises(DataError, match="not weights of mobilenetv2_100"):
        start_segmentation(NetworkOptions(architecture="fpn", weights=small_file), mask_classes=1)
    path = tmp_path / "unet.safetensors"
    safetensors.torch.save_file(build_segmentation("unet", mask_classes=1).state_dict(), path)
    with pytest.raises(DataError, match="not weights of unet_noskips"):
        start_segmentation(NetworkOptions(architecture="unet_noskips", weights=path), mask_classes=1)


@pytest.mark.parametrize(("option", "value"), [("head", "mlp"), ("binary_output", "one")])
def test_options_of_a_classifiers_head_are_refused(option, value):
    with pytest.raises(UsageError, match=f"{option} belong"):
        start_segmentation(NetworkOptions(architecture="unet", **{option: value}), mask_classes=1)


def test_colour_does_not_go_into_a_grey_network():
    with pytest.raises(UsageError, match="read in colour"):
        start_segmentation(NetworkOptions(architecture="unet", in_channels=1), mask_classes=1, color="rgb")
