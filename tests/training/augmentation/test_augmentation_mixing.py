import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gyrus.config.augmenting import AugmentationOptions
from gyrus.training.augmentation import apply_mixed, draw_mixed, mix, soft_targets
from gyrus.training.augmentation.mixing import Mixed

MIXUP, CUTMIX = AugmentationOptions(mixup=0.4), AugmentationOptions(cutmix=1.0)
BOTH = AugmentationOptions(mixup=0.4, cutmix=1.0)


def batch(n=6, side=12):
    return torch.rand(n, 3, side, side), soft_targets(torch.arange(n) % 3, 3)


def test_soft_targets_are_one_hot():
    assert soft_targets(torch.tensor([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_without_alphas_nothing_is_mixed():
    images, targets = batch()
    mixed, soft = mix(images, targets, 0, 0, 0, AugmentationOptions())
    assert mixed is images
    assert soft is targets


@pytest.mark.parametrize("options", [MIXUP, CUTMIX, BOTH], ids=["mixup", "cutmix", "both"])
def test_targets_still_add_up_to_one_and_the_inputs_stay(options):
    images, targets = batch()
    before = images.clone(), targets.clone()
    for step in range(6):
        mixed, soft = mix(images, targets, 0, 1, step, options)
        assert mixed.shape == images.shape
        torch.testing.assert_close(soft.sum(1), torch.ones(6))
        assert soft.min() >= 0
    assert torch.equal(images, before[0])
    assert torch.equal(targets, before[1])


@pytest.mark.parametrize("options", [MIXUP, CUTMIX, BOTH], ids=["mixup", "cutmix", "both"])
def test_mixing_is_a_function_of_seed_epoch_and_step(options):
    images, targets = batch()
    first = mix(images, targets, 1, 2, 3, options)
    again = mix(images, targets, 1, 2, 3, options)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    for other in ((0, 2, 3), (1, 0, 3), (1, 2, 0)):
        assert not torch.equal(first[0], mix(images, targets, *other, options)[0])


def test_mixup_is_the_weighted_mean_of_images_and_targets():
    images, targets = batch(2)
    drawn = Mixed("mixup", np.array([1, 0]), np.array([0.75, 1.0], np.float32), np.zeros((2, 4), np.int64))
    mixed, soft = apply_mixed(images, targets, drawn)
    torch.testing.assert_close(mixed[0], 0.75 * images[0] + 0.25 * images[1])
    torch.testing.assert_close(soft[0], torch.tensor([0.75, 0.25, 0.0]))
    torch.testing.assert_close(mixed[1], images[1])


def test_cutmix_pastes_the_partners_rectangle_and_shares_the_target_by_area():
    images, targets = batch(4)
    drawn = draw_mixed(0, 0, 7, 4, 12, 12, CUTMIX)
    mixed, soft = apply_mixed(images, targets, drawn)
    for row, (top, bottom, left, right) in enumerate(drawn.boxes):
        expected = images[row].clone()
        expected[:, top:bottom, left:right] = images[drawn.partner[row], :, top:bottom, left:right]
        assert torch.equal(mixed[row], expected)
        share = (bottom - top) * (right - left) / 144
        torch.testing.assert_close(
            soft[row], (1 - share) * targets[row] + share * targets[drawn.partner[row]]
        )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**63), st.integers(1, 40), st.integers(1, 60), st.integers(1, 60))
def test_boxes_lie_in_the_picture_and_partners_in_the_batch(seed, count, height, width):
    drawn = draw_mixed(seed, 0, 0, count, height, width, CUTMIX)
    top, bottom, left, right = drawn.boxes.T
    assert ((top >= 0) & (top <= bottom) & (bottom <= height)).all()
    assert ((left >= 0) & (left <= right) & (right <= width)).all()
    assert sorted(drawn.partner.tolist()) == list(range(count))
    assert ((drawn.kept >= 0) & (drawn.kept <= 1)).all()


def test_what_is_kept_has_its_beta_distribution():
    kept = np.concatenate([draw_mixed(0, 0, step, 64, 8, 8, MIXUP).kept for step in range(40)])
    assert stats.kstest(kept, "beta", args=(0.4, 0.4)).pvalue > 1e-3


def test_with_both_each_step_takes_one_as_often_as_the_other():
    kinds = [draw_mixed(0, 0, step, 2, 8, 8, BOTH).kind for step in range(400)]
    assert kinds.count("mixup") / 400 == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("options", [MIXUP, CUTMIX], ids=["mixup", "cutmix"])
def test_a_batch_of_one_is_mixed_with_itself(options):
    images, targets = batch(1)
    mixed, soft = mix(images, targets, 0, 0, 0, options)
    torch.testing.assert_close(mixed, images)
    torch.testing.assert_close(soft, targets)


def test_bf16_is_mixed_in_bf16():
    images, targets = batch()
    mixed, soft = mix(images.bfloat16(), targets, 0, 0, 0, MIXUP)
    assert mixed.dtype == torch.bfloat16
    assert soft.dtype == torch.float32
    exact, _ = mix(images, targets, 0, 0, 0, MIXUP)
    torch.testing.assert_close(mixed.float(), exact, rtol=0, atol=0.02)
