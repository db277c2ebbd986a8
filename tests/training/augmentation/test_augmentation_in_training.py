import numpy as np
import pytest
import torch

from gyrus.config.augmenting import AugmentationOptions
from gyrus.training import fit
from gyrus.training.augmentation import POLICIES, mixing_of
from gyrus.training.batches import CachedPixels, Look, SplitPixels


class Loop:
    """As much of a trainer as batches ask for."""

    current_epoch = 0

    def __init__(self, training):
        self.training = training


def batches_of(bar_data, training, **options):
    manifest, pixels = bar_data
    look = Look(
        mean=(0.0,), std=(1.0,), policy=POLICIES["none"], channels_last=False,
        mixing=mixing_of(AugmentationOptions(**options), 3),
    )  # fmt: skip
    train, val = SplitPixels(manifest, "train", pixels), SplitPixels(manifest, "val", pixels)
    data = CachedPixels(train, val, look=look, batch_size=8, seed=0)
    data.trainer = Loop(training)
    return data, train


def test_training_batches_are_mixed_and_bring_shares_of_classes(bar_data):
    data, train = batches_of(bar_data, training=True, mixup=1.0)
    batch = train[np.arange(8)]
    images, targets = data.on_after_batch_transfer(batch, 0)
    assert targets.shape == (8, 3)
    torch.testing.assert_close(targets.sum(1), torch.ones(8))
    assert targets.max(1).values.min() < 0.95
    again, _ = data.on_after_batch_transfer(batch, 0)
    assert torch.equal(images, again)
    other, _ = data.on_after_batch_transfer(train[np.array([40, *range(1, 8)])], 0)
    assert not torch.allclose(other[1:], images[1:])


@pytest.mark.parametrize(("training", "options"), [(False, {"mixup": 1.0}), (True, {})])
def test_validation_batches_and_batches_without_alphas_are_not_mixed(bar_data, training, options):
    data, train = batches_of(bar_data, training, **options)
    images, targets = data.on_after_batch_transfer(train[np.arange(8)], 0)
    assert torch.equal(targets, torch.from_numpy(train.labels[:8]))
    assert images.shape == (8, 1, 32, 32)


def test_a_training_with_everything_learns_and_says_its_doubts(bar_data, config, run, caplog):
    options = {
        "augmentation": "chest-xray", "flips": True, "mixup": 0.2, "cutmix": 1.0, "erasing": 0.25,
        "epochs": 4,
    }  # fmt: skip
    with caplog.at_level("INFO", logger="gyrus"):
        fitted = fit(*bar_data, config(**options), run, progress=False)
    assert "a mirrored chest has its heart on the right" in caplog.text
    assert max(row["val_accuracy"] for row in fitted.history) > 0.6
