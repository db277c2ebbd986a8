import pytest

from gyrus.errors import UsageError
from gyrus.models.registry import OWN
from gyrus.verbs.networks import networks


def test_the_list_has_ours_first_then_timms_best_known():
    listed = networks("list")
    names = [item.name for item in listed.networks]
    assert names[: len(OWN)] == list(OWN)
    assert "resnet50" in names
    assert listed.unlisted > 1000
    assert f"and {listed.unlisted} of timm's" in listed.to_text()
    # VGG's fully connected layers are not used and not counted
    assert next(item.parameters for item in listed.networks if item.name == "vgg16") < 20_000_000


def test_a_text_narrows_the_list():
    listed = networks("list", "Resnet18")
    assert "resnet18" in {item.name for item in listed.networks}
    assert all("resnet18" in item.name for item in listed.networks)
    assert listed.unlisted == 0


def test_a_text_in_no_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="no network has 'mobilnetv2_100'") as caught:
        networks("list", "mobilnetv2_100")
    assert "mobilenetv2_100" in caught.value.fix


def test_info_tells_every_figure_and_how_it_was_found():
    info = networks("info", "lenet", image_size=28)
    assert info.parameters == 258_848 + 258
    assert info.receptive_field_px == 32
    assert [part["name"] for part in info.parts] == ["block1", "block2", "block3"]
    assert sum(part["parameters"] for part in info.parts) == 258_848
    text = info.to_text()
    for word in ("GFLOP", "autograd keeps", "measured now", "class maps       exact"):
        assert word in text
    assert info.to_json()["flops"] > 0


def test_info_without_a_name_and_of_a_size_too_small_is_refused():
    with pytest.raises(UsageError, match="needs the name"):
        networks("info")
    with pytest.raises(UsageError, match="lenet needs at least 28") as caught:
        networks("info", "lenet", image_size=20)
    assert "--image-size 28" in caught.value.fix


@pytest.mark.parametrize(("name", "asked", "next_size"), [("inception_v3", 40, 75)])
def test_the_next_size_that_a_backbone_takes_is_named(name, asked, next_size):
    with pytest.raises(UsageError, match=f"cannot take images of {asked} x {asked}") as caught:
        networks("info", name, image_size=asked)
    assert f"--image-size {next_size} " in caught.value.fix
