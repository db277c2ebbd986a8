"""Weights from the hub, without the hub: a cache that is filled by hand, and a network that is not there."""

import hashlib
import socket
import threading
import urllib.request
from contextlib import nullcontext

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError, UsageError
from gyrus.models import hub, start


def asked(architecture, **options):
    config = NetworkOptions(architecture=architecture, pretrained=True, **options)
    return start(config, num_classes=2, image_size=64)


@pytest.fixture
def offline(monkeypatch):
    """Let every look for a name or a host fail, as on a machine without a network."""

    def refuse(*args, **kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(hub, "_cached", lambda *args: None)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_without_a_network_it_says_so_soon(offline, monkeypatch):
    # the hub's client would try for minutes
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda **_: pytest.fail("the hub was asked"))
    with pytest.raises(UsageError, match=r"resnet18 could not be downloaded.*name resolution") as caught:
        asked("resnet18")
    assert "--weights FILE" in caught.value.fix


def test_a_silent_network_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(hub, "_cached", lambda *args: None)
    monkeypatch.setattr(hub, "WAIT_S", 0.2)
    answer = threading.Event()
    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **options: answer.wait() and nullcontext())
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda **_: pytest.fail("the hub was asked"))
    try:
        with pytest.raises(UsageError, match="no answer within"):
            asked("resnet18")
    finally:
        answer.set()


def test_there_is_nothing_to_download_for_our_own(offline):
    with pytest.raises(UsageError, match="simple_cnn has no weights to download"):
        asked("simple_cnn")


def test_weights_that_do_not_exist_are_not_searched(offline):
    absent = next(name for name in timm.list_models() if not timm.get_pretrained_cfg(name).has_weights)
    with pytest.raises(UsageError, match=f"knows no weights for {absent}"):
        asked(absent)


@pytest.fixture
def downloaded(tmp_path, monkeypatch):
    """Lay weights where the hub's client would, under the name of their SHA-256; return (model, file)."""
    torch.manual_seed(3)
    source = timm.create_model("resnet18", num_classes=1000).eval()
    save_file(source.state_dict(), tmp_path / "w")
    blob = tmp_path / hashlib.sha256((tmp_path / "w").read_bytes()).hexdigest()
    (tmp_path / "w").rename(blob)
    link = tmp_path / "model.safetensors"
    link.symlink_to(blob)
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda filename, **_: str(link) if "safe" in filename else None,
    )
    return source, blob


@torch.no_grad()
def test_what_lies_in_the_hubs_cache_is_checked_loaded_and_named(downloaded):
    source, blob = downloaded
    network, report = asked("resnet18")
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(network.eval().features(x), source.forward_features(x))
    assert report.sha256 == blob.name
    assert report.checked
    assert report.source.startswith("timm/resnet18")
    assert report.to_json()["sha256"] == blob.name
    assert "as the hub names it" in report.table()


@torch.no_grad()
def test_downloaded_colour_weights_become_grey_ones(downloaded):
    colour, _ = asked("resnet18")
    grey, report = asked("resnet18", in_channels=1)
    pixels = torch.rand(2, 1, 64, 64)
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (colour.mean, colour.std))
    expected = colour.eval().features((pixels - mean) / std)
    got = grey.eval().features((pixels - grey.mean[0]) / grey.std[0])
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert report.grey_stem == "sum"


def test_a_damaged_download_is_refused(downloaded):
    _, blob = downloaded
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    with pytest.raises(DataError, match="the hub names") as caught:
        asked("resnet18")
    assert "delete the file" in caught.value.fix
