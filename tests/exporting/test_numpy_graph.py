"""The graph of a NumPy network answers as the network does."""

import numpy as np
import pytest

from gyrus.errors import ExportError
from gyrus.numpy_nn import Sequential, layers
from gyrus.numpy_nn.layer import Layer

pytest.importorskip("onnx")
import onnxruntime

from gyrus.exporting.numpy_graph import maps_of, numpy_graph


def network(end, dtype="float32"):
    row = [
        layers.Conv2d(4, 3, padding=1), layers.BatchNorm(), layers.LeakyReLU(0.2), layers.MaxPool2d(3, 2),
        layers.Residual([layers.Conv2d(6, 3, 2, 1, bias=False), layers.Sigmoid()], [layers.Conv2d(6, 1, 2)]),
        layers.AvgPool2d(2, 1), layers.Tanh(), layers.ReLU(), layers.Dropout(0.3), *end, layers.Linear(3),
    ]  # fmt: skip
    return Sequential(row, (12, 14, 3), dtype)


ENDS = {"exact": [layers.GlobalAvgPool], "occlusion": [layers.Flatten, lambda: layers.Linear(5, bias=False)]}


@pytest.mark.parametrize("maps", ENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_answers_alike(maps, dtype):
    made = network([make() for make in ENDS[maps]], dtype)
    x = np.random.default_rng(0).standard_normal((5, 12, 14, 3)).astype(dtype)
    made.forward(x, training=True)  # so that running statistics are not those of the start
    session = onnxruntime.InferenceSession(numpy_graph(made), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    pixels = x.transpose(0, 3, 1, 2).astype(np.float32)
    answers = dict(zip(names, session.run(None, {"pixels": pixels}), strict=True))
    np.testing.assert_allclose(answers["logits"], made.predict_logits(x), rtol=1e-4, atol=1e-5)
    last = made.layers[-1]
    embedding = answers["embedding"] @ last.parameters["weight"] + last.parameters["bias"]
    np.testing.assert_allclose(embedding, answers["logits"], rtol=1e-4, atol=1e-5)
    assert maps_of(made) == maps
    assert ("maps" in answers) == (maps == "exact")
    if maps == "exact":
        summed = answers["maps"].mean(axis=(2, 3)) + last.parameters["bias"]
        np.testing.assert_allclose(summed, answers["logits"], rtol=1e-4, atol=1e-5)


def test_the_same_network_gives_the_same_bytes():
    assert numpy_graph(network([layers.Flatten()])) == numpy_graph(network([layers.Flatten()]))


def test_what_cannot_be_a_bundle_is_refused():
    with pytest.raises(ExportError, match="from images to a last Linear layer"):
        numpy_graph(Sequential([layers.Linear(3)], (4,)))
    with pytest.raises(ExportError, match="last Linear layer"):
        numpy_graph(Sequential([layers.Flatten(), layers.Linear(3), layers.ReLU()], (4, 4, 1)))

    class Strange(Layer):
        def _forward(self, x, training):
            return x

    with pytest.raises(ExportError, match="layer 0 Strange has no counterpart"):
        numpy_graph(Sequential([Strange(), layers.Flatten(), layers.Linear(3)], (4, 4, 1)))
