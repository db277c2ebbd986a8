import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from gyrus.config.balancing import BalanceOptions
from gyrus.errors import UsageError
from gyrus.training.losses import Loss, MultilabelLoss, make_loss

LOGITS = torch.randn(12, 4, generator=torch.Generator().manual_seed(1)) * 2
LABELS = torch.arange(12) % 4
WEIGHTS = (0.5, 1.0, 2.0, 4.0)
SOFT = torch.softmax(torch.randn(12, 4, generator=torch.Generator().manual_seed(2)), dim=1)


def gradient(loss, logits, targets):
    logits = logits.clone().requires_grad_()
    value = loss(logits, targets)
    value.backward()
    return value.detach(), logits.grad


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("targets", [LABELS, SOFT], ids=["labels", "shares"])
def test_cross_entropy_is_torchs(weights, smoothing, targets):
    ours = gradient(Loss(weights=weights, label_smoothing=smoothing), LOGITS, targets)
    tensor = None if weights is None else torch.tensor(weights)
    theirs = gradient(
        lambda x, y: functional.cross_entropy(x, y, weight=tensor, label_smoothing=smoothing), LOGITS, targets
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("targets", [LABELS, SOFT], ids=["labels", "shares"])
def test_focal_with_gamma_zero_is_cross_entropy(weights, smoothing, targets):
    plain = Loss(weights=weights, label_smoothing=smoothing)
    almost = Loss(weights=weights, label_smoothing=smoothing, gamma=1e-9)
    torch.testing.assert_close(gradient(almost, LOGITS, targets), gradient(plain, LOGITS, targets))


def test_focal_in_closed_form():
    logits = torch.log(torch.tensor([[0.9, 0.1], [0.3, 0.7]]))
    loss = Loss(gamma=2.0)(logits, torch.tensor([0, 0]))
    assert loss.item() == pytest.approx((-(0.1**2) * math.log(0.9) - 0.7**2 * math.log(0.3)) / 2, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_of_one_logit_is_torchvisions(gamma):
    z = LOGITS[:, 0]
    labels = LABELS % 2
    ours = Loss(gamma=gamma, one_logit=True)(torch.stack([torch.zeros_like(z), z], 1), labels)
    theirs = sigmoid_focal_loss(z, labels.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_survives_sure_answers(gamma):
    for targets in (torch.tensor([0, 1]), torch.tensor([[0.9, 0.1], [0.2, 0.8]])):
        value, slope = gradient(Loss(gamma=gamma), torch.tensor([[400.0, -400.0]] * 2), targets)
        assert value.isfinite()
        assert slope.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_logit_is_bce_with_pos_weight(smoothing):
    z = LOGITS[:, 0].clone().requires_grad_()
    labels = LABELS % 2
    loss = make_loss(BalanceOptions(label_smoothing=smoothing), [300, 100], ("no", "yes"), one_logit=True)
    ours = loss(torch.stack([torch.zeros_like(z), z], 1), labels)
    targets = labels.float() * (1 - smoothing) + smoothing / 2
    theirs = functional.binary_cross_entropy_with_logits(z, targets, pos_weight=torch.tensor(3.0))
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, z), torch.autograd.grad(theirs, z))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 11), st.sampled_from([0.0, 2.0]), st.sampled_from([None, WEIGHTS]), st.booleans())
def test_parts_add_up_to_the_whole(cut, gamma, weights, soft):
    loss = Loss(weights=weights, gamma=gamma, label_smoothing=0.1)
    targets = SOFT if soft else LABELS
    parts = sum(loss.total(LOGITS[part], targets[part]) for part in (slice(0, cut), slice(cut, None)))
    torch.testing.assert_close(parts / loss.weight_of(targets), loss(LOGITS, targets))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_several_labels_are_torchs_bce(weights, smoothing):
    targets = (SOFT > 0.2).float()
    ours = MultilabelLoss(weights, label_smoothing=smoothing)
    tensor = None if weights is None else torch.tensor(weights)
    smoothed = targets * (1 - smoothing) + smoothing / 2

    def theirs(x, y):
        return functional.binary_cross_entropy_with_logits(x, smoothed, pos_weight=tensor)

    torch.testing.assert_close(gradient(ours, LOGITS, targets), gradient(theirs, LOGITS, targets))


def test_focal_of_several_labels_is_torchvisions():
    targets = (SOFT > 0.2).float()
    theirs = sigmoid_focal_loss(LOGITS, targets, alpha=-1, gamma=2.0, reduction="mean")
    torch.testing.assert_close(MultilabelLoss(gamma=2.0)(LOGITS, targets), theirs)


def test_options_reach_the_loss():
    options = BalanceOptions(loss="focal", focal_gamma=1.5, label_smoothing=0.05, class_weights="none")
    loss = make_loss(options, [5, 5], ("a", "b"))
    assert (loss.gamma, loss.label_smoothing, loss.weights) == (1.5, 0.05, None)
    assert make_loss(BalanceOptions(), [3, 1], ("a", "b")).weights.tolist() == pytest.approx([2 / 3, 2.0])
    assert make_loss(BalanceOptions(), [3, 1], ("a", "b")).state_dict() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2", "has 2 numbers; there are 3 classes: glioma, meningioma, pituitary"),
        ("1,2,3,4", "has 4 numbers"),
        ("glioma=2,meningoma=1,pituitary=1", "did you mean 'meningioma'"),
        ("glioma=2", "no weight for: meningioma, pituitary"),
    ],
)
def test_weights_that_do_not_fit_the_classes(text, words):
    with pytest.raises(UsageError, match=words):
        make_loss(BalanceOptions(class_weights=text), [1, 1, 1], ("glioma", "meningioma", "pituitary"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"class_weights": "balancd"}, "balanced, effective, none, or numbers"),
        ({"class_weights": ""}, "balanced, effective, none, or numbers"),
        ({"class_weights": "1,,x"}, "or numbers"),
        ({"class_weights": "a=1,2"}, "or numbers"),
        ({"class_weights": "1,-2"}, "holds -2; expected numbers above 0"),
        ({"class_weights": "1,0"}, "holds 0"),
        ({"class_weights": "1,nan"}, "holds nan"),
        ({"class_weights": "a=1,a=2"}, "names a more than once"),
        ({"effective_beta": 1.0}, "effective_beta is 1.0"),
        ({"focal_gamma": -1.0}, "focal_gamma is -1.0"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
    ],
)
def test_options_that_mean_nothing(options, words):
    with pytest.raises(UsageError, match=words):
        BalanceOptions(**options)


def test_names_may_hold_an_equals_sign():
    assert BalanceOptions(class_weights="p=q=2, r = 1").given_weights == {"p=q": 2.0, "r": 1.0}
