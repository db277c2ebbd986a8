import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from gyrus.errors import ExportError, UsageError
from gyrus.exporting import make_graphs
from gyrus.exporting.cleaning import clean, to_bytes
from gyrus.exporting.network_graph import network_graph, outputs_of
from gyrus.models import Network, build

FAST = ["simple_cnn", "improved_cnn", "resnet18"]
SLOW = [
    "mobilenetv2_100",
    "efficientnet_b0",
    "inception_v3",
    "vgg16",
    "convnext_nano",
    "vit_tiny_patch16_224",
]
EVERY = [*FAST, *(pytest.param(name, marks=pytest.mark.soak) for name in SLOW)]
SIZE = {"inception_v3": 128}


@pytest.fixture(params=EVERY)
def pair(request, exported):
    return exported(request.param, SIZE.get(request.param, 48 if request.param in FAST else 64))


def answers(graphs, x):
    session = onnxruntime.InferenceSession(graphs.network, providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["pixels"]
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(None, {"pixels": x}), strict=True))


def same(network, graphs, x):
    got = answers(graphs, x)
    assert tuple(got) == outputs_of(network)
    with torch.no_grad():
        expected = network.forward_all(torch.from_numpy(x))[: len(got)]
    for value, reference in zip(got.values(), expected, strict=True):
        assert value.dtype == np.float32
        assert value.shape == tuple(reference.shape)
        scale = max(1.0, float(reference.abs().max()))
        np.testing.assert_allclose(value, reference.numpy(), rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("size", [(97, 161), (320, 192)])
@pytest.mark.parametrize("batch", [1, 3])
def test_sizes_never_seen_at_export_are_answered_as_torch_answers(pair, size, batch):
    network, graphs = pair
    if network.fixed_size:
        size = (network.fixed_size,) * 2
    x = np.random.default_rng(0).normal(size=(batch, 3, *size)).astype(np.float32)
    same(network, graphs, x)


def test_open_dimensions_have_names_and_the_rest_are_fixed(pair):
    network, graphs = pair
    session = onnxruntime.InferenceSession(graphs.network, providers=["CPUExecutionProvider"])
    shapes = {entry.name: entry.shape for entry in (*session.get_inputs(), *session.get_outputs())}
    side = network.fixed_size
    assert shapes["pixels"] == ["batch", 3, side or "height", side or "width"]
    assert shapes["logits"] == ["batch", 4]
    assert shapes["embedding"][0] == "batch"
    if network.maps_kind == "occlusion":
        assert "maps" not in shapes
        return
    assert shapes["maps"][:2] == ["batch", 4]
    if not side:
        assert shapes["maps"][2:] == ["map_height", "map_width"]


def texts(model):
    """Return everything in a model that is written in letters, weights aside."""
    slim = onnx.ModelProto()
    slim.CopyFrom(model)
    for tensor in slim.graph.initializer:
        tensor.ClearField("raw_data")
    return slim.SerializeToString()


def test_no_trace_of_this_machine_is_left(pair):
    model = onnx.load_from_string(pair[1].network)
    onnx.checker.check_model(model)
    left = texts(model)
    here = re.escape(str(Path.cwd()).encode())
    for trace in (rb"\.py", rb"site-packages", rb"File \"", rb"/home", rb"forward", rb"stack_trace", here):
        assert not re.search(trace, left), trace
    assert len(model.metadata_props) == 0
    assert all(not node.metadata_props and not node.doc_string for node in model.graph.node)
    assert all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)


def test_the_same_weights_give_the_same_bytes(exported):
    network, graphs = exported("improved_cnn")
    assert make_graphs(network, image_size=48, channels_in=1) == graphs


PROGRAM = """
import hashlib, torch
from gyrus.exporting.network_graph import network_graph, outputs_of
from gyrus.models import build
torch.manual_seed(0)
print(hashlib.sha256(network_graph(build("simple_cnn", num_classes=2, image_size=16))).hexdigest())
"""


def test_another_process_gives_the_same_bytes(tmp_path):
    torch.manual_seed(0)
    here = hashlib.sha256(network_graph(build("simple_cnn", num_classes=2, image_size=16))).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )  # fmt: skip
    assert there.stdout.split() == [here]


def test_the_network_is_left_as_it_was():
    network = (
        build("improved_cnn", num_classes=2, image_size=32).to(memory_format=torch.channels_last).train()
    )
    inplace = [module.inplace for module in network.modules() if isinstance(module, torch.nn.ReLU)]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    make_graphs(network, image_size=32, channels_in=3)
    assert network.training
    assert [module.inplace for module in network.modules() if isinstance(module, torch.nn.ReLU)] == inplace
    assert network.features[0][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_dropout_is_not_in_the_graph():
    network = build("simple_cnn", num_classes=2, image_size=32, dropout=0.5).train()
    operators = {node.op_type for node in onnx.load_from_string(network_graph(network)).graph.node}
    assert "Dropout" not in operators


def test_a_size_that_the_network_cannot_take_is_refused(exported):
    network, _ = exported("simple_cnn")
    with pytest.raises(UsageError, match="built for images of 48 pixels; got 64"):
        make_graphs(network, image_size=64, channels_in=1)


def test_channels_that_do_not_fit_are_refused(exported):
    with pytest.raises(UsageError, match="mean has 1 values; the network has 3"):
        make_graphs(exported()[0], image_size=48, channels_in=1, mean=(0.5,), std=(0.5,))


def test_a_network_that_cannot_be_traced_is_refused_by_name(exported):
    class Stubborn(Network):
        def forward_all(self, x):
            return self.head(x.mean((2, 3)) if float(x.sum()) > 0 else x), x, x

    facts = exported()[0].facts
    network = Stubborn(torch.nn.Identity(), num_features=3, num_classes=2, facts=facts)
    with pytest.raises(ExportError, match="improved_cnn cannot be turned into ONNX"):
        network_graph(network)


def test_an_open_dimension_that_should_be_fixed_is_refused(exported):
    model = onnx.load_from_string(exported()[1].network)
    with pytest.raises(ExportError, match="axis 2 of pixels is open"):
        clean(model, {"pixels": {0: "batch"}})


def test_weights_outside_the_file_are_refused(exported):
    model = onnx.load_from_string(exported()[1].network)
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(ExportError, match="another file") as caught:
        to_bytes(model)
    assert caught.value.details == [model.graph.initializer[0].name]
