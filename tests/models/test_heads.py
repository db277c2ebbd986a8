"""Heads: what an MLP is for one image, and what one logit is for two classes."""

import pytest
import torch
from torch.nn import functional

from gyrus.models.activations import CURVES
from gyrus.models.heads import HeadPlan, MlpHead, OneLogitHead, make_head


@pytest.fixture
def embedding():
    return torch.randn(6, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("hidden", [(), (8,), (16, 5), (3, 4, 5)])
@pytest.mark.parametrize("one_logit", [False, True])
@torch.no_grad()
def test_for_one_image_a_head_is_one_matrix_and_one_vector(embedding, hidden, one_logit):
    torch.manual_seed(1)
    head = make_head(HeadPlan(hidden, 0.5, one_logit), 10, 2 if one_logit else 4).eval()
    for parameter in head.parameters():
        parameter.normal_()
    weight, offset = head.affine_at(embedding)
    again = (weight * embedding[:, None]).sum(2) + offset
    torch.testing.assert_close(again, head(embedding), rtol=1e-4, atol=1e-4)
    # not at this point only: in a neighbourhood that crosses no kink the same matrix answers
    near = embedding + 1e-4 * torch.randn_like(embedding)
    torch.testing.assert_close((weight * near[:, None]).sum(2) + offset, head(near), rtol=1e-2, atol=5e-3)


@pytest.mark.parametrize("activation", CURVES)
def test_the_matrix_is_the_gradient(embedding, activation):
    torch.manual_seed(1)
    head = MlpHead(10, (16, 5), 3, 0.0, activation)
    embedding = (2 * embedding).requires_grad_()
    # an image's logits depend on its own embedding alone, so the gradient of the sum is each image's
    rows = [torch.autograd.grad(head(embedding)[:, k].sum(), embedding)[0] for k in range(3)]
    weight, offset = head.affine_at(embedding)
    torch.testing.assert_close(weight, torch.stack(rows, dim=1))
    again = (weight * embedding[:, None]).sum(2) + offset
    torch.testing.assert_close(again, head(embedding), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", CURVES)
def test_an_activation_is_torchs_and_its_slope_autograds(activation):
    x = torch.cat([torch.linspace(-200, 200, 401), torch.linspace(-4.03, 4.01, 97)]).requires_grad_()
    curve = CURVES[activation]
    reference = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "none": lambda value: value * 1.0}
    y = reference.get(activation, getattr(functional, activation, None))(x)
    torch.testing.assert_close(curve.value(x), y)
    (slope,) = torch.autograd.grad(y.sum(), x)
    smooth = (x != 0) & (x.abs() != 3)  # at a kink either side is right
    torch.testing.assert_close(curve.slope(x)[smooth], slope[smooth], rtol=1e-4, atol=2e-6)


def test_one_logits_softmax_is_its_sigmoid_and_its_loss_the_binary_one(embedding):
    torch.manual_seed(1)
    head = make_head(HeadPlan(one_logit=True), 10, 2)
    assert isinstance(head, OneLogitHead)
    logits, z = head(embedding), head.positive(embedding)[:, 0]
    torch.testing.assert_close(logits.softmax(1)[:, 1], z.sigmoid())
    labels = torch.tensor([0, 1, 1, 0, 1, 0])
    expected = functional.binary_cross_entropy_with_logits(z, labels.float())
    torch.testing.assert_close(functional.cross_entropy(logits, labels), expected)
    # pos_weight is a class weight; cross_entropy divides by the sum of weights, the binary loss by the number
    weight = torch.tensor([1.0, 2.5])
    weighted = functional.cross_entropy(logits, labels, weight=weight, reduction="none").mean()
    expected = functional.binary_cross_entropy_with_logits(z, labels.float(), pos_weight=weight[1])
    torch.testing.assert_close(weighted, expected)


def test_hidden_layers_drop_in_training_only(embedding):
    torch.manual_seed(1)
    head = MlpHead(10, (64,), 3, 0.5)
    assert not torch.equal(head(embedding), head(embedding))
    head.eval()
    assert torch.equal(head(embedding), head(embedding))
