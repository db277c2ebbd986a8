import pytest
import torch

from gyrus.config.stages import Stage
from gyrus.errors import UsageError
from gyrus.models import build
from gyrus.training import fit
from gyrus.training.batches import CachedPixels
from gyrus.training.progressive import check_sides, shrink, side_of, sides_of


@pytest.mark.parametrize(("epochs", "whole"), [(1, 224), (2, 224), (12, 224), (30, 512), (5, 32)])
def test_sides_grow_from_half_to_the_whole(epochs, whole):
    sides = [side_of(epoch, epochs, whole) for epoch in range(epochs)]
    assert sides == sorted(sides)
    assert all(whole / 2 <= side <= whole for side in sides)
    if epochs > 2:
        assert sides[-1] == whole
        assert sides[0] < whole or whole <= 32


def test_shrinking_keeps_the_mean_and_does_not_alias():
    stripes = torch.zeros(1, 1, 64, 64)
    stripes[..., ::2] = 1.0  # every other column: what aliases shows as stripes or as a flat 0 or 1
    small = shrink(stripes, 32)
    assert small.shape == (1, 1, 32, 32)
    assert (small[..., 2:-2] - 0.5).abs().max() < 0.05
    assert shrink(stripes, None) is stripes
    assert shrink(stripes, 64) is stripes


def test_the_first_epochs_see_small_images_and_every_validation_whole_ones(
    bar_data, run, config, monkeypatch
):
    from gyrus.training import progressive

    monkeypatch.setattr(progressive, "_STEP_PX", 8)
    seen = {"train": [], "val": []}
    whole = CachedPixels.on_after_batch_transfer

    def spy(self, batch, index):
        images, labels = whole(self, batch, index)
        split = "train" if self.trainer.training else "val"
        seen[split].append(images.shape[-1])
        return images, labels

    monkeypatch.setattr(CachedPixels, "on_after_batch_transfer", spy)
    fit(*bar_data, config(epochs=4, progressive=True, patience=None), run, progress=False)
    assert seen["train"] == [16] * 3 + [24] * 3 + [32] * 6
    assert set(seen["val"]) == {32}


def test_a_stage_may_have_a_size_of_its_own():
    stage = Stage(name="s", free=("all",), epochs=3, image_size=160)
    assert sides_of(stage, 224, progressive=False) == (160, 160, 160)
    assert max(sides_of(stage, 224, progressive=True)) == 160


def test_sizes_that_cannot_be_are_refused_before_the_first_stage():
    stage = Stage(name="late", free=("all",), epochs=1)
    cnn = build("improved_cnn", num_classes=2, image_size=64)
    with pytest.raises(UsageError, match="'late' asks for images of 96 pixels; the cache holds 64"):
        check_sides(cnn, stage, [96], 64)
    with pytest.raises(UsageError, match="8 pixels, which improved_cnn does not take"):
        check_sides(cnn, stage, [8], 64)
    fixed = build("simple_cnn", num_classes=2, image_size=64)
    with pytest.raises(UsageError, match="32 pixels, which simple_cnn does not take"):
        check_sides(fixed, stage, [32, 64], 64)
    check_sides(fixed, stage, [64], 64)
