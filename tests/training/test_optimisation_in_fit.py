"""Every option of optimisation and balance reaches the training."""

import logging
from itertools import zip_longest

import numpy as np
import pytest
import torch
from torch.nn import functional

from gyrus.errors import UsageError
from gyrus.models import Network
from gyrus.runs import RunFolder
from gyrus.training import fit
from gyrus.training.batches import Look, SplitPixels, prepare

QUICK = {"architecture": "simple_cnn", "augmentation": "none", "dropout": 0.0}


@pytest.fixture
def train(bar_data, tmp_path, config):
    """Return a maker of small trainings."""
    count = iter(range(100))

    def make(**options):
        folder = RunFolder(tmp_path / str(next(count))).create()
        return fit(*bar_data, config(**{**QUICK, "epochs": 1, **options}), folder, progress=False), folder

    return make


def rates(result):
    return [row["learning_rate"] for row in result.history]


def same(one, two):
    pairs = zip_longest(one.network.state_dict().values(), two.network.state_dict().values())
    return all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [("adam", "constant"), ("sgd", "one-cycle"), ("rmsprop", "cosine")],
)
def test_optimizers_and_schedules(train, optimizer, schedule):
    result, _ = train(optimizer=optimizer, schedule=schedule, epochs=3, warmup_epochs=1.0)
    told = result.optimisation
    assert (told["optimizer"], told["schedule"]) == (optimizer, schedule)
    peak = result.learning_rate
    assert peak == {"adam": 1e-3, "sgd": 0.05, "rmsprop": 5e-4}[optimizer]
    first, second, third = rates(result)
    assert first < second <= peak * (1 + 1e-6)
    assert third == pytest.approx(peak) if schedule == "constant" else third < second
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]


def test_the_plateau_lowers_the_rate(train, caplog):
    caplog.set_level(logging.INFO, logger="gyrus")
    # at this rate nothing is learnt, so the validation loss does not fall
    result, _ = train(
        schedule="plateau", plateau_patience=0, epochs=3, warmup_epochs=0.0, learning_rate=1e-12
    )
    assert rates(result) == pytest.approx([1e-12, 1e-13, 1e-14], rel=1e-6)
    assert "stopped falling; the learning rate falls to 1e-13" in caplog.text


def test_the_average_is_what_is_validated_and_kept(train, bar_data):
    averaged, _ = train(ema=0.9, epochs=2)
    live, _ = train(epochs=2)
    assert not same(averaged, live)
    # the same steps were taken: what is trained on knows nothing of the average
    assert [row["train_loss"] for row in averaged.history] == [row["train_loss"] for row in live.history]
    manifest, pixels = bar_data
    split = SplitPixels(manifest, "val", pixels)
    batch = split[np.arange(len(split))]
    look = Look(averaged.network.mean, averaged.network.std, None, False)
    with torch.no_grad():
        logits = averaged.network(prepare(batch, look, seed=0, epoch=None))
    best = min(row["val_loss"] for row in averaged.history)
    assert functional.cross_entropy(logits, batch.labels).item() == pytest.approx(best, rel=1e-4)


def test_a_short_gradient_moves_less(train):
    options = {"optimizer": "sgd", "epochs": 2, "weight_decay": 0.0}
    free, _ = train(**options)
    held, _ = train(**options, clip_norm=1e-6)
    assert free.history[-1]["train_loss"] < 0.95 * free.history[0]["train_loss"]
    assert held.history[-1]["train_loss"] == pytest.approx(held.history[0]["train_loss"], rel=0.02)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"loss": "focal", "focal_gamma": 1.0}, {"loss": "focal", "focal_gamma": 1.0}),
        ({"class_weights": "top=4,low=1,middle=1"}, {"class_weights": {"low": 1, "middle": 1, "top": 4}}),
        ({"class_weights": "none", "label_smoothing": 0.1}, {"class_weights": None, "label_smoothing": 0.1}),
    ],
)
def test_the_loss_is_the_one_that_is_asked_for(train, options, expected):
    changed, _ = train(**options)
    plain, _ = train()
    assert {name: changed.optimisation[name] for name in expected} == expected
    assert not same(changed, plain)
    assert changed.history[0]["val_loss"] != plain.history[0]["val_loss"]


def test_weights_of_a_wrong_length_are_refused(train):
    with pytest.raises(UsageError, match="has 2 numbers; there are 3 classes: low, middle, top"):
        train(class_weights="1,2")


def rare(bar_data, keep):
    manifest, pixels = bar_data
    tops = [row for row in manifest if (row.split, row.label) == ("train", "top")]
    dropped = {row.image_id for row in tops[keep:]}
    return manifest.with_rows(row for row in manifest if row.image_id not in dropped), pixels


def test_balanced_order_repeats_rare_images_each_with_its_own_draw(bar_data, run, config, monkeypatch):
    seen, drawn = [], []
    take = SplitPixels.__getitem__

    def spy(self, numbers):
        if len(self) == 36:
            seen.append(take(self, numbers).labels)
            drawn.extend(numbers.tolist())
        return take(self, numbers)

    monkeypatch.setattr(SplitPixels, "__getitem__", spy)
    options = config(architecture="simple_cnn", sampler="balanced", epochs=1)
    result = fit(*rare(bar_data, keep=4), options, run, progress=False)
    assert torch.bincount(torch.cat(seen)).tolist() == [12, 12, 12]
    assert len(set(drawn)) == 36
    assert max(drawn) >= 36  # repeats are numbered anew
    assert set(result.optimisation["class_weights"].values()) == {1.0}  # nothing is corrected twice


def test_rare_classes_get_stronger_draws(bar_data, tmp_path, config, monkeypatch):
    from gyrus.training import batches

    strengths = {}
    draw = batches.draw

    def spy(seed, epoch, numbers, policy, *, strength=None):
        strengths.update(zip(numbers.tolist(), strength.tolist(), strict=True))
        return draw(seed, epoch, numbers, policy, strength=strength)

    monkeypatch.setattr(batches, "draw", spy)
    data = rare(bar_data, keep=4)
    options = config(architecture="simple_cnn", minority_augmentation=True, epochs=1)
    fit(*data, options, RunFolder(tmp_path / "run").create(), progress=False)
    labels = SplitPixels(data[0], "train", data[1]).labels
    assert [strengths[number] for number in range(36)] == [2.0 if label == 2 else 1.0 for label in labels]


def test_one_logit_is_trained_with_pos_weight(bar_data, run, config):
    manifest, pixels = bar_data
    joined = manifest.with_rows(
        row.with_(label="yes" if row.label == "top" else "no") for row in manifest.rows
    )
    result = fit(joined, pixels, config(**QUICK, epochs=3, binary_output="one"), run, progress=False)
    assert result.optimisation["loss"] == "binary cross-entropy"
    assert result.optimisation["class_weights"] == {"no": 1.0, "yes": 2.0}  # 32 images of no, 16 of yes
    assert max(row["val_accuracy"] for row in result.history) > 0.8


def test_the_found_rate_is_used_and_leaves_no_trace(train):
    found, folder = train(find_rate=True, epochs=2)
    rate = found.learning_rate
    assert 1e-5 < rate < 1
    assert found.optimisation["rate_found"]
    assert folder.rate_curve().name == "learning-rate.csv"
    assert len(folder.rate_curve().read_text().splitlines()) > 20
    asked, other = train(learning_rate=rate, epochs=2)
    assert same(found, asked)
    assert not other.rate_curve().exists()


def test_where_memory_ends_the_training_is_the_same(train, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="gyrus")
    plain, _ = train(epochs=2)
    whole = Network.forward

    def greedy(self, x):
        if len(x) > 6:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(self, x)

    monkeypatch.setattr(Network, "forward", greedy)
    monkeypatch.setattr("gyrus.training.memory.let_go", lambda: None)  # takes long among other tests
    divided, _ = train(epochs=2)
    assert divided.optimisation["parts"] == {"scratch": 4}
    assert "Memory ended in a step of 16 images; they are taken in 4 parts of at most 4" in caplog.text
    assert "Memory ended in validating 15 images at once" in caplog.text
    for name in ("train_loss", "val_loss", "val_accuracy", "learning_rate"):
        expected = [row[name] for row in plain.history]
        assert [row[name] for row in divided.history] == pytest.approx(expected, rel=1e-3)
    for one, two in zip(
        plain.network.state_dict().values(), divided.network.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(one, two, rtol=1e-2, atol=1e-3)
    with pytest.raises(UsageError, match="memory ended in a step of 16 images"):
        train(auto_batch=False)
