"""Medical weights by file: random weights under each publisher's names answer as the plain network."""

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError
from gyrus.models import start

SIZE = 96


def reference(name, **options):
    """Return torchvision's network with random weights and random BatchNorm statistics."""
    torch.manual_seed(1)
    network = torchvision.models.get_model(name, weights=None, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
    return network.eval()


def started(path, architecture, **options):
    config = NetworkOptions(architecture=architecture, weights=path, **options)
    network, report = start(config, num_classes=2, image_size=SIZE)
    return network.eval(), report


@torch.no_grad()
def answers_alike(network, trunk, channels=3):
    x = torch.randn(2, channels, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.features(x), trunk(x), rtol=1e-4, atol=1e-4)


def numbered(children):
    """Return state under RadImageNet's names: the children in one Sequential called backbone."""
    return {f"backbone.{name}": tensor for name, tensor in nn.Sequential(*children).state_dict().items()}


# torchvision's DenseNet has its last ReLU behind its features, timm's within
RADIMAGENET = {
    "resnet50": (
        {},
        lambda net: list(net.children())[:9],
        lambda net: nn.Sequential(*list(net.children())[:-2]),
    ),
    "densenet121": ({}, lambda net: [net.features], lambda net: nn.Sequential(net.features, nn.ReLU())),
    "inception_v3": (
        {"aux_logits": False, "init_weights": False},
        lambda net: list(net.children())[:-1],
        lambda net: nn.Sequential(*list(net.children())[:-3]),
    ),
}


@pytest.mark.parametrize(
    "architecture",
    ["resnet50", *(pytest.param(n, marks=pytest.mark.soak) for n in ("densenet121", "inception_v3"))],
)
def test_radimagenet(tmp_path, architecture):
    options, kept, trunk = RADIMAGENET[architecture]
    source = reference(architecture, **options)
    torch.save(numbered(kept(source)), tmp_path / "w.pt")
    network, report = started(tmp_path / "w.pt", architecture)
    answers_alike(network, trunk(source))
    assert report.scheme == "RadImageNet"
    assert (network.mean, network.std) == ((0.5,) * 3, (0.5,) * 3)
    assert "RadImageNet" in report.table()


class XrayDenseNet(nn.Module):
    """TorchXRayVision's network by its names: one channel, 18 findings, thresholds that may be NaN."""

    def __init__(self):
        super().__init__()
        whole = reference("densenet121", num_classes=18)
        self.features, self.classifier = whole.features, whole.classifier
        self.features.conv0 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.register_buffer("op_threshs", torch.full((18,), float("nan")))


@pytest.mark.parametrize("thresholds", [True, False])
def test_torchxrayvision(tmp_path, thresholds):
    source = XrayDenseNet().eval()
    state = source.state_dict()
    if not thresholds:
        del state["op_threshs"]
    save_file(state, tmp_path / "w.safetensors")
    network, report = started(tmp_path / "w.safetensors", "densenet121")
    assert report.scheme == "TorchXRayVision"
    assert network.in_channels == 1
    answers_alike(network, nn.Sequential(source.features, nn.ReLU()), channels=1)
    # white and black become 1024 and -1024
    assert [(level - network.mean[0]) / network.std[0] for level in (0.0, 1.0)] == [-1024, 1024]
    assert "op_threshs" not in report.unused
    with pytest.raises(DataError, match="reads grey") as caught:
        started(tmp_path / "w.safetensors", "densenet121", in_channels=3)
    assert "--in-channels 1" in caught.value.fix


def test_biovil(tmp_path):
    source = reference("resnet50")
    state = {
        f"encoder.encoder.{name}": value for name, value in source.state_dict().items() if "fc" not in name
    }
    state["projector.model.0.weight"] = torch.randn(128, 2048, 1, 1)
    torch.save(state, tmp_path / "w.pt")
    network, report = started(tmp_path / "w.pt", "resnet50")
    answers_alike(network, nn.Sequential(*list(source.children())[:-2]))
    assert report.scheme == "BioViL"
    assert (network.mean, network.std) == ((0.0,) * 3, (1.0,) * 3)
    assert report.unused == ("projector.model.0.weight",)


@pytest.mark.parametrize("old_names", [True, False])
def test_chexpert_trained_under_any_prefix(tmp_path, old_names):
    source = reference("densenet121", num_classes=14)
    state = {f"module.densenet121.{name}": value for name, value in source.state_dict().items()}
    if old_names:  # as the first releases of torchvision wrote them
        for kind in ("norm", "conv"):
            state = {
                name.replace(f".{kind}1.", f".{kind}.1.").replace(f".{kind}2.", f".{kind}.2."): value
                for name, value in state.items()
            }
    torch.save({"state_dict": state, "epoch": 3, "best_auroc": 0.8}, tmp_path / "w.pth")
    network, report = started(tmp_path / "w.pth", "densenet121")
    answers_alike(network, nn.Sequential(source.features, nn.ReLU()))
    assert report.scheme is None
    assert "the file tells of none" in report.normalisation


@torch.no_grad()
def test_medical_colour_weights_become_grey_ones(tmp_path):
    source = reference("resnet50")
    torch.save(numbered(list(source.children())[:9]), tmp_path / "w.pt")
    network, report = started(tmp_path / "w.pt", "resnet50", in_channels=1)
    pixels = torch.rand(2, 1, SIZE, SIZE)
    trunk = nn.Sequential(*list(source.children())[:-2])
    expected = trunk(((pixels - 0.5) / 0.5).expand(-1, 3, -1, -1))
    got = network.features((pixels - network.mean[0]) / network.std[0])
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
    assert report.grey_stem == "sum"


def test_a_grey_network_of_ours_comes_back(tmp_path):
    options = {"architecture": "resnet18", "in_channels": 1}
    colour = timm_like(tmp_path)
    first, _ = start(NetworkOptions(weights=colour, **options), num_classes=2, image_size=SIZE)
    save_file(first.state_dict(), tmp_path / "grey.safetensors")
    config = NetworkOptions(weights=tmp_path / "grey.safetensors", architecture="resnet18")
    again, report = start(config, num_classes=2, image_size=SIZE)
    assert report.head_loaded
    assert again.in_channels == 1
    x = torch.randn(2, 1, SIZE, SIZE)
    assert torch.equal(first.eval()(x), again.eval()(x))


def timm_like(tmp_path):
    save_file(reference("resnet18").state_dict(), tmp_path / "colour.safetensors")
    return tmp_path / "colour.safetensors"
