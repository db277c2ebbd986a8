"""Training on cached features is training through the frozen trunk, only faster."""

import errno
import os

import numpy as np
import pytest
import torch

from gyrus.errors import StorageError, UsageError
from gyrus.models import build
from gyrus.runs import RunFolder
from gyrus.training import feature_cache, fit, on_features
from gyrus.training.batches import SplitPixels


@pytest.fixture
def weights(tmp_path):
    """Return weights to freeze; random ones will do."""
    torch.manual_seed(5)
    torch.save(build("improved_cnn", num_classes=3, image_size=32).state_dict(), tmp_path / "start.pt")
    return tmp_path / "start.pt"


@pytest.fixture
def train(tmp_path, bar_data, config, weights):
    """Return a trainer: options -> (fitted, run)."""
    count = iter(range(100))

    def run(**options):
        folder = RunFolder(tmp_path / f"run{next(count)}").create()
        options = {"weights": weights, "dropout": 0.0, "patience": None, "augmentation": "none", **options}
        return fit(*bar_data, config(**options), folder, progress=False)

    return run


@pytest.mark.parametrize(
    ("recipe", "lengths"), [("head", {"head_epochs": 3}), ("two-stage", {"head_epochs": 2})]
)
def test_the_cache_gives_what_the_trunk_gives(train, recipe, lengths):
    cached = train(recipe=recipe, epochs=2, views=1, **lengths)
    through = train(recipe=recipe, epochs=2, views=0, **lengths)
    assert {stage.way for stage in cached.stages} == {"on cached features"}
    assert {stage.way for stage in through.stages} == {"through the trunk"}
    for ours, theirs in zip(cached.history, through.history, strict=True):
        assert ours["stage"] == theirs["stage"]
        for name in ("train_loss", "val_loss", "learning_rate"):
            assert ours[name] == pytest.approx(theirs[name], rel=2e-3)


def test_the_frozen_trunk_is_left_as_it_was_and_the_head_learns(train, weights):
    before = torch.load(weights, weights_only=True)
    fitted = train(recipe="head", head_epochs=30, views=2, augmentation="brain-mri")
    after = fitted.network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"head.weight", "head.bias"}
    assert fitted.history[-1]["val_loss"] < fitted.history[0]["val_loss"]
    assert all(parameter.requires_grad for parameter in fitted.network.parameters())


def test_the_last_block_learns_its_statistics_and_the_others_keep_theirs(train, weights):
    before = torch.load(weights, weights_only=True)
    after = train(recipe="two-stage", head_epochs=1, epochs=2, select="last").network.state_dict()
    norms = [name for name in after if name.endswith("running_mean")]
    kept = [torch.equal(after[name], before[name]) for name in norms]
    assert kept == [True] * (len(norms) - sum(not same for same in kept)) + [False] * kept.count(False)
    assert 0 < kept.count(False) < len(norms)


def test_every_view_of_every_image_is_seen_in_turn(train, monkeypatch):
    seen = []
    take = feature_cache.Features.take

    def spy(self, views, images, device):
        seen.append(np.stack([views.numpy(), images.numpy()], axis=1))
        return take(self, views, images, device)

    monkeypatch.setattr(feature_cache.Features, "take", spy)
    train(recipe="head", head_epochs=3, views=3, augmentation="brain-mri")
    pairs = {tuple(pair) for pair in np.concatenate(seen).tolist()}
    assert pairs == {(view, image) for view in range(3) for image in range(48)}


def test_features_that_do_not_fit_into_memory_lie_in_a_file_without_a_name(
    train, tmp_path, monkeypatch, caplog
):
    small = train(recipe="head", head_epochs=2)
    monkeypatch.setattr(feature_cache, "free_memory", lambda: 0)
    with caplog.at_level("INFO", logger="gyrus"):
        large = train(recipe="head", head_epochs=2, cache_dir=tmp_path / "cache")
    assert "on the disk" in caplog.text
    assert list((tmp_path / "cache").iterdir()) == []
    assert [row["val_loss"] for row in large.history] == [row["val_loss"] for row in small.history]


def test_a_full_disk_is_told_before_the_first_image(train, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_cache, "free_memory", lambda: 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        train(recipe="head", cache_dir=tmp_path / "cache")
    assert "--views" in caught.value.fix


def test_features_beyond_float16_are_kept_in_bfloat16(train, monkeypatch, caplog):
    whole = on_features._mean_over_space
    monkeypatch.setattr(on_features, "_mean_over_space", lambda features: 1e6 * whole(features))
    monkeypatch.setattr(on_features, "_takes_the_mean", lambda network, session: True)
    with caplog.at_level("INFO", logger="gyrus"):
        train(recipe="head", head_epochs=1)
    assert "bfloat16" in caplog.text


def test_a_loss_that_is_no_number_names_what_is_whole(train, bar_data, monkeypatch):
    calls = iter(range(1000))
    take = feature_cache.Features.take

    def broken(self, views, images, device):
        features = take(self, views, images, device)
        return features * float("nan") if next(calls) >= 4 else features

    monkeypatch.setattr(feature_cache.Features, "take", broken)
    with pytest.raises(UsageError, match="the loss became nan in epoch 2, step 2") as caught:
        train(recipe="head", head_epochs=5)
    assert "epoch 1" in caught.value.fix
    assert "best.ckpt" in caught.value.fix


def test_a_file_that_has_vanished_is_named(train, monkeypatch):
    def gone(self, numbers):
        raise StorageError("has vanished", path="x.png")

    monkeypatch.setattr(SplitPixels, "__getitem__", gone)
    with pytest.raises(StorageError, match=r"x\.png: has vanished"):
        train(recipe="head")


@pytest.mark.parametrize("options", [{"mixup": 0.2}, {"cutmix": 1.0}, {"progressive": True}], ids=str)
def test_pictures_that_no_stage_sees_are_neither_mixed_nor_shrunk_and_that_is_refused(train, options):
    option = f"--{next(iter(options))}"
    with pytest.raises(UsageError, match=f"{option} needs pictures, but every stage") as caught:
        train(recipe="two-stage", head_epochs=1, epochs=1, **options)
    assert "--views 0" in caught.value.fix


def test_without_a_cache_they_are_mixed(train, caplog):
    with caplog.at_level("INFO", logger="gyrus"):
        train(recipe="head", head_epochs=1, mixup=0.2, views=0)
    assert "cached features" not in caplog.text
