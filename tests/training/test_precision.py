import json

import pytest
import torch

from gyrus.models import build
from gyrus.training import precision
from gyrus.training.fit import _variant
from gyrus.training.precision import CANDIDATES, choose

CPU = torch.device("cpu")
SHAPE = (64, 3, 16, 16)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build("simple_cnn", num_classes=2, image_size=16, dropout=0.5)


def ask(network, tmp_path, asked="auto", key="simple_cnn"):
    return choose(asked, network, key=key, input_shape=SHAPE, device=CPU, cache_folder=tmp_path)


def test_an_option_is_obeyed_without_measuring(network, tmp_path):
    assert ask(network, tmp_path, "bf16").for_trainer == "bf16-mixed"
    assert ask(network, tmp_path, "float32").for_trainer == "32-true"
    assert ask(network, tmp_path, "float32").source == "asked"
    assert list(tmp_path.iterdir()) == []


def test_measuring_changes_neither_the_network_nor_the_random_state(network, tmp_path):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    chosen = ask(network, tmp_path)
    assert chosen.source == "measured"
    assert set(chosen.images_per_s) == set(CANDIDATES)
    assert all(speed > 0 for speed in chosen.images_per_s.values())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("speeds", "dtype", "channels_last"),
    [
        ((10, 12, 30), "bf16", True),
        ((10, 12, 12.5), "float32", True),  # not worth the rounding
        ((13, 12, 5), "float32", False),
        ((13, 12, 15), "bf16", True),
    ],
)
def test_the_faster_is_taken_and_bf16_only_where_it_pays(
    network, tmp_path, monkeypatch, speeds, dtype, channels_last
):
    measured = dict(zip(CANDIDATES, speeds, strict=True))
    monkeypatch.setattr(precision, "measure", lambda *args: measured)
    chosen = ask(network, tmp_path)
    assert (chosen.dtype, chosen.channels_last) == (dtype, channels_last)


def test_it_is_measured_once_for_each_architecture(network, tmp_path, monkeypatch):
    calls = []
    measured = dict.fromkeys(CANDIDATES, 1.0)
    monkeypatch.setattr(precision, "measure", lambda *args: calls.append(args) or measured)
    sources = [ask(network, tmp_path, key=key).source for key in ("a", "b", "a", "b")]
    assert sources == ["measured", "measured", "remembered", "remembered"]
    assert len(calls) == 2
    keys = list(json.loads((tmp_path / "precision.json").read_text()))
    assert all(torch.__version__ in key and "16x3x16x16" in key for key in keys)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 3}'])
def test_a_damaged_memory_is_measured_anew(network, tmp_path, monkeypatch, content):
    (tmp_path / "precision.json").write_text(content)
    monkeypatch.setattr(precision, "measure", lambda *args: dict.fromkeys(CANDIDATES, 1.0))
    assert ask(network, tmp_path).source == "measured"
    assert ask(network, tmp_path).source == "remembered"


def test_another_machine_is_another_entry():
    named = precision.machine(CPU)
    assert "threads" in named
    assert torch.backends.cpu.get_cpu_capability() in named  # the same name of a processor may hide it


def test_another_head_or_norm_is_another_entry(config):
    told = [
        _variant(config(**options)) for options in ({}, {"head": "mlp"}, {"norm": "group"}, {"epochs": 1})
    ]
    assert len(set(told)) == 3
    assert told[0] == told[3]
