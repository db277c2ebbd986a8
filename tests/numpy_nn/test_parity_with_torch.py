"""The same numbers as PyTorch: forward, gradients by input and weights, optimisers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.numpy_nn import Sequential, layers, losses, optimisers

torch = pytest.importorskip("torch")
nn = torch.nn
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def to_torch(images):
    """Channels first."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1)))


def from_torch(tensor):
    """Channels last."""
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def conv_weight(weight, kernel):
    """(kernel * kernel * channels, out) as torch has it: (out, channels, kernel, kernel)."""
    return torch.from_numpy(weight.reshape(kernel, kernel, -1, weight.shape[1]).transpose(3, 2, 0, 1).copy())


def compare(layer, module, shape, *, n=3, training=True, seed=0):
    """Hold forward and input gradient against torch; return what was given back through both."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, *shape)).astype(np.float32)
    given_x = to_torch(x).requires_grad_(True)
    module.train(training)
    expected = module(given_x)
    out = layer.forward(x, training=training).copy()
    np.testing.assert_allclose(out, from_torch(expected), **CLOSE)
    gradient = generator.standard_normal(out.shape).astype(np.float32)
    expected.backward(to_torch(gradient))
    np.testing.assert_allclose(layer.backward(gradient), from_torch(given_x.grad), **CLOSE)


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(5, 9), width=st.integers(5, 9), channels=st.sampled_from([1, 3, 8, 16]),
    out=st.integers(1, 5), kernel=st.integers(1, 5), stride=st.integers(1, 3), data=st.data(),
)  # fmt: skip
def test_convolution(height, width, channels, out, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel - 1))
    layer = layers.Conv2d(out, kernel, stride, padding)
    layer.build((height, width, channels), "float32", np.random.default_rng(1))
    layer.parameters["bias"] += 0.5
    module = nn.Conv2d(channels, out, kernel, stride, padding)
    module.weight.data = conv_weight(layer.parameters["weight"], kernel)
    module.bias.data = torch.from_numpy(layer.parameters["bias"].copy())
    compare(layer, module, (height, width, channels))
    scale = max(1.0, float(module.weight.grad.abs().max()))  # sums over all windows
    wanted = conv_weight(layer.gradients["weight"], kernel) / scale
    np.testing.assert_allclose(wanted, module.weight.grad / scale, **CLOSE)
    np.testing.assert_allclose(layer.gradients["bias"], module.bias.grad, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (2, 3), (3, 1)])
@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_pooling(kind, kernel, stride):
    layer = getattr(layers, f"{kind}Pool2d")(kernel, stride)
    layer.build((8, 7, 3), "float32", np.random.default_rng(0))
    compare(layer, getattr(nn, f"{kind}Pool2d")(kernel, stride), (8, 7, 3))


def test_ties_of_pooling_go_to_the_first_as_in_torch():
    layer = layers.MaxPool2d()
    layer.build((2, 2, 1), "float32", np.random.default_rng(0))
    x = np.ones((1, 2, 2, 1), np.float32)
    layer.forward(x, training=True)
    back = layer.backward(np.full((1, 1, 1, 1), 3, np.float32))
    given_x = to_torch(x).requires_grad_(True)
    nn.MaxPool2d(2)(given_x).sum().mul(3).backward()
    np.testing.assert_array_equal(back, from_torch(given_x.grad))
    assert back.ravel().tolist() == [3, 0, 0, 0]


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_and_its_running_statistics(training):
    layer = layers.BatchNorm()
    layer.build((5, 4, 3), "float32", np.random.default_rng(0))
    module = nn.BatchNorm2d(3)
    generator = np.random.default_rng(1)
    for name, own in (("gamma", module.weight), ("beta", module.bias)):
        layer.parameters[name][:] = generator.standard_normal(3)
        own.data = torch.from_numpy(layer.parameters[name].copy())
    for seed in range(3):
        layer.gradients.clear()
        module.zero_grad()
        compare(layer, module, (5, 4, 3), n=4, training=training or seed < 2, seed=seed)
        np.testing.assert_allclose(layer.gradients["gamma"], module.weight.grad, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(layer.gradients["beta"], module.bias.grad, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(layer.statistics["mean"], module.running_mean, **CLOSE)
        np.testing.assert_allclose(layer.statistics["variance"], module.running_var, **CLOSE)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (layers.ReLU(), nn.ReLU()), (layers.LeakyReLU(0.2), nn.LeakyReLU(0.2)),
        (layers.Sigmoid(), nn.Sigmoid()), (layers.Tanh(), nn.Tanh()),
    ],
)  # fmt: skip
def test_activations(layer, module):
    layer.build((3, 4, 5), "float32", np.random.default_rng(0))
    compare(layer, module, (3, 4, 5))


def test_losses():
    generator = np.random.default_rng(0)
    logits = (100 * generator.standard_normal((6, 4))).astype(np.float32)  # exp of these overflows
    labels = np.array([0, 1, 2, 3, 0, 1])
    for ours, theirs, target in (
        (losses.softmax_cross_entropy, nn.functional.cross_entropy, labels),
        (losses.mean_squared_error, nn.functional.mse_loss, logits[::-1].copy()),
    ):
        given_logits = torch.from_numpy(logits.copy()).requires_grad_(True)
        expected = theirs(given_logits, torch.from_numpy(target))
        expected.backward()
        loss, gradient = ours(logits, target)
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        np.testing.assert_allclose(gradient, given_logits.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (optimisers.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
        (optimisers.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        (
            optimisers.SGD(0.1, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
        ),
        (optimisers.RMSprop(0.01), lambda p: torch.optim.RMSprop(p, 0.01)),
        (optimisers.Adam(0.01), lambda p: torch.optim.Adam(p, 0.01)),
        (optimisers.Adam(0.01, weight_decay=0.1), lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1)),
    ],
)
def test_a_network_takes_the_same_steps(ours, theirs):
    network = Sequential([layers.Linear(6, bias=False), layers.Tanh(), layers.Linear(3, bias=False)], (4,))
    first, second = (layer.parameters["weight"] for layer in (network.layers[0], network.layers[2]))
    module = nn.Sequential(nn.Linear(4, 6, bias=False), nn.Tanh(), nn.Linear(6, 3, bias=False))
    module[0].weight.data, module[2].weight.data = (torch.from_numpy(w.T.copy()) for w in (first, second))
    stepper = theirs(module.parameters())
    generator = np.random.default_rng(0)
    for _ in range(5):
        x, labels = generator.standard_normal((8, 4)).astype(np.float32), generator.integers(0, 3, 8)
        _, gradient = losses.softmax_cross_entropy(network.forward(x, training=True), labels)
        network.backward(gradient)
        ours.step(network.inside())
        stepper.zero_grad()
        nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
        stepper.step()
    np.testing.assert_allclose(first.T, module[0].weight.detach(), **CLOSE)
    np.testing.assert_allclose(second.T, module[2].weight.detach(), **CLOSE)
