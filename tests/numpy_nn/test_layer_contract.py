"""One battery for every layer: shapes, types, gradients, refusals, repetition."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_battery import IMAGES, MAKERS, VECTORS, built, far_from_kinks

from gyrus.errors import DataError, UsageError
from gyrus.numpy_nn import check_gradients, layers
from gyrus.numpy_nn.gradient_check import LARGEST_ERROR

every_layer = pytest.mark.parametrize("name", MAKERS)


def test_no_layer_is_left_out():
    covered = {type(make()).__name__ for make, _ in MAKERS.values()}
    assert covered == set(layers.__all__)


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
def test_shapes_and_types(name, dtype, training):
    layer = built(name, dtype)
    x = far_from_kinks((4, *layer.input_shape), seed=1, dtype=dtype)
    before = x.copy()
    out = layer.forward(x, training=training)
    assert out.shape == (4, *layer.output_shape)
    assert out.dtype == dtype
    gradient = np.ones_like(out)
    back = layer.backward(gradient)
    assert back.shape == x.shape
    assert back.dtype == dtype
    np.testing.assert_array_equal(x, before)  # neither is written to
    np.testing.assert_array_equal(gradient, 1)
    for part in layer.inside():
        assert part.gradients.keys() == part.parameters.keys()
        for key, value in part.parameters.items():
            assert part.gradients[key].shape == value.shape
            assert part.gradients[key].dtype == value.dtype == np.dtype(dtype)


@every_layer
@pytest.mark.parametrize("training", [True, False])
def test_the_backward_is_the_derivative(name, training):
    layer = built(name)
    errors = check_gradients(layer, far_from_kinks((3, *layer.input_shape), seed=2), training=training)
    assert max(errors.values()) < LARGEST_ERROR, errors


@every_layer
def test_batches_of_changing_size_do_not_disturb_each_other(name):
    layer, fresh = built(name, "float32"), built(name, "float32")
    many = far_from_kinks((6, *layer.input_shape), seed=3, dtype="float32")
    layer.forward(many)
    layer.backward(np.ones((6, *layer.output_shape), np.float32))
    few = many[:2]
    out, expected = layer.forward(few).copy(), fresh.forward(few).copy()
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(layer.backward(out).copy(), fresh.backward(expected))


@every_layer
def test_what_does_not_fit_is_refused_by_name(name):
    layer = built(name, "float32")
    wrong = np.zeros((2, *layer.input_shape[:-1], layer.input_shape[-1] + 1), np.float32)
    with pytest.raises(DataError, match=rf"layer {layer.name}: expected input .*got \(2, "):
        layer.forward(wrong)
    with pytest.raises(DataError, match=r"expected input of float32, got int64"):
        layer.forward(np.zeros((2, *layer.input_shape), np.int64))
    layer.forward(np.zeros((2, *layer.input_shape), np.float32))
    with pytest.raises(DataError, match="expected gradient"):
        layer.backward(np.zeros((2, *layer.output_shape, 1), np.float32))


@every_layer
def test_a_backward_needs_the_forward_of_as_many(name):
    layer = built(name)
    gradient = np.zeros((3, *layer.output_shape))
    with pytest.raises(UsageError, match=f"layer {layer.name}: backward comes after forward"):
        layer.backward(gradient)
    layer.forward(np.zeros((2, *layer.input_shape)))
    with pytest.raises(DataError, match=r"expected gradient \(2, .*got \(3, "):
        layer.backward(gradient)


@every_layer
def test_a_layer_that_was_not_built_says_so(name):
    make, shape = MAKERS[name]
    with pytest.raises(UsageError, match="is not built"):
        make().forward(np.zeros((1, *shape), np.float32))


@every_layer
def test_copies_are_apart(name):
    layer = built(name)
    twin = copy.deepcopy(layer)
    x = far_from_kinks((3, *layer.input_shape), seed=4)
    first = layer.forward(x).copy()
    twin.forward(x + 1)
    np.testing.assert_array_equal(layer.forward(x), first)


sides = st.integers(3, 6)


@settings(max_examples=25, deadline=None)
@given(
    height=sides, width=sides, channels=st.integers(1, 9), out=st.integers(1, 3), kernel=st.integers(1, 3),
    stride=st.integers(1, 3), padding=st.integers(0, 2), bias=st.booleans(), n=st.integers(1, 2),
)  # fmt: skip
def test_convolutions_of_any_shape(height, width, channels, out, kernel, stride, padding, bias, n):
    layer = layers.Conv2d(out, kernel, stride, min(padding, kernel - 1), bias)
    layer.build((height, width, channels), "float64", np.random.default_rng(0))
    errors = check_gradients(layer, far_from_kinks((n, height, width, channels), seed=5))
    assert max(errors.values()) < LARGEST_ERROR, errors


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from([layers.MaxPool2d, layers.AvgPool2d]), height=sides, width=sides,
    kernel=st.integers(1, 3), stride=st.integers(1, 4), n=st.integers(1, 2), channels=st.integers(1, 2),
)  # fmt: skip
def test_poolings_of_any_shape(kind, height, width, kernel, stride, n, channels):
    layer = kind(kernel, stride)
    layer.build((height, width, channels), "float64", np.random.default_rng(0))
    errors = check_gradients(layer, far_from_kinks((n, height, width, channels), seed=6))
    assert errors["input"] < LARGEST_ERROR


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(["linear", "batch norm of vectors", "sigmoid", "tanh", "leaky relu", "dropout"]),
    features=st.integers(1, 6), n=st.integers(3, 5), seed=st.integers(0, 99),
)  # fmt: skip
def test_layers_on_vectors_of_any_shape(name, features, n, seed):
    layer = built(name, shape=(features,), seed=seed)
    errors = check_gradients(layer, far_from_kinks((n, features), seed=seed))
    assert max(errors.values()) < LARGEST_ERROR, errors


def test_bad_options_name_the_layer():
    generator = np.random.default_rng(0)
    for layer, shape, words in (
        (layers.Conv2d(4, 9), IMAGES, "kernel of 9 is larger than its input of 7"),
        (layers.Conv2d(4, 3, padding=3), IMAGES, "padding is 3; expected 0 to 2"),
        (layers.Conv2d(0), IMAGES, "out_channels is 0"),
        (layers.Conv2d(4, initialisation="zeros"), IMAGES, "initialisation is 'zeros'; expected he, xavier"),
        (layers.Conv2d(4), VECTORS, "expected images"),
        (layers.MaxPool2d(8), IMAGES, "kernel of 8 is larger"),
        (layers.AvgPool2d(2, 0), IMAGES, "stride is 0"),
        (layers.MaxPool2d(2.5), IMAGES, "kernel_size is 2.5; expected a whole number"),
        (layers.Conv2d(4, 3, padding=0.5), IMAGES, "padding is 0.5; expected 0 to 2"),
        (layers.GlobalAvgPool(), VECTORS, "expected images"),
        (layers.Linear(3), IMAGES, "expected vectors"),
        (layers.Dropout(1.0), IMAGES, "rate is 1.0"),
        (layers.Residual([layers.Conv2d(5)]), IMAGES, "its layers give .* and its shortcut"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            layer.build(shape, "float32", generator)
        assert f"layer {type(layer).__name__}" in str(caught.value)
