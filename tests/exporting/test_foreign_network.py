"""Somebody else's weights answer here as they do at home, in the order of the classes' names."""

import pytest
import timm
import torch
from foreign_files import CLASSES, SIZE, saved, settled, taken, tiny, with_mlp
from safetensors.torch import save_file
from torch import nn

from gyrus.errors import DataError, UsageError

BY_NAME = [CLASSES.index(name) for name in sorted(CLASSES)]
X = torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def same(network, model):
    with torch.no_grad():
        torch.testing.assert_close(network(X), model(X)[:, BY_NAME], rtol=1e-4, atol=1e-5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pth"


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("test_resnet", "exact"),
        ("test_efficientnet", "exact"),
        ("test_convnext", "occlusion"),  # a norm stands between the mean and the last layer
        ("test_vit", "occlusion"),  # a class token is what is read
    ],
)
def test_timms_networks_answer_as_at_home(path, architecture, kind):
    options = {"img_size": SIZE} if timm.get_pretrained_cfg(architecture).fixed_input_size else {}
    model = settled(tiny(architecture, **options))
    foreign = taken(saved(model, path), architecture=architecture)
    assert (foreign.library, foreign.network.maps_kind) == ("timm", kind)
    assert foreign.classes == tuple(sorted(CLASSES))
    assert (foreign.spec is None) is (kind == "occlusion")
    same(foreign.network, model)
    same(foreign.expected, model)  # its outputs were put into that order, too


@pytest.mark.soak
@pytest.mark.parametrize(
    ("architecture", "size", "kind"),
    [
        ("resnet18", 64, "exact"),
        ("densenet121", 64, "exact"),
        ("mobilenet_v2", 64, "exact"),
        ("efficientnet_b0", 64, "exact"),
        ("inception_v3", 128, "exact"),
        ("squeezenet1_1", 64, "occlusion"),
        ("mobilenet_v3_small", 64, "occlusion"),
        ("shufflenet_v2_x0_5", 64, "occlusion"),
        ("convnext_tiny", 64, "occlusion"),
        ("vgg11", 64, "occlusion"),
        ("vit_b_32", 64, "occlusion"),
        ("swin_t", 64, "occlusion"),
    ],
)
def test_torchvisions_networks_answer_as_at_home(path, architecture, size, kind):
    import torchvision

    torch.manual_seed(0)
    options = {"image_size": size} if architecture.startswith("vit") else {}
    options |= {"aux_logits": True, "init_weights": False} if architecture == "inception_v3" else {}
    model = torchvision.models.get_model(architecture, weights=None, num_classes=3, **options)
    with torch.no_grad():
        side = 299 if architecture == "inception_v3" else size  # its auxiliary head needs that
        model.train()(torch.randn(2 if side > size else 8, 3, side, side))
    model.eval()
    foreign = taken(saved(model, path), architecture=architecture, image_size=size)
    assert (foreign.library, foreign.network.maps_kind) == ("torchvision", kind)
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(foreign.network(x), model(x)[:, BY_NAME], rtol=1e-3, atol=1e-4)


def test_a_logsigmoid_and_the_hidden_layers_before_it(path):
    model = settled(with_mlp())
    linear = nn.Sequential(*[part for name, part in model.named_children() if name != "fc"], model.fc[:-1])
    foreign = taken(saved(model, path), head="mlp", activation="selu", output="logsigmoid")
    assert foreign.hidden == (12, 7)
    assert foreign.network.maps_kind == "gradient"
    model.fc = linear[-1]
    same(foreign.network, model)


def test_one_output_becomes_two_logits_in_either_order_of_the_classes(path):
    model = settled(tiny(outputs=1))
    saved(model, path)
    with torch.no_grad():
        positive = torch.sigmoid(model(X)[:, 0])
        yes_second = taken(path, classes=("no", "yes"), output="sigmoid")
        yes_first = taken(path, classes=("tumour", "free"), output="sigmoid")
        assert yes_first.classes == ("free", "tumour")
        torch.testing.assert_close(yes_second.network(X).softmax(1)[:, 1], positive)
        torch.testing.assert_close(yes_first.network(X).softmax(1)[:, 0], positive)


def test_a_network_inside_another_module_with_a_head_of_its_own(path):
    class Mine(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = tiny(outputs=0)
            self.classify = nn.Linear(self.backbone.num_features, len(CLASSES))

        def forward(self, x):
            return self.classify(self.backbone(x))

    model = settled(Mine())
    same(taken(saved(model, path)).network, model)
    same(taken(saved(nn.DataParallel(model), path)).network, model)


def test_safetensors_and_a_checkpoint_around_it(tmp_path):
    model = settled(tiny())
    save_file(model.state_dict(), tmp_path / "a.safetensors")
    same(taken(tmp_path / "a.safetensors").network, model)
    same(taken(saved(model, tmp_path / "b.ckpt", epoch=3, optimizer={"lr": 0.1})).network, model)


def test_weights_trained_on_one_channel(path):
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=3, in_chans=1).eval()
    foreign = taken(saved(model, path), color="grey")
    assert foreign.network.in_channels == 1
    with torch.no_grad():
        grey = X[:, :1]
        torch.testing.assert_close(foreign.network(grey), model(grey)[:, BY_NAME], rtol=1e-4, atol=1e-5)


def test_another_architecture_is_refused_with_what_differs(path):
    saved(tiny("test_efficientnet"), path)
    with pytest.raises(DataError, match="not weights of test_resnet as timm writes it") as caught:
        taken(path)
    assert any("has no such tensor" in line for line in caught.value.details)
    assert "--architecture" in caught.value.fix


def test_a_larger_sister_is_refused(path):
    saved(timm.create_model("resnet26", num_classes=3), path)
    with pytest.raises(DataError):
        taken(path, architecture="resnet14t")


@pytest.mark.parametrize(
    ("options", "said", "fix"),
    [
        ({"architecture": None}, "does not tell its network", "--architecture"),
        ({"architecture": "test_resnat"}, "no network is called", "test_resnet"),
        ({"classes": ("a", "b")}, "has 3 outputs; the options tell of 2", "as many --classes"),
        ({"classes": ("a", "b", "a")}, "names a twice", None),
        ({"classes": ("a",)}, "names 1 class", None),
        ({"classes": ()}, "does not tell the names", "--classes a,b,c"),
        ({"output": "sigmoid"}, "two classes by one output; there are 3", "--output logits"),
        ({"output": "sigmoid", "classes": ("a", "b")}, "has 3 outputs; the options tell of 1", None),
        (
            {"head": "mlp", "head_sizes": (8,)},
            "has one linear layer; the options say hidden",
            "--head linear",
        ),
    ],
)
def test_what_is_said_of_it_is_held_against_it(path, options, said, fix):
    saved(tiny(), path)
    with pytest.raises(UsageError, match=said) as caught:
        taken(path, **options)
    assert fix is None or fix in caught.value.fix


def test_hidden_layers_that_were_not_told_are_named_with_the_option(path):
    saved(with_mlp(), path)
    with pytest.raises(
        UsageError, match="hidden layers of 12, 7 units; the options say one linear"
    ) as caught:
        taken(path)
    assert "--head mlp --head-sizes 12 7 --activation" in caught.value.fix
    with pytest.raises(UsageError, match="the options say hidden layers of 12, 8 units"):
        taken(path, head="mlp", head_sizes=(12, 8))


def test_a_head_of_other_layers_is_refused(path):
    model = tiny()
    model.fc = nn.Sequential(nn.Linear(model.fc.in_features, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    with pytest.raises(DataError, match="no chain of linear layers") as caught:
        taken(saved(model, path), head="mlp")
    assert caught.value.details[0].startswith("fc.1: weight 8")


def test_features_alone_are_refused(path):
    with pytest.raises(DataError, match="features only"):
        taken(saved(tiny(outputs=0), path))
