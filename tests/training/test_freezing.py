import pytest
import torch
from torch import nn

from gyrus.config.stages import Stage
from gyrus.errors import UsageError
from gyrus.models import build
from gyrus.models.parts import parts_of
from gyrus.training.freezing import divide
from gyrus.training.layer_groups import layer_groups


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("improved_cnn", num_classes=3, image_size=16)


def stage(*free, **options):
    return Stage(name="s", free=free, epochs=1, **options)


def free_names(network):
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


def test_the_head_alone(network):
    divide(network, stage("head")).apply(network)
    assert free_names(network) == {"head.weight", "head.bias"}


def test_the_last_block_with_the_head(network):
    parts = parts_of(network)
    division = divide(network, stage("last-block"))
    division.apply(network)
    last = {id(parameter) for parameter in parts[-1].module.parameters()}
    free = {id(parameter) for parameter in network.parameters() if parameter.requires_grad}
    assert free == last | {id(parameter) for parameter in network.head.parameters()}
    assert [part.name for part in division.leading] == [part.name for part in parts[:-1]]
    assert [part.name for part in division.following] == [parts[-1].name]


def test_all_frees_all(network):
    divide(network, stage("last-block")).apply(network)
    division = divide(network, stage("all"))
    division.apply(network)
    assert len(free_names(network)) == len(list(network.parameters()))
    assert division.leading == ()
    assert division.still(network) == ()


def test_what_is_frozen_keeps_its_statistics(network):
    division = divide(network, stage("last-block"))
    still = {id(module) for root in division.still(network) for module in root.modules()}
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    frozen = [norm for norm in norms if id(norm) in still]
    assert 0 < len(frozen) < len(norms)
    all_still = divide(network, stage("all", freeze_norms=True)).still(network)
    assert {id(module) for module in all_still} == {id(norm) for norm in norms}


def test_a_part_that_is_not_there_is_told_with_the_nearest(network):
    name = parts_of(network)[-1].name
    with pytest.raises(UsageError, match=f"did you mean '{name}'") as caught:
        divide(network, stage(name + "x"))
    assert name in caught.value.fix


def test_parts_without_weights_are_nothing(network):
    class Still(nn.Module):
        features = nn.Identity()
        head = nn.Identity()
        architecture = "still"

    with pytest.raises(UsageError, match="without weights"):
        divide(Still(), stage("all"))


def test_rates_fall_towards_the_input(network):
    names = [part.name for part in parts_of(network)]
    groups = layer_groups(
        network, divide(network, stage("all", trunk_factor=0.5, layer_decay=0.1)),
        stage("all", trunk_factor=0.5, layer_decay=0.1), rate=1.0,
    )  # fmt: skip
    rates = {group["name"]: group["lr"] for group in groups}
    assert rates["head"] == 1.0
    assert rates[names[-1]] == pytest.approx(0.05)
    assert rates[names[0]] == pytest.approx(0.5 * 0.1 ** len(names))
    counted = sum(parameter.numel() for group in groups for parameter in group["params"])
    assert counted == sum(parameter.numel() for parameter in network.parameters())


def test_one_rate_is_one_group(network):
    (group,) = layer_groups(network, divide(network, stage("all")), stage("all"), rate=0.1)
    assert len(group["params"]) == len(list(network.parameters()))
