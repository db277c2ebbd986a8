"""Networks: refusals, training, saving, schedules."""

import itertools

import numpy as np
import pytest

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn import Sequential, fit, layers, load, losses, optimisers, save


def tiny(dtype="float32", seed=0):
    row = [
        layers.Conv2d(4, padding=1, bias=False), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2d(),
        layers.Residual([layers.Conv2d(4, padding=1), layers.LeakyReLU()]), layers.Dropout(0.1),
        layers.Flatten(), layers.Linear(2),
    ]  # fmt: skip
    return Sequential(row, (6, 6, 1), dtype, seed)


def bars(n=64, seed=0):
    """Upright bars against lying ones, noisy."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    x = 0.3 * generator.standard_normal((n, 6, 6, 1)).astype(np.float32)
    for number, label in enumerate(labels):
        at = generator.integers(6)
        x[(number, slice(None), at) if label else (number, at)] += 1
    return x, labels


def test_it_learns_and_the_same_seed_gives_the_same_network():
    x, labels = bars(256)
    courses = []
    for _ in range(2):
        network = tiny(seed=1)
        courses.append(fit(network, x, labels, epochs=8, optimiser=optimisers.Adam(0.01), batch_size=16))
    first, second = ([epoch.loss for epoch in course] for course in courses)
    assert first == second
    assert first[-1] < 0.5 * first[0]
    held, answers = bars(seed=9)
    assert (network.predict_proba(held).argmax(axis=1) == answers).mean() > 0.9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_network_answers_alike(tmp_path, dtype):
    network = tiny(dtype)
    x, labels = bars()
    fit(network, x.astype(dtype), labels, epochs=1, optimiser=optimisers.SGD(0.1), batch_size=16)
    save(network, tmp_path / "network.npz")
    again = load(tmp_path / "network.npz")
    np.testing.assert_array_equal(
        again.predict_logits(x.astype(dtype)), network.predict_logits(x.astype(dtype))
    )
    with np.load(tmp_path / "network.npz", allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fU" for name in file.files)


def test_files_that_are_no_network_are_refused(tmp_path):
    network = tiny()
    save(network, tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as file:
        arrays = dict(file)
    text = str(arrays["network"])
    damaged = {
        "cut.npz": (tmp_path / "good.npz").read_bytes()[:-200],
        "text.npz": b"hello",
        "missing.npz": {name: value for name, value in arrays.items() if name != "0.weight"},
        "more.npz": {**arrays, "99.weight": np.zeros(3)},
        "foreign.npz": {**arrays, "network": np.array(text.replace("Conv2d", "system"))},
        "later.npz": {**arrays, "network": np.array(text.replace("nn/1", "nn/2"))},
        "reshaped.npz": {**arrays, "0.weight": arrays["0.weight"].T},
    }
    for name, content in damaged.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            np.savez(tmp_path / name, **content)
        with pytest.raises(DataError) as caught:
            load(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(DataError, match="is no network"):
        load(tmp_path / "absent.npz")


def test_bad_input_is_told():
    network = tiny()
    x, labels = bars(8)
    adam = optimisers.Adam(0.01)
    with pytest.raises(DataError, match="expected float32, got uint8") as caught:
        network.forward((x * 255).astype(np.uint8))
    assert "/ 255" in caught.value.fix
    x[3, 1, 1, 0] = np.nan
    with pytest.raises(DataError, match="NaN or infinity"):
        network.forward(x)
    with pytest.raises(DataError, match=r"layer 0 Conv2d: expected input \(n, 6, 6, 1\), got \(8, 6, 6\)"):
        network.forward(bars(8)[0][..., 0])
    x = bars(8)[0]
    for wrong, words in (
        (np.eye(2)[labels], "one-hot rows"), (labels + 1, "expected labels from 0 to 1, got 1 to 2"),
        (labels - 1, "got -1 to 0"), (labels.astype(float), "whole numbers"), (labels[:-1], "expected 8"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=words):
            fit(network, x, wrong, epochs=1, optimiser=adam)
    with pytest.raises(DataError, match="expected input of float32, got float64"):
        network.forward(x.tolist())
    assert network.forward(x[:0]).shape == (0, 2)
    fit(network, x, labels.tolist(), epochs=1, optimiser=adam)
    with pytest.raises(UsageError, match="0 images"):
        fit(network, x[:0], labels[:0], epochs=1, optimiser=adam)
    with pytest.raises(DataError, match="the loss is"), np.errstate(all="ignore"):
        fit(tiny(), x, labels, epochs=9, optimiser=optimisers.SGD(1e30), batch_size=4)


def test_a_network_that_does_not_fit_names_the_layer():
    with pytest.raises(UsageError, match="layer 2 MaxPool2d: a kernel of 2 is larger than its input of 1"):
        Sequential([layers.Conv2d(2), layers.MaxPool2d(), layers.MaxPool2d()], (4, 4, 1))
    with pytest.raises(UsageError, match=r"layer 1 Residual: its layers give \(2, 2, 3\)"):
        Sequential([layers.Conv2d(2), layers.Residual([layers.Conv2d(3, padding=1)])], (4, 4, 1))
    shared = layers.ReLU()
    with pytest.raises(UsageError, match="stands twice"):
        Sequential([shared, shared], (3,))
    with pytest.raises(UsageError, match="float16"):
        Sequential([layers.ReLU()], (3,), "float16")
    with pytest.raises(UsageError, match="got none"):
        Sequential([], (3,))


def test_the_loss_of_one_hot_targets_for_indices_is_refused():
    with pytest.raises(DataError, match="argmax"):
        losses.softmax_cross_entropy(np.zeros((2, 3)), np.eye(3)[:2])


def test_decay_shrinks_weights_and_nothing_else():
    network = Sequential([layers.Linear(3), layers.BatchNorm()], (2,))
    linear, norm = network.layers
    linear.parameters["bias"] += 1
    before = {name: value.copy() for name, value in network.arrays().items()}
    for layer in network.inside():
        layer.gradients = {name: np.zeros_like(value) for name, value in layer.parameters.items()}
    optimisers.SGD(0.5, weight_decay=0.1).step(network.inside(), factor=0.5)
    np.testing.assert_allclose(linear.parameters["weight"], before["0.weight"] * (1 - 0.5 * 0.5 * 0.1))
    np.testing.assert_array_equal(linear.parameters["bias"], before["0.bias"])
    np.testing.assert_array_equal(norm.parameters["gamma"], before["1.gamma"])


def test_schedules_begin_and_end_where_they_should():
    rise = optimisers.one_cycle(0.25)
    assert 0 < rise(0) < 0.1
    assert rise(0.25) == pytest.approx(1)
    assert rise(1) == 0
    up = [rise(done) for done in np.linspace(0, 0.25, 9)]
    down = [rise(done) for done in np.linspace(0.25, 1, 9)]
    assert all(a < b for a, b in itertools.pairwise(up))
    assert all(a > b for a, b in itertools.pairwise(down))
    assert (optimisers.cosine(0), optimisers.cosine(1)) == (1, pytest.approx(0))
    drop = optimisers.steps(0.5, 0.75)
    assert [drop(0.4), drop(0.5), drop(0.9)] == pytest.approx([1, 0.1, 0.01])
    assert optimisers.constant(0.7) == 1


def test_initial_weights_have_the_variance_of_their_sources():
    for kind, variance in (("he", 2 / 400), ("xavier", 2 / 700)):
        layer = layers.Linear(300, initialisation=kind)
        layer.build((400,), "float64", np.random.default_rng(0))
        assert layer.parameters["weight"].var() == pytest.approx(variance, rel=0.02)
