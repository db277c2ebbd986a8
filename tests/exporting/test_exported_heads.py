"""Other heads, stems and norms in ONNX: logits, embedding and class maps as torch computes them."""

import numpy as np
import onnxruntime
import pytest
import torch

from gyrus.exporting import check_parity, make_graphs
from gyrus.models import build, to_grey
from gyrus.models.heads import HeadPlan, make_head

CASES = {
    # grey stem with its plane of ones, pools that round up, hidden layers, one logit: all at once
    "squeezenet1_1": ({"num_classes": 2, "hidden_sizes": (6, 5), "one_logit": True}, True, 64),
    "simple_cnn": ({"num_classes": 3, "hidden_sizes": (7,)}, False, 32),
}
SOAK = {
    "baseline_cnn": ({"num_classes": 3, "norm": "group"}, False, 48),
    "res_cnn": ({"num_classes": 3, "hidden_sizes": (8,)}, False, 48),
    "lenet": ({"num_classes": 10, "in_channels": 1}, False, 28),
    "resnet9": ({"num_classes": 10}, False, 32),
    "resnet50": ({"num_classes": 2, "hidden_sizes": (64,)}, True, 64),
    "mobilenetv2_100": ({"num_classes": 2, "one_logit": True}, True, 64),
}
EVERY = [*CASES, *(pytest.param(name, marks=pytest.mark.soak) for name in SOAK)]


@pytest.mark.parametrize("architecture", EVERY)
def test_the_graph_answers_as_the_network(architecture):
    options, folded, size = (CASES | SOAK)[architecture]
    torch.manual_seed(0)
    network = build(architecture, image_size=size, **options)
    if folded:
        network = to_grey(network)
    with torch.no_grad():
        network.train()(torch.randn(8, network.in_channels, size, size))
    network.eval()
    graphs = make_graphs(network, image_size=size, channels_in=1)
    session = onnxruntime.InferenceSession(graphs.network, providers=["CPUExecutionProvider"])
    for shape in ((1, size, size), (3, size, size)) if network.fixed_size else ((1, 97, 129), (3, 64, 64)):
        x = torch.randn(shape[0], network.in_channels, *shape[1:])
        with torch.no_grad():
            expected = network.forward_all(x)
        for got, reference in zip(session.run(None, {"pixels": x.numpy()}), expected, strict=True):
            scale = max(1.0, float(reference.abs().max()))
            np.testing.assert_allclose(got, reference.numpy(), rtol=0, atol=3e-5 * scale)
    images = [np.random.default_rng(0).integers(0, 256, (70, 50, 1), dtype=np.uint8)]
    assert check_parity(network, graphs, images).max_probability_difference < 1e-4


@pytest.mark.parametrize(
    ("activation", "hidden", "one_logit"), [("relu", (7, 6), False), ("selu", (5,), True)]
)
def test_the_maps_of_a_hidden_layer_are_autograds_grad_cam(activation, hidden, one_logit):
    """The gradient of each class's logit, averaged over space, times the features; at sizes never seen."""
    torch.manual_seed(0)
    network = build("lenet", num_classes=2, image_size=48).eval()
    width = network.head.in_features
    network.head = make_head(HeadPlan(hidden, 0.0, one_logit, activation), width, 2)
    assert network.maps_kind == "gradient"
    session = onnxruntime.InferenceSession(
        make_graphs(network, image_size=48, channels_in=1).network, providers=["CPUExecutionProvider"]
    )
    for size in ((61, 77), (40, 52)):
        x = torch.randn(2, 3, *size)
        features = network.features(x).detach().requires_grad_()
        logits = network.logits_of(features)
        for label in range(2):
            (slope,) = torch.autograd.grad(logits[:, label].sum(), features, retain_graph=True)
            places = features.shape[2] * features.shape[3]
            expected = (slope.mean((2, 3), keepdim=True) * places * features).sum(1).detach()
            (got,) = session.run(["maps"], {"pixels": x.numpy()})
            scale = max(1e-6, float(expected.abs().max()))
            np.testing.assert_allclose(got[:, label], expected, rtol=0, atol=3e-5 * scale + 1e-7)
