import torch
import torchvision
from safetensors.torch import save_file

from gyrus.models import build, load_weights


@torch.no_grad()
def test_torchvisions_weights_load_by_name_and_give_torchvisions_features(tmp_path):
    torch.manual_seed(1)
    reference = torchvision.models.squeezenet1_1().eval()
    save_file(reference.state_dict(), tmp_path / "w.safetensors")
    network = build("squeezenet1_1", num_classes=3).eval()
    report = load_weights(network, tmp_path / "w.safetensors")
    assert report.matching == "name"
    assert set(report.unused) == {"classifier.1.weight", "classifier.1.bias"}
    for size in (64, 97):
        x = torch.randn(2, 3, size, size)
        assert torch.equal(network.features(x), reference.features(x))


@torch.no_grad()
def test_with_torchvisions_classifier_in_the_head_the_logits_differ_by_its_relu_alone():
    torch.manual_seed(1)
    reference = torchvision.models.squeezenet1_1(num_classes=3).eval()
    network = build("squeezenet1_1", num_classes=3).eval()
    network.features.load_state_dict(reference.features.state_dict())
    network.head.weight.copy_(reference.classifier[1].weight[:, :, 0, 0])
    network.head.bias.copy_(reference.classifier[1].bias)
    x = torch.randn(2, 3, 64, 64)
    _, _, maps = network.forward_all(x)
    cells = (maps + network.head.bias[:, None, None]).relu()
    torch.testing.assert_close(cells.mean((2, 3)), reference(x), rtol=1e-4, atol=1e-5)
