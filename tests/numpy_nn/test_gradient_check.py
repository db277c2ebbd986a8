"""The check finds what is wrong, and says what it cannot check."""

import numpy as np
import pytest
from layer_battery import far_from_kinks

from gyrus.errors import UsageError
from gyrus.numpy_nn import Sequential, check_gradients, layers
from gyrus.numpy_nn.gradient_check import LARGEST_ERROR


class TutorialPool(layers.MaxPool2d):
    """The gradient of a circulating tutorial: repeated to all four pixels of the window."""

    def _backward(self, gradient, to_input):
        return gradient.repeat(2, axis=1).repeat(2, axis=2)


def test_the_tutorials_pooling_gradient_fails():
    x = far_from_kinks((2, 4, 6, 3), seed=0)
    for layer, right in ((layers.MaxPool2d(), True), (TutorialPool(), False)):
        layer.build(x.shape[1:], "float64", np.random.default_rng(0))
        error = check_gradients(layer, x)["input"]
        assert (error < LARGEST_ERROR) == right
    assert error > 0.5  # not a little wrong


def test_a_slightly_wrong_gradient_is_found():
    class Careless(layers.Linear):
        def _backward(self, gradient, to_input):
            result = super()._backward(gradient, to_input)
            self.gradients["bias"] = self.gradients["bias"] * 1.0001
            return result

    layer = Careless(3)
    layer.build((4,), "float64", np.random.default_rng(0))
    errors = check_gradients(layer, far_from_kinks((5, 4), seed=1))
    assert errors["bias"] > LARGEST_ERROR
    assert max(errors["input"], errors["weight"]) < LARGEST_ERROR


def test_a_whole_network_is_checked_and_left_as_it_is():
    row = [
        layers.Conv2d(3, padding=1), layers.BatchNorm(), layers.Tanh(), layers.Dropout(0.3),
        layers.Residual([layers.Conv2d(3, padding=1), layers.Sigmoid()]), layers.AvgPool2d(),
        layers.Flatten(), layers.Linear(2),
    ]  # fmt: skip
    network = Sequential(row, (4, 4, 2), "float64")
    x = far_from_kinks((3, 4, 4, 2), seed=2)
    before = {name: value.copy() for name, value in network.arrays().items()}
    errors = check_gradients(network, x)
    assert "4 Residual / 0 Conv2d weight" in errors
    assert max(errors.values()) < LARGEST_ERROR, errors
    for name, value in network.arrays().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(("of_layer", "of_input"), [("float32", "float64"), ("float64", "float32")])
def test_float32_is_refused_with_the_reason(of_layer, of_input):
    layer = layers.Linear(2)
    layer.build((3,), of_layer, np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"needs float64.*rounding in float32 hides"):
        check_gradients(layer, np.zeros((2, 3), of_input))
