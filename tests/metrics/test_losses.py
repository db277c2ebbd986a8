"""Losses and ranks, against scikit-learn, torchmetrics and hand-worked values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from gyrus.metrics.losses import (
    brier_losses,
    chance_losses,
    log_losses,
    loss_interval,
    ranks_of_truth,
)


def answers(seed, n=300, n_classes=4):
    rng = np.random.default_rng(seed)
    y_true, y_prob = rng.integers(0, n_classes, n), rng.dirichlet(np.ones(n_classes), n)
    return y_true, y_prob


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_log_loss_and_brier_score_equal_scikit_learn(n_classes):
    y_true, y_prob = answers(0, n_classes=n_classes)
    assert log_losses(y_true, y_prob).mean() == pytest.approx(sk.log_loss(y_true, y_prob))
    theirs = sk.brier_score_loss(y_true, y_prob[:, 1] if n_classes == 2 else y_prob)
    assert brier_losses(y_true, y_prob).mean() == pytest.approx(theirs)


def test_hand_worked_values():
    y_prob = [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]]
    assert log_losses([0, 1], y_prob) == pytest.approx([-math.log(0.7), -math.log(0.3)])
    assert brier_losses([0, 1], y_prob) == pytest.approx([0.09 + 0.04 + 0.01, 0.04 + 0.49 + 0.25])
    assert brier_losses([1], [[0.8, 0.2]]) == pytest.approx([0.64])


def test_a_probability_of_zero_costs_what_scikit_learn_says():
    y_prob = [[1.0, 0.0], [0.5, 0.5]]
    assert log_losses([1, 0], y_prob).mean() == pytest.approx(sk.log_loss([1, 0], y_prob))
    assert log_losses([0, 0], y_prob)[0] == 0


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_chance_is_what_equal_probabilities_cost(n_classes):
    y_prob = np.full((1, n_classes), 1 / n_classes)
    wanted = log_losses([0], y_prob)[0], brier_losses([0], y_prob)[0]
    assert chance_losses(n_classes) == pytest.approx(wanted)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_equals_scikit_learn_and_torchmetrics(k):
    torch, tm = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.classification")
    y_true, y_prob = answers(1, n_classes=5)
    ours = (ranks_of_truth(y_true, y_prob) < k).mean()
    assert ours == pytest.approx(sk.top_k_accuracy_score(y_true, y_prob, k=k))
    theirs = tm.multiclass_accuracy(
        torch.tensor(y_prob), torch.tensor(y_true), num_classes=5, top_k=k, average="micro"
    )
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_among_equal_probabilities_the_first_class_counts_as_the_answer():
    y_prob = [[0.4, 0.4, 0.2]] * 3
    assert ranks_of_truth([0, 1, 2], y_prob).tolist() == [0, 1, 2]


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float64, (7, 3), elements=st.sampled_from([0.0, 0.25, 0.5])), st.integers(0, 2))
def test_rank_zero_is_the_answer_of_argmax(y_prob, true):
    ranks = ranks_of_truth(np.full(7, true), y_prob)
    assert ((ranks == 0) == (y_prob.argmax(axis=1) == true)).all()
    assert ranks.max() <= 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 9), st.integers(1, 9)), min_size=2, max_size=20))
def test_an_interval_holds_the_value_and_stays_positive(rows):
    losses, images = np.array(rows).T
    interval = loss_interval(losses, images, math.log(3))
    assert 0 <= interval.low <= interval.value <= interval.high
    assert interval.high > interval.low


def test_few_who_carry_the_loss_make_it_uncertain():
    one = np.zeros(40)
    one[0] = 40.0
    spread = loss_interval(np.ones(40), np.ones(40), math.log(3))
    carried = loss_interval(one, np.ones(40), math.log(3))
    assert one.mean() == spread.value == carried.value
    assert carried.high - carried.low > 5 * (spread.high - spread.low)


def test_one_patient_and_none():
    assert math.isnan(loss_interval([2.0], [4], 1.0).low)
    assert loss_interval([2.0], [4], 1.0).value == 0.5
    assert math.isnan(loss_interval([0.0], [0], 1.0).value)


@pytest.mark.parametrize(
    ("y_true", "y_prob", "words"),
    [
        ([0], [0.5, 0.5], "shape"),
        ([0, 1], [[0.5, 0.5]], "2 entries, y_prob 1"),
        ([2], [[0.5, 0.5]], "0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(y_true, y_prob, words):
    with pytest.raises(ValueError, match=words):
        log_losses(y_true, y_prob)


def patients(rng, n_patients, strength, overconfidence):
    """Return patient, log loss and Brier score of images whose errors cluster in patients."""
    sizes = np.clip(np.round(np.exp(rng.normal(2.4, 0.7, n_patients))), 1, 60).astype(int)
    groups = np.repeat(np.arange(n_patients), sizes)
    y_true = groups % 3
    logits = rng.normal(size=(groups.size, 3)) + 1.5 * rng.normal(size=(n_patients, 3))[groups]
    logits = overconfidence * (logits + strength * np.eye(3)[y_true])
    y_prob = np.exp(logits - logits.max(axis=1, keepdims=True))
    y_prob /= y_prob.sum(axis=1, keepdims=True)
    return groups, log_losses(y_true, y_prob), brier_losses(y_true, y_prob)


@pytest.mark.parametrize(("strength", "overconfidence"), [(2, 1), (4, 1), (6, 1)])
def test_losses_of_forty_patients_are_covered(strength, overconfidence):
    rng = np.random.default_rng(1)
    truth = [values.mean() for values in patients(rng, 150_000, strength, overconfidence)[1:]]
    covered = np.zeros((2500, 2), dtype=bool)
    for repeat in range(2500):
        groups, *losses = patients(rng, 40, strength, overconfidence)
        images = np.bincount(groups)
        for column, (values, chance) in enumerate(zip(losses, chance_losses(3), strict=True)):
            interval = loss_interval(np.bincount(groups, weights=values), images, chance)
            covered[repeat, column] = interval.low <= truth[column] <= interval.high
    assert (covered.mean(axis=0) >= 0.94).all()
