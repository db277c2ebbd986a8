"""A training for masks: it learns, keeps the epoch of the best Dice, and goes on with the same bits."""

import csv
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_classes import MaskClasses
from gyrus.errors import DataError, StoppedError, UsageError
from gyrus.runs import RunFolder
from gyrus.training.segmentation import Segmenter, fit_masks

SIDE, TRAIN, IMAGES = 32, 24, 32


class Drawn:
    """Bright squares on noise; what is marked is the square, a quarter of the images have none."""

    def __init__(self, classes=("lesion",)):
        rng = np.random.default_rng(0)
        self.classes = MaskClasses("binary" if len(classes) == 1 else "label", classes)
        self.pixels = rng.integers(0, 60, (IMAGES, SIDE, SIDE, 1)).astype(np.uint8)
        self.masks = np.zeros((IMAGES, SIDE, SIDE), np.uint8)
        for number in range(IMAGES):
            top, left = rng.integers(2, 20, 2)
            if number % 4:
                self.masks[number, top : top + 9, left : left + 9] = 1 + number % len(classes)
        self.pixels[..., 0] += np.array([0, 150, 90], np.uint8)[self.masks]
        self.areas = np.stack([(self.masks == n + 1).sum((1, 2)) for n in range(len(classes))], 1)

    def rows_of(self, names):
        return np.array([int(name) for name in names], dtype=np.int64)


def manifest():
    rows = tuple(
        Row(str(n), f"{n}.png", label="ab"[n % 2], split="train" if n < TRAIN else "val", width_px=SIDE,
            height_px=SIDE)
        for n in range(IMAGES)
    )  # fmt: skip
    return Manifest(rows, Path(), "segment")


def config(**options):
    usual = {"epochs": 4, "batch_size": 8, "precision": "float32", "device": "cpu", "augmentation": "digits"}
    return TrainConfig(
        source=Path("data"), task="segment", architecture="unet", image_size=SIDE, **{**usual, **options}
    )


def train(folder, drawn=None, *, resume=False, **options):
    drawn = drawn or Drawn()
    run = RunFolder(folder) if resume else RunFolder(folder).create()
    return fit_masks(manifest(), drawn, drawn, config(**options), run, progress=False, resume=resume)


def bits(folder, name="best"):
    state = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
    rows = [row.rpartition(",")[0] for row in (folder / "metrics.csv").read_text().splitlines()]
    return {key: tensor.numpy().tobytes() for key, tensor in state.items()}, rows


def test_it_learns_and_keeps_the_best_epoch(tmp_path):
    fitted = train(tmp_path, epochs=8, learning_rate=3e-3)
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert list(rows[0]) == ["epoch", "stage", "train_loss", "train_dice", "val_loss", "val_dice",
                             "learning_rate", "seconds"]  # fmt: skip
    dice = [float(row["val_dice"]) for row in rows]
    assert max(dice) > 0.7
    assert fitted.best_epoch == 1 + int(np.argmax(dice))
    assert not fitted.network.training
    with torch.no_grad():
        logits = fitted.network(torch.zeros(1, fitted.network.in_channels, SIDE, SIDE))
    assert logits.shape == (1, 1, SIDE, SIDE)
    assert fitted.course["recipe"] == "scratch"


@pytest.mark.parametrize(("loss", "begins_with_shares"), [("dice_ce", True), ("weighted_ce", False)])
def test_it_begins_with_the_share_that_is_marked(tmp_path, loss, begins_with_shares):
    drawn = Drawn()
    fitted = train(tmp_path, drawn, epochs=1, learning_rate=1e-9, mask_loss=loss)
    share = float((drawn.masks[:TRAIN] > 0).mean())
    bias = fitted.network.head.bias.item()
    assert (bias == pytest.approx(float(np.log(share / (1 - share))), abs=1e-3)) == begins_with_shares


RESUMED = {"epochs": 2, "deep_supervision": True, "positive_share": 0.6, "ema": 0.9}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that nothing stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder, **RESUMED)
    return bits(folder)


@pytest.mark.parametrize("moment", [2, 4])
def test_stopped_anywhere_it_goes_on_with_the_same_bits(tmp_path, monkeypatch, whole, moment):
    step, steps = Segmenter.training_step, []

    def stopping(self, batch, batch_idx):
        steps.append(batch_idx)
        if len(steps) == moment:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(Segmenter, "training_step", stopping)
        with pytest.raises(StoppedError, match="--resume"):
            train(tmp_path / "stopped", **RESUMED)
    train(tmp_path / "stopped", resume=True, **RESUMED)
    assert bits(tmp_path / "stopped") == whole


def test_a_joint_network_answers_masks_and_classes(tmp_path):
    drawn = Drawn(("a", "b"))
    fitted = train(tmp_path, drawn, epochs=1, with_class=True, deep_supervision=True)
    masks, classes, _ = fitted.network.forward_all(torch.zeros(2, fitted.network.in_channels, SIDE, SIDE))
    assert masks.shape == (2, 3, SIDE, SIDE)
    assert classes.shape == (2, 2)
    assert fitted.classes == ("a", "b")
    assert fitted.mask_classes.names == ("a", "b")


def test_patches_are_smaller_than_images_and_a_budget_holds_a_step(tmp_path):
    with pytest.raises(UsageError, match="patch_size is 32, and images have 32 pixels"):
        train(tmp_path / "a", patch_size=32)
    with pytest.raises(UsageError, match="the budget is too short"):
        train(tmp_path / "b", budget="0.001s")
    with pytest.raises(UsageError, match="patch_size is 20; unet needs a multiple of 16"):
        train(tmp_path / "c", patch_size=20)


def test_nothing_marked_is_told(tmp_path):
    drawn = Drawn()
    drawn.areas[:TRAIN] = 0
    with pytest.raises(DataError, match="nothing is marked in any of the 24 training images"):
        train(tmp_path, drawn)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mixup": 0.2}, "--mixup"),
        ({"loss": "focal"}, "--mask-loss"),
        ({"sampler": "balanced"}, "--positive-share"),
        ({"recipe": "head"}, "--recipe head"),
        ({"class_weights": "none"}, "--with-class"),
        ({"find_rate": True}, "--find-rate"),
    ],
)
def test_options_of_classifiers_are_refused(tmp_path, options, told):
    with pytest.raises(UsageError) as caught:
        train(tmp_path, **options)
    assert told in str(caught.value)
