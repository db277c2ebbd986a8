import functools

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from gyrus.errors import UsageError
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.parity import torch_preprocess
from gyrus.exporting.preprocess_graph import preprocess_graph
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.normalisation import SMALLEST_SPREAD, per_image

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# answers in grey levels: what comes out is what went in, resized
LEVELS = {"mean": (0.0,), "std": (1 / 255,)}
SQUARE = Geometry(24)
GEOMETRIES = [Geometry(24, mode, head) for mode in ("squash", "pad", "crop") for head in (False, True)]


@functools.cache
def session(geometry=SQUARE, channels=1, per_image=False, mean=LEVELS["mean"], std=LEVELS["std"]):
    data = preprocess_graph(geometry=geometry, channels_in=channels, mean=mean, std=std, per_image=per_image)
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


def run(graph, image):
    return graph.run(None, {"image": image})[0]


def picture(height, width, seed, channels=1):
    """Noise with a brighter rectangle: with dark borders of any width, none, or nothing at all."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, rng.choice([1, 12, 60]), (height, width, channels), dtype=np.uint8)
    top, left = rng.integers(0, height), rng.integers(0, width)
    head = image[top : top + rng.integers(0, height + 1), left : left + rng.integers(0, width + 1)]
    head[...] = rng.integers(0, 256, head.shape)
    return image


def test_names_types_and_shapes():
    graph = session(mean=MEAN, std=STD)
    (source,), (result,) = graph.get_inputs(), graph.get_outputs()
    assert (source.name, source.type, source.shape) == ("image", "tensor(uint8)", ["height", "width", 1])
    assert (result.name, result.type, result.shape) == ("pixels", "tensor(float)", [1, 3, 24, 24])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_the_resize_is_torchs_and_pillows(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 1)).astype(np.uint8)
    ours = run(session(), image)
    graphs = Graphs(b"", b"", geometry=SQUARE, channels_in=1, **LEVELS)
    assert np.abs(ours - torch_preprocess(image, graphs).numpy()).max() < 0.01
    pillow = Image.fromarray(image[:, :, 0]).resize((24, 24), Image.Resampling.BILINEAR)
    assert np.abs(ours[0, 0] - np.asarray(pillow, dtype=np.float32)).max() <= 1.01


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(GEOMETRIES),
    st.sampled_from([1, 3]),
    st.integers(1, 120),
    st.integers(1, 120),
    st.integers(0, 2**32 - 1),
)
@example(Geometry(24, "pad"), 1, 97, 1, 0)
@example(Geometry(24, "pad", brain_crop=True), 3, 1, 97, 1)
@example(Geometry(24, "crop", brain_crop=True), 1, 1, 1, 0)
def test_the_graph_gives_what_the_pixel_cache_holds(geometry, channels, height, width, seed):
    image = picture(height, width, seed, channels)
    graph = session(geometry, channels, mean=(0.0,) * channels, std=(1 / 255,) * channels)
    cached = geometry.apply(image).transpose(2, 0, 1)[None]
    # torch and ONNX round nothing, Pillow rounds after each of its two passes
    assert np.abs(run(graph, image) - cached).max() <= 1.01


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("size", [(311, 517), (514, 113)])
def test_two_large_sizes_never_seen_at_export(geometry, size):
    image = picture(*size, seed=3)
    assert np.abs(run(session(geometry), image) - geometry.apply(image).transpose(2, 0, 1)).max() <= 1.01


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("level", [0, 1, 7, 255])
def test_a_blank_image_stays_one(geometry, level):
    result = run(session(geometry), np.full((40, 70, 1), level, np.uint8))
    seen = result[0, 0, 8:-8] if geometry.mode == "pad" else result
    assert np.abs(seen - level).max() < 1e-2


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(GEOMETRIES), st.sampled_from([1, 3]), st.integers(1, 90), st.integers(1, 90),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_normalised_by_the_images_own_mean_and_spread(geometry, channels, height, width, seed):
    image = picture(height, width, seed, channels)
    graph = session(geometry, channels, per_image=True, mean=(0.0,) * 3, std=(1.0,) * 3)
    square = geometry.apply(image).transpose(2, 0, 1)[None].astype(np.float32) / 255
    expected = per_image(square)
    grey_level = 1.01 / 255 / max(float(square.std()), SMALLEST_SPREAD)
    # the rounding to whole levels moves mean and spread a little, too
    assert np.abs(run(graph, image) - expected).max() <= 2.5 * grey_level
    graphs = Graphs(b"", b"", geometry, channels, (0.0,) * 3, (1.0,) * 3, per_image=True)
    expected = torch_preprocess(image, graphs).expand(1, 3, 24, 24)
    np.testing.assert_allclose(run(graph, image), expected, atol=2e-3)


def test_an_image_of_the_right_size_is_only_normalised():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 1)).astype(np.uint8)
    result = run(session(mean=MEAN, std=STD), image)
    for channel, mean, std in zip(result[0], MEAN, STD, strict=True):
        np.testing.assert_allclose(channel, (image[:, :, 0] / 255 - mean) / std, atol=1e-5)


def test_colour_channels_keep_their_order():
    image = np.zeros((30, 30, 3), np.uint8) + np.array([10, 100, 200], np.uint8)
    graph = session(channels=3, mean=(0.0,) * 3, std=(1 / 255,) * 3)
    assert run(graph, image)[0, :, 5, 5].tolist() == pytest.approx([10, 100, 200], abs=1e-3)


def test_the_border_is_not_darkened():
    # without exclude_outside the weights beyond the edge are lost and the rim changes by up to 28 levels
    result = run(session(), np.full((97, 211, 1), 200, np.uint8))
    assert np.abs(result - 200).max() < 1e-2


@pytest.mark.parametrize("geometry", [SQUARE, Geometry(24, "pad", brain_crop=True)], ids=str)
def test_only_standard_operators_and_the_same_bytes_every_time(geometry):
    options = {"geometry": geometry, "channels_in": 1, "mean": MEAN, "std": STD}
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
        preprocess_graph(geometry=SQUARE, **options)
