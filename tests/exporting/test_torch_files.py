"""TorchScript, torch.export and weights with their loader: each read back, at sizes never seen at export."""

import io
import json
import subprocess
import sys

import pytest
import torch
from settling import settled

from gyrus.errors import ExportError
from gyrus.exporting.network_graph import outputs_of
from gyrus.exporting.rebuilding import NetworkSpec
from gyrus.exporting.state_dict import CARD, LOADER, PICKLED, WEIGHTS, read_state_dict, state_dict_files
from gyrus.exporting.torch_files import read_torch_export, read_torchscript, torch_export, torchscript
from gyrus.models import Network, NetworkFacts
from gyrus.models.heads import HeadPlan

CARD_OF = {
    "classes": ["a", "b", "c", 'd"'],
    "architecture": "x",
    "gyrus_version": "0",
    "input": {"image_size_px": 64},
}
FORMS = {"torchscript": (torchscript, read_torchscript), "torch-export": (torch_export, read_torch_export)}
FAST = ["test_resnet"]
SLOW = [
    "test_vit",
    "improved_cnn",
    "mobilenetv2_100",
    "efficientnet_b0",
    "convnext_nano",
    "vgg11",
]
EVERY = [*FAST, *(pytest.param(name, marks=pytest.mark.soak) for name in SLOW)]


@pytest.fixture(scope="module", params=EVERY)
def network(request):
    options = {"hidden_sizes": (6,)} if request.param == "test_resnet" else {}
    return settled(request.param, 64, **options)


@pytest.fixture(scope="module")
def files(network):
    return {form: write(network, CARD_OF) for form, (write, _) in FORMS.items()}


@pytest.mark.parametrize("form", FORMS)
def test_read_back_it_answers_as_the_network_at_sizes_never_seen(network, files, form):
    answer = FORMS[form][1](files[form])
    for size in [(64, 64)] if network.fixed_size else [(101, 75), (64, 203)]:
        x = torch.randn(3, 3, *size)
        with torch.no_grad():
            torch.testing.assert_close(answer(x), network(x), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:FutureWarning")
def test_the_files_hold_the_card_and_all_answers(network, files):
    inside = {"card.json": "", "sizes.json": ""}
    script = torch.jit.load(io.BytesIO(files["torchscript"]), _extra_files=inside)
    assert json.loads(inside["card.json"]) == CARD_OF
    assert json.loads(inside["sizes.json"]) == {"only_image_size_px": network.fixed_size}
    assert len(script(torch.zeros(1, 3, 64, 64))) == len(outputs_of(network))
    inside = {"card.json": ""}
    program = torch.export.load(io.BytesIO(files["torch-export"]), extra_files=inside)
    assert json.loads(inside["card.json"]) == CARD_OF
    assert len(program.module()(torch.zeros(2, 3, 64, 64))) == len(outputs_of(network))


SPEC = NetworkSpec("simple_cnn", 4, 3, 48, HeadPlan((5,), 0.5, activation="gelu"))
SPECS = {
    "mlp": SPEC,
    "folded": NetworkSpec("improved_cnn", 4, 1, 48, HeadPlan(), folded=True),
    "grey one logit": NetworkSpec("lenet", 2, 1, 28, HeadPlan(one_logit=True), norm="group"),
}


@pytest.mark.parametrize("name", SPECS)
def test_the_loader_builds_the_same_network(tmp_path, name):
    spec = SPECS[name]
    torch.manual_seed(1)
    network = spec.build()
    for file, data in state_dict_files(network, spec, CARD_OF).items():
        (tmp_path / file).write_bytes(data)
    again = read_state_dict(tmp_path)
    x = torch.randn(2, network.in_channels, spec.image_size, spec.image_size)
    with torch.no_grad():
        assert torch.equal(again(x), network(x))
    assert not again.training


def test_the_script_works_by_itself_and_the_pickle_holds_tensors_only(tmp_path):
    files = state_dict_files(SPEC.build(), SPEC, CARD_OF)
    assert sorted(files) == sorted([WEIGHTS, PICKLED, LOADER, CARD])
    assert len(files[LOADER].decode().splitlines()) <= 14
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    done = subprocess.run(
        [sys.executable, str(tmp_path / LOADER)], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("simple_cnn ")
    tensors = torch.load(tmp_path / PICKLED, weights_only=True)
    assert set(tensors) == set(SPEC.build().state_dict())


def test_two_files_of_different_weights_are_refused(tmp_path):
    network = SPEC.build()
    for file, data in state_dict_files(network, SPEC, CARD_OF).items():
        (tmp_path / file).write_bytes(data)
    torch.save(SPEC.build().state_dict(), tmp_path / PICKLED)
    with pytest.raises(ExportError, match="different weights"):
        read_state_dict(tmp_path)


class Counting(torch.nn.Module):
    """Features that depend on a number worked out of the size, which a trace writes down."""

    def forward(self, x):
        return x * int(x.shape[2])


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:FutureWarning")
def test_a_trace_that_wrote_down_a_size_says_which(caplog):
    facts = NetworkFacts("counting", 3, (0.5,) * 3, (0.5,) * 3)
    network = Network(Counting(), num_features=3, num_classes=2, facts=facts).eval()
    with caplog.at_level("INFO", logger="gyrus"):
        data = torchscript(network, CARD_OF)
    inside = {"sizes.json": ""}
    torch.jit.load(io.BytesIO(data), _extra_files=inside)
    assert json.loads(inside["sizes.json"]) == {"only_image_size_px": 64}
    assert "takes images of 64 pixels only" in caplog.text
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(read_torchscript(data)(x), network(x))


def test_a_network_that_cannot_be_traced_is_refused(network):
    class Stubborn(type(network)):
        def forward_all(self, x):
            raise TypeError("no way")

    stubborn = SPEC.build()
    stubborn.__class__ = Stubborn
    for write, _ in FORMS.values():
        with pytest.raises(ExportError, match="cannot be turned into") as caught:
            write(stubborn, CARD_OF)
        assert "--to onnx" in caught.value.fix
