"""What an untrained network answers: the shares that it was told."""

import pytest
import torch

from gyrus.models.segmentation import build_segmentation


@pytest.mark.parametrize("shares", [(0.02,), (0.03, 0.1, 0.005)])
def test_heads_that_know_nothing_answer_with_the_shares(shares):
    network = build_segmentation(
        "unet", mask_classes=len(shares), image_size=32, deep_supervision=True
    ).eval()
    for head in (network.head, *network.deep_heads):
        torch.nn.init.zeros_(head.weight)
    network.set_prior(shares)
    with torch.no_grad():
        masks, _ = network.forward_deep(torch.rand(2, 3, 32, 32))
    assert len(masks) > 1
    for logits in masks:
        if len(shares) == 1:
            probabilities, wanted = logits.sigmoid(), torch.tensor(shares)
        else:
            probabilities, wanted = logits.softmax(1), torch.tensor([1 - sum(shares), *shares])
        assert torch.allclose(probabilities.mean((0, 2, 3)), wanted, atol=1e-6)


def test_a_class_that_is_nowhere_keeps_finite_logits():
    network = build_segmentation("unet", mask_classes=2, image_size=32)
    network.set_prior((0.0, 1.0))
    assert bool(torch.isfinite(network.head.bias).all())
