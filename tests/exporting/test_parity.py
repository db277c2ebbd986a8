from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from gyrus.errors import ExportError
from gyrus.exporting import check_parity, make_graphs
from gyrus.models import build


def altered(graphs, change):
    """Return the graphs with the last layer's bias changed."""
    model = onnx.load_from_string(graphs.network)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("head.bias"))
    bias.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(bias).copy()), bias.name))
    return replace(graphs, network=model.SerializeToString())


@pytest.mark.parametrize("architecture", ["simple_cnn", "improved_cnn", "resnet18"])
def test_an_honest_export_passes(exported, pictures, architecture):
    network, graphs = exported(architecture)
    parity = check_parity(network, graphs, iter(pictures * 5))
    assert parity.images == 25
    assert parity.max_probability_difference < 1e-5
    assert parity.max_pixel_difference < 0.02
    assert parity.flips == 0


def test_colour_images_pass(exported, pictures):
    network, graphs = exported("simple_cnn", channels_in=3)
    assert check_parity(network, graphs, [picture.repeat(3, axis=2) for picture in pictures]).images == 5


def test_a_probability_that_differs_is_refused(exported, pictures):
    network, graphs = exported("simple_cnn")
    bent = altered(graphs, lambda bias: bias + np.array([0.02, 0, 0, 0], np.float32))
    with pytest.raises(ExportError, match="on 5 of 5 images") as caught:
        check_parity(network, bent, pictures)
    assert all("differs by" in line for line in caught.value.details)
    assert caught.value.exit_code == 5


def test_a_small_difference_is_reported_and_passes(exported, pictures):
    network, graphs = exported("simple_cnn")
    bent = altered(graphs, lambda bias: bias + np.array([0.002, 0, 0, 0], np.float32))
    assert 1e-4 < check_parity(network, bent, pictures).max_probability_difference < 1e-3


def test_a_class_that_flips_is_refused(exported, pictures):
    network, graphs = exported("simple_cnn")
    bent = altered(graphs, lambda bias: bias + np.array([0, 0, 50, -50], np.float32))
    with pytest.raises(ExportError, match="does not answer as the network") as caught:
        check_parity(network, bent, pictures)
    assert "class" in caught.value.details[0]


def test_a_tie_that_flips_within_the_margin_is_counted(exported, pictures):
    torch.manual_seed(0)
    network = build("simple_cnn", num_classes=4, image_size=48).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([1e-4, 0.0, -9.0, -9.0]))
    graphs = make_graphs(network, image_size=48, channels_in=1)
    bent = altered(graphs, lambda bias: np.array([0, 1e-4, -9, -9], np.float32))
    assert check_parity(network, bent, pictures).flips == len(pictures)


def test_not_a_number_is_refused(exported, pictures):
    network, graphs = exported("simple_cnn")
    bent = altered(graphs, lambda bias: np.full_like(bias, np.nan))
    with pytest.raises(ExportError, match="5 of 5") as caught:
        check_parity(network, bent, pictures)
    assert "not a number" in caught.value.details[0]


def test_a_preprocessing_of_another_kind_is_refused(exported, pictures):
    network, graphs = exported("improved_cnn")
    other = make_graphs(network, image_size=48, channels_in=1, mean=(0.5,) * 3, std=(0.1,) * 3)
    with pytest.raises(ExportError):
        check_parity(network, replace(graphs, preprocess=other.preprocess), pictures)


def test_no_image_is_no_proof(exported):
    with pytest.raises(ExportError, match="no image"):
        check_parity(*exported("simple_cnn"), [])


def test_the_network_keeps_its_mode(exported, pictures):
    network, graphs = exported("improved_cnn")
    network.train()
    try:
        state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        check_parity(network, graphs, pictures)
        assert network.training
        assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    finally:
        network.eval()


def test_of_several_classes_an_image_each_is_decided_by_itself(exported, pictures):
    """A logit that all classes share changes no softmax, but every sigmoid."""
    network, graphs = exported("simple_cnn")
    assert check_parity(network, graphs, pictures, task="multilabel").max_probability_difference < 1e-5
    shifted = altered(graphs, lambda bias: bias + np.float32(40))
    check_parity(network, shifted, pictures)
    with pytest.raises(ExportError, match="does not answer as the network") as caught:
        check_parity(network, shifted, pictures, task="multilabel")
    assert "class" in caught.value.details[0]


def test_a_decision_near_one_half_may_flip_and_is_counted(exported, pictures):
    torch.manual_seed(0)
    network = build("simple_cnn", num_classes=4, image_size=48).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([1e-4, 3.0, -9.0, -9.0]))
    graphs = make_graphs(network, image_size=48, channels_in=1)
    bent = altered(graphs, lambda bias: np.array([-1e-4, 3, -9, -9], np.float32))
    assert check_parity(network, bent, pictures, task="multilabel").flips == len(pictures)
    assert check_parity(network, bent, pictures).flips == 0
