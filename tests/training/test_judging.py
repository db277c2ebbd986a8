"""Answers are judged plainly: against closed forms, and whatever the batches."""

import numpy as np
import pytest
import torch

from gyrus.data.manifest import Manifest, Row
from gyrus.training.epoch_sums import EpochSums
from gyrus.training.judging import judge_classes, judge_of, judge_sets
from gyrus.training.losses import Loss, MultilabelLoss
from gyrus.training.targets import counts_of, targets_of


def test_sets_are_judged_class_by_class():
    logits = torch.tensor([[2.0, -1.0, 0.0], [-3.0, 4.0, -0.5]])
    targets = torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])
    loss, right = judge_sets(logits, targets)
    prob = 1 / (1 + np.exp(-logits.double().numpy()))
    own = np.where(targets.numpy() == 1, prob, 1 - prob)
    assert float(loss) == pytest.approx(-np.log(own).mean(axis=1).sum(), rel=1e-6)
    assert float(right) == pytest.approx(2 / 3 + 1)  # a logit of 0 is a probability of one half: shown


def test_classes_are_judged_by_the_most_probable_also_where_images_are_mixed():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    shares = torch.tensor([[0.7, 0.3], [0.6, 0.4]])
    assert float(judge_classes(logits, shares)[1]) == 1
    whole, _ = judge_classes(logits, torch.tensor([0, 1]))
    assert float(whole) == pytest.approx(float(np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))))


def test_the_loss_tells_how_to_judge():
    assert judge_of(MultilabelLoss()) is judge_sets
    assert judge_of(Loss()) is judge_classes


def test_means_of_an_epoch_do_not_depend_on_its_batches():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(10, 3, generator=rng)
    targets = torch.randint(0, 2, (10, 3), generator=rng).float()
    means = []
    for size in (10, 3):
        sums = EpochSums(judge=judge_sets)
        for chunk in range(0, 10, size):
            sums.add(logits[chunk : chunk + size], targets[chunk : chunk + size], 0.1)
        means.append(sums.means())
    assert means[0]["train_loss"] == pytest.approx(means[1]["train_loss"])
    assert means[0]["train_accuracy"] == pytest.approx(means[1]["train_accuracy"])


def test_targets_follow_the_task_of_the_manifest(tmp_path):
    rows = tuple(Row(str(n), f"{n}.png", label=label) for n, label in enumerate(["a|b", "b", "|"]))
    sets = Manifest(rows, tmp_path, "multilabel")
    np.testing.assert_array_equal(targets_of(sets, sets.rows), [[1, 1], [0, 1], [0, 0]])
    assert counts_of(targets_of(sets, sets.rows), 2) == [1, 2]
    single = Manifest(rows[:2], tmp_path)
    np.testing.assert_array_equal(targets_of(single, single.rows), [0, 1])
