import pytest

from gyrus.errors import UsageError
from gyrus.models.costs import flops, parameters_of
from gyrus.models.segmentation import build_segmentation
from gyrus.models.segmentation.catalogue import describe_segmentation, told_of
from gyrus.models.segmentation.registry import DEFAULT_ENCODER, DOCUMENTED
from gyrus.verbs.networks import ListedForMasks, ModelList, networks


def test_a_network_is_told_of_as_it_is_built():
    told = describe_segmentation("unet")
    network = build_segmentation("unet", mask_classes=1)
    assert told["parameters"] == parameters_of(network)
    assert told["gflop"] * 1e9 == flops(network, 256)
    assert told["size_multiple"] == network.size_multiple == 16


def test_the_plain_unets_operations_are_those_counted_by_hand():
    network = build_segmentation("unet", mask_classes=1, in_channels=1)
    products = 9 * (1 * 16 + 16 * 16) * 32**2  # two convolutions at full size
    for level, (narrow, wide) in enumerate(((16, 32), (32, 64), (64, 128), (128, 256)), start=1):
        products += 9 * (narrow * wide + wide * wide) * (32 >> level) ** 2  # down
        products += wide * narrow * (32 >> level) ** 2  # half the channels
        products += 9 * (2 * narrow * narrow + narrow * narrow) * (32 >> (level - 1)) ** 2  # up
    products += 16 * 32**2  # the plane
    assert flops(network, 32) == 2 * products


def test_another_encoder_has_its_designs_words():
    assert told_of("fpn-resnet18").family == "feature pyramid; encoder resnet18"
    assert told_of(f"unet-{DEFAULT_ENCODER}") is DOCUMENTED[f"unet-{DEFAULT_ENCODER}"]
    with pytest.raises(UsageError):
        told_of("resnet18")


def test_the_list_has_a_table_for_masks():
    row = ListedForMasks("unet", "plain U-Net, slim", 1_810_000, 5.87, 16, "it is trained from scratch")
    text = ModelList((), 0, (row,)).to_text()
    assert "segmentation (--task segment)" in text
    assert "unet  plain U-Net, slim  1.81 M      5.9 GFLOP  x 16 px" in text
    assert ModelList((), 0, (row,)).to_json()["segmentation"][0]["size_multiple"] == 16


def test_the_list_finds_segmentation_networks_by_text():
    found = networks("list", "unet_noskips")
    assert [row.name for row in found.segmentation] == ["unet_noskips"]
    assert found.networks == ()


def test_info_tells_of_a_segmentation_network():
    told = networks("info", "unet", image_size=32, batch_size=1)
    network = build_segmentation("unet", mask_classes=1, image_size=32)
    assert told.parameters == parameters_of(network)
    assert told.encoder_parameters == parameters_of(network.encoder)
    assert told.flops == flops(network, 32)
    assert "other multiples of 16 px too" in told.to_text()
    assert told.to_json()["size_multiple"] == 16


@pytest.mark.soak
@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_one_is_told_of(name):
    told = describe_segmentation(name)
    assert told["parameters"] > 1_000_000
    assert told["gflop"] > 1
