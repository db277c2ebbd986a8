"""Grey stems: the answers of the colour network on a grey image copied three times, borders included."""

import numpy as np
import pytest
import torch

from gyrus.config.inputs import InputOptions
from gyrus.config.network import NetworkOptions
from gyrus.errors import UsageError
from gyrus.models import build, parts_of, start, to_grey
from gyrus.models.network import replace_facts
from gyrus.training.batches import Batch, Look, prepare
from gyrus.training.normalising import choose_normalisation

SIZE = 47  # odd, so that padding and stride meet the borders unevenly


def pair(architecture, mean, std, how="sum", size=SIZE):
    torch.manual_seed(0)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        network = build(architecture, num_classes=3, image_size=size).eval()
        networks.append(replace_facts(network, mean=mean, std=std))
    return networks[0], to_grey(networks[1], how)


def inputs(colour, grey, size=SIZE):
    pixels = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (colour.mean, colour.std))
    return (pixels - mean) / std, (pixels - grey.mean[0]) / grey.std[0]


NORMALISATIONS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,) * 3, (0.5,) * 3),
    "other spreads": ((0.4,) * 3, (0.1, 0.2, 0.4)),
    "far apart": ((0.9, 0.1, 0.5), (0.5, 0.05, 0.2)),
}


CASES = [("simple_cnn", name) for name in NORMALISATIONS]
CASES += [(name, "imagenet") for name in ("resnet18", "squeezenet1_1", "mobilenetv2_100")]


@pytest.mark.parametrize(("architecture", "normalisation"), CASES)
@torch.no_grad()
def test_a_summed_stem_answers_as_the_colour_network_on_three_copies(architecture, normalisation):
    size = 48 if architecture == "simple_cnn" else SIZE
    colour, grey = pair(architecture, *NORMALISATIONS[normalisation], size=size)
    x, y = inputs(colour, grey, size)
    assert y.shape[1] == grey.in_channels == len(grey.mean) == 1
    # every place, not the pooled answer: the border is where an offset put into a bias would show
    expected, got = parts_of(colour)[0].module(x), parts_of(grey)[0].module(y)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    torch.testing.assert_close(grey(y), colour(x), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_equal_means_need_no_plane_of_ones():
    _, grey = pair("resnet18", *NORMALISATIONS["other spreads"])
    assert grey.features.trunk.conv1.weight.shape[1] == 1
    _, grey = pair("resnet18", *NORMALISATIONS["imagenet"])
    assert grey.features.trunk.conv1.conv.weight.shape[1] == 2


@torch.no_grad()
def test_the_mean_gives_a_third():
    colour, grey = pair("resnet18", *NORMALISATIONS["imagenet"], how="mean")
    x, y = inputs(colour, grey)
    third = colour.features.trunk.conv1(x) / 3
    torch.testing.assert_close(grey.features.trunk.conv1(y), third, rtol=1e-4, atol=1e-5)


def test_a_grey_stem_learns():
    _, grey = pair("resnet18", *NORMALISATIONS["imagenet"])
    grey(torch.randn(2, 1, SIZE, SIZE)).sum().backward()
    assert grey.features.trunk.conv1.conv.weight.grad.abs().sum() > 0


@pytest.mark.soak
def test_a_stem_that_is_no_plain_convolution_is_refused():
    # its weights are standardised at each pass: a sum of them is not what a sum of its answers is
    with pytest.raises(UsageError, match="plain convolution"):
        pair("dm_nfnet_f0", *NORMALISATIONS["imagenet"], size=96)


def test_grey_is_not_folded_twice():
    grey = build("improved_cnn", num_classes=2, in_channels=1, image_size=32)
    with pytest.raises(UsageError, match="plain convolution"):
        to_grey(grey)


@pytest.mark.parametrize("normalize", ["auto", "imagenet", "half", "none", "dataset", "per-image"])
@torch.no_grad()
def test_it_is_exact_under_every_normalisation(tmp_path, normalize):
    """As training and bundle use the two networks: the stem is folded for what is asked for."""
    pixels = (256 * torch.rand(2, SIZE, SIZE, 1, generator=torch.Generator().manual_seed(2))).byte()
    path = tmp_path / "w.pt"
    torch.save(build("mobilenetv2_100", num_classes=3, image_size=SIZE).state_dict(), path)
    answers = []
    for channels in (3, 1):
        options = NetworkOptions(architecture="mobilenetv2_100", weights=path, in_channels=channels)
        network, _ = start(options, num_classes=3, image_size=SIZE, normalize=normalize)
        inputs = InputOptions(image_size=SIZE, normalize=normalize)
        choose_normalisation(network, inputs, Blocks(pixels.numpy()), given_weights=False)
        look = Look(network.mean, network.std, None, False, per_image=network.facts.per_image)
        batch = Batch(pixels, torch.zeros(2, dtype=torch.int64), np.arange(2))
        answers.append(parts_of(network)[0].module(prepare(batch, look, seed=0, epoch=None)))
    colour, grey = answers
    torch.testing.assert_close(grey, colour, rtol=1e-4, atol=1e-4 * float(colour.abs().max()))


class Blocks:
    """Training images, for their mean and spread."""

    def __init__(self, pixels):
        self.pixels = pixels

    def blocks(self):
        yield self.pixels


def test_a_kind_of_stem_for_weights_that_read_grey_is_refused(tmp_path):
    path = tmp_path / "grey.pt"
    torch.save(build("simple_cnn", num_classes=3, in_channels=1, image_size=32).state_dict(), path)
    options = NetworkOptions(architecture="simple_cnn", weights=path, in_channels=1, grey_stem="mean")
    with pytest.raises(UsageError, match="reads grey already"):
        start(options, num_classes=3, image_size=32)
