import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gyrus.errors import UsageError
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.parity import torch_preprocess
from gyrus.exporting.preprocess_graph import preprocess_graph

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# answers in grey levels: what comes out is what went in, resized
LEVELS = {"mean": (0.0,), "std": (1 / 255,)}


def session(data):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


SMALL = session(preprocess_graph(image_size=24, channels_in=1, **LEVELS))


def run(graph, image):
    return graph.run(None, {"image": image})[0]


def test_names_types_and_shapes():
    graph = session(preprocess_graph(image_size=24, channels_in=1, mean=MEAN, std=STD))
    (source,), (result,) = graph.get_inputs(), graph.get_outputs()
    assert (source.name, source.type, source.shape) == ("image", "tensor(uint8)", ["height", "width", 1])
    assert (result.name, result.type, result.shape) == ("pixels", "tensor(float)", [1, 3, 24, 24])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_the_resize_is_torchs_and_pillows(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 1)).astype(np.uint8)
    ours = run(SMALL, image)
    graphs = Graphs(b"", b"", image_size=24, channels_in=1, **LEVELS)
    assert np.abs(ours - torch_preprocess(image, graphs).numpy()).max() < 0.01
    pillow = Image.fromarray(image[:, :, 0]).resize((24, 24), Image.Resampling.BILINEAR)
    assert np.abs(ours[0, 0] - np.asarray(pillow, dtype=np.float32)).max() <= 1.01


def test_an_image_of_the_right_size_is_only_normalised():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 1)).astype(np.uint8)
    result = run(session(preprocess_graph(image_size=24, channels_in=1, mean=MEAN, std=STD)), image)
    for channel, mean, std in zip(result[0], MEAN, STD, strict=True):
        np.testing.assert_allclose(channel, (image[:, :, 0] / 255 - mean) / std, atol=1e-5)


def test_colour_channels_keep_their_order():
    image = np.zeros((30, 30, 3), np.uint8) + np.array([10, 100, 200], np.uint8)
    graph = session(preprocess_graph(image_size=24, channels_in=3, mean=(0.0,) * 3, std=(1 / 255,) * 3))
    assert run(graph, image)[0, :, 5, 5].tolist() == pytest.approx([10, 100, 200], abs=1e-3)


def test_the_border_is_not_darkened():
    # without exclude_outside the weights beyond the edge are lost and the rim changes by up to 28 levels
    result = run(SMALL, np.full((97, 211, 1), 200, np.uint8))
    assert np.abs(result - 200).max() < 1e-2


def test_only_standard_operators_and_the_same_bytes_every_time():
    options = {"image_size": 24, "channels_in": 1, "mean": MEAN, "std": STD}
    data = preprocess_graph(**options)
    assert data == preprocess_graph(**options)
    model = onnx.load_from_string(data)
    assert [entry.domain for entry in model.opset_import] == [""]
    assert model.opset_import[0].version >= 18


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels_in": 3, "mean": (0.5,), "std": (0.5,)}, "3 channels do not fit a network of 1"),
        ({"channels_in": 1, "mean": (0.5,), "std": (0.5, 0.5)}, "mean has 1 values and std 2"),
    ],
)
def test_channels_that_do_not_fit_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        preprocess_graph(image_size=24, **options)
