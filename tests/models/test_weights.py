import pickle
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

from gyrus.errors import DataError
from gyrus.models import build, load_weights

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "weights"
MOBILENET = SHARED / "mobilenet_v2-imagenet-features.safetensors"
SQUEEZENET = SHARED / "squeezenet1_1-imagenet.safetensors"


def seeded(architecture, seed, num_classes=3):
    torch.manual_seed(seed)
    network = build(architecture, num_classes=num_classes, image_size=32)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -1, 1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def same_features(one, other, size=64):
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.equal(one(x), other(x))


@pytest.mark.parametrize("architecture", ["improved_cnn", "resnet18"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_our_own_weights_come_back_with_the_head(tmp_path, architecture, suffix):
    source, target = seeded(architecture, 1), seeded(architecture, 2)
    path = tmp_path / f"weights{suffix}"
    save_file(source.state_dict(), path) if suffix == ".safetensors" else torch.save(
        source.state_dict(), path
    )
    report = load_weights(target, path)
    assert same_features(source, target)
    assert report.matching == "name"
    assert report.head_loaded
    assert report.unused == ()


def test_the_head_for_other_classes_is_left_out_and_named(tmp_path):
    source, target = seeded("resnet18", 1, num_classes=7), seeded("resnet18", 2, num_classes=3)
    head = target.head.weight.clone()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    report = load_weights(target, tmp_path / "w.safetensors")
    assert same_features(source.features, target.features)
    assert torch.equal(target.head.weight, head)
    assert not report.head_loaded
    assert set(report.unused) == {"head.weight", "head.bias"}
    assert "the head starts at random" in str(report)


def test_timms_names_are_accepted(tmp_path):
    torch.manual_seed(1)
    source = timm.create_model("resnet18", num_classes=10).eval()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    target = seeded("resnet18", 2)
    report = load_weights(target, tmp_path / "w.safetensors")
    assert report.matching == "name"
    assert set(report.unused) == {"fc.weight", "fc.bias"}
    assert same_features(source.forward_features, target.features)


@pytest.mark.parametrize(
    ("ours", "theirs", "matching"),
    [
        ("mobilenetv2_100", "mobilenet_v2", "order"),
        ("efficientnet_b0", "efficientnet_b0", "order"),
        ("resnet18", "resnet18", "name"),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_torchvisions_names_give_torchvisions_features(tmp_path, ours, theirs, matching, suffix):
    torch.manual_seed(1)
    source = torchvision.models.get_model(theirs, weights=None).eval()
    path = tmp_path / f"w{suffix}"
    save_file(source.state_dict(), path) if suffix == ".safetensors" else torch.save(
        source.state_dict(), path
    )
    target = seeded(ours, 2)
    report = load_weights(target, path)
    assert report.matching == matching
    assert all("classifier" in name or name.startswith("fc.") for name in report.unused)
    trunk = (
        source.features if hasattr(source, "features") else torch.nn.Sequential(*list(source.children())[:-2])
    )
    assert same_features(trunk, target.features)


def test_torchvisions_mobilenetv3_keeps_its_larger_epsilon(tmp_path):
    torch.manual_seed(1)
    source = torchvision.models.mobilenet_v3_large().eval()
    for module in source.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.01, 0.1)  # small, as trained ones are
    torch.save(source.state_dict(), tmp_path / "w.pth")
    target = seeded("mobilenetv3_large_100", 2)
    load_weights(target, tmp_path / "w.pth")
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = source.features(x)
        scale = float(expected.abs().max())
        torch.testing.assert_close(target.features(x), expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.skipif(not MOBILENET.is_file(), reason="no ../shared/weights beside the project")
def test_the_shared_mobilenet_differs_by_nothing_from_torchvision():
    reference = torchvision.models.mobilenet_v2().eval()
    reference.load_state_dict(load_file(MOBILENET), strict=False)
    network = seeded("mobilenetv2_100", 0)
    report = load_weights(network, MOBILENET)
    assert report.loaded == 260
    assert report.unused == ()
    assert same_features(reference.features, network.features, size=160)


@pytest.mark.skipif(not SQUEEZENET.is_file(), reason="no ../shared/weights beside the project")
def test_real_weights_of_another_architecture_are_refused():
    with pytest.raises(DataError, match="not weights of mobilenetv2_100"):
        load_weights(seeded("mobilenetv2_100", 0), SQUEEZENET)


def test_weights_of_another_architecture_change_nothing_and_the_difference_is_told(tmp_path):
    save_file(timm.create_model("resnet34", num_classes=4).state_dict(), tmp_path / "w.safetensors")
    network = seeded("mobilenetv2_100", 0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(DataError, match="not weights of mobilenetv2_100") as caught:
        load_weights(network, tmp_path / "w.safetensors")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert caught.value.path == str(tmp_path / "w.safetensors")
    assert "in the file is" in caught.value.details[0]


@pytest.mark.parametrize(
    ("small", "large"), [("resnet18", "resnet34"), ("mobilenetv2_100", "mobilenetv2_110d")]
)
def test_a_larger_sister_is_not_taken_for_the_smaller(tmp_path, small, large):
    save_file(timm.create_model(large, num_classes=4).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=f"not weights of {small}"):
        load_weights(seeded(small, 0), tmp_path / "w.safetensors")


def test_layers_left_over_among_the_features_betray_another_architecture(tmp_path):
    source = seeded("improved_cnn", 1).features.state_dict()
    renamed = {f"trunk.{name}": tensor for name, tensor in source.items()} | {
        "trunk.9.weight": torch.ones(4, 4, 3, 3)
    }
    save_file(renamed, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"trunk\.9 in the file is weight 4x4x3x3"):
        load_weights(seeded("improved_cnn", 2), tmp_path / "w.safetensors")


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["module.", "network.", "_orig_mod."])
def test_checkpoints_of_training_scripts_are_unwrapped(tmp_path, wrapper, prefix):
    source, target = seeded("improved_cnn", 1), seeded("improved_cnn", 2)
    named = {prefix + name: tensor for name, tensor in source.state_dict().items()}
    torch.save({wrapper: named, "epoch": 3}, tmp_path / "w.pt")
    assert load_weights(target, tmp_path / "w.pt").head_loaded
    assert same_features(source, target)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("sprung"),))


def test_a_pickle_that_holds_more_than_tensors_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"w": torch.zeros(1)}, "trap": Trap()}, tmp_path / "w.pth")
    with pytest.raises(DataError, match="more than tensors"):
        load_weights(seeded("improved_cnn", 0), tmp_path / "w.pth")
    assert not (tmp_path / "sprung").exists()
    # the trap works where it is opened without care, so the line above means something
    torch.load(tmp_path / "w.pth", weights_only=False)
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused_by_name(tmp_path, suffix, share):
    path = tmp_path / f"w{suffix}"
    state = seeded("simple_cnn", 0).state_dict()
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError) as caught:
        load_weights(seeded("simple_cnn", 1), path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("w.h5", b"anything", "ends in .h5"),
        ("w", b"anything", "ends in nothing"),
        ("w.pth", pickle.dumps(object()), "more than tensors|not a whole torch file"),
    ],
)
def test_files_of_other_kinds_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        load_weights(seeded("simple_cnn", 0), tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_weights(seeded("simple_cnn", 0), tmp_path / "absent.safetensors")


def test_a_list_of_tensors_and_an_empty_file_are_refused(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    save_file({}, tmp_path / "empty.safetensors")
    for name, said in (("list.pth", "holds a list"), ("empty.safetensors", "no tensors")):
        with pytest.raises(DataError, match=said):
            load_weights(seeded("simple_cnn", 0), tmp_path / name)


def test_nan_in_weights_is_refused(tmp_path):
    state = seeded("simple_cnn", 0).state_dict()
    state["features.0.weight"][0, 0, 0, 0] = float("nan")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match="NaN") as caught:
        load_weights(seeded("simple_cnn", 1), tmp_path / "w.safetensors")
    assert caught.value.details == ["features.0.weight"]
