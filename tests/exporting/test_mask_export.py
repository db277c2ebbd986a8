from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from gyrus.errors import ExportError, UsageError
from gyrus.exporting import check_mask_parity, make_mask_graphs
from gyrus.imaging.geometry import Geometry
from gyrus.models.segmentation import build_segmentation
from gyrus.models.segmentation.unet import plain_unet


@pytest.fixture(scope="module")
def joint():
    """A tiny joint U-Net of two classes of masks, and its graphs."""
    torch.manual_seed(0)
    network = plain_unet("unet", mask_classes=2, image_classes=3, in_channels=1, channels=(4, 8))
    network.head.weight.data *= 6
    network = network.eval()
    return network, make_mask_graphs(network, geometry=Geometry(32, "pad"), channels_in=1)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, 40, 1), dtype=np.uint8) for height in (20, 32, 64, 41, 50)]


def test_the_graphs_answer_as_torch_does_pixel_by_pixel(joint, images):
    network, graphs = joint
    parity = check_mask_parity(network, graphs, iter(images))
    assert parity.images == 5
    assert parity.max_probability_difference < 1e-5
    assert parity.max_pixel_difference < 0.05
    assert parity.flips == 0


def test_outputs_and_sizes_of_the_graph(joint):
    _, graphs = joint
    outputs = {
        value.name: [
            dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim
        ]
        for value in onnx.load_from_string(graphs.network).graph.output
    }
    assert outputs == {
        "mask_logits": ["batch", 3, 32, 32], "logits": ["batch", 3], "embedding": ["batch", 8],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "told"), [("network.head.bias", "another class"), ("class_head", "differs by")]
)
def test_an_export_that_answers_otherwise_is_refused(joint, images, layer, told):
    network, graphs = joint
    model = onnx.load_from_string(graphs.network)
    bias = next(one for one in model.graph.initializer if layer in one.name and one.name.endswith("bias"))
    bent = numpy_helper.to_array(bias) + np.array([0, 0.1, -0.1], np.float32)
    bias.CopyFrom(numpy_helper.from_array(bent, bias.name))
    with pytest.raises(ExportError, match="on 5 of 5 images") as caught:
        check_mask_parity(network, replace(graphs, network=model.SerializeToString()), images)
    assert told in caught.value.details[0]


def test_no_image_is_no_proof(joint):
    with pytest.raises(ExportError, match="no image"):
        check_mask_parity(*joint, [])


def test_a_size_that_the_network_cannot_take_is_refused():
    network = build_segmentation("unet", mask_classes=1, in_channels=1)
    with pytest.raises(UsageError, match="multiple of 16"):
        make_mask_graphs(network, geometry=Geometry(100), channels_in=1)
