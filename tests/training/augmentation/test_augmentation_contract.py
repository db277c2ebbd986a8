"""Every policy through one battery, in every form that a batch can have."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from drawn_by_hand import letter_f
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.training.augmentation import POLICIES, Policy, apply, draw

ALL = [pytest.param(policy, id=name) for name, policy in POLICIES.items()]
NO_MIRROR = [
    pytest.param(POLICIES[name], id=name) for name in ("brain-mri", "chest-xray", "ct", "retina", "none")
]
EVERYTHING = Policy(
    name="everything", mirror_left_right=True, mirror_up_down=True, quarter_turns=True, rotation_deg=20.0,
    shift=0.1, scale=0.2, gamma=0.3, contrast=0.2, brightness=0.2, window=0.1, saturation=0.3,
    white_balance=0.1, hue_deg=20.0, stain=0.2, bias_field=0.4, noise=0.05, noise_kind="magnitude",
    erasing=0.5,
)  # fmt: skip
NAMED = [*ALL, pytest.param(EVERYTHING, id="everything")]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", NAMED)
def test_shape_type_layout_and_range_are_kept(policy, channels):
    images = torch.cat([torch.zeros(1, channels, 16, 16), torch.ones(1, channels, 16, 16),
                        torch.rand(10, channels, 16, 16)])  # fmt: skip
    before = images.clone()
    drawn = draw(0, 0, np.arange(12), policy)
    result = apply(images, drawn)
    assert torch.equal(images, before)
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.is_contiguous()
    assert result.isfinite().all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("policy", NAMED)
def test_bf16_and_channels_last_give_the_same_images_in_their_own_form(policy):
    images = torch.rand(6, 3, 16, 16).bfloat16()
    drawn = draw(1, 2, np.arange(6), policy)
    exact = apply(images.float(), drawn)
    rounded = apply(images, drawn)
    assert rounded.dtype == torch.bfloat16
    assert torch.equal(rounded, exact.bfloat16())
    last = apply(images.float().contiguous(memory_format=torch.channels_last), drawn)
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("policy", NAMED)
def test_an_images_result_does_not_depend_on_the_batch_it_comes_in(policy):
    images = torch.rand(9, 3, 16, 16)
    together = apply(images, draw(3, 4, np.arange(9), policy))
    order = np.array([7, 2, 5])
    some = apply(images[order], draw(3, 4, order, policy))
    torch.testing.assert_close(some, together[order], rtol=0, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 10**6), st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_a_draw_is_a_function_of_seed_epoch_and_number(seed, epoch, numbers):
    numbers = np.array(numbers, dtype=np.int64)
    together = draw(seed, epoch, numbers, EVERYTHING)
    for row in range(len(numbers)):
        alone, taken = draw(seed, epoch, numbers[row : row + 1], EVERYTHING), together.take(np.array([row]))
        for field in fields(taken):
            assert np.array_equal(getattr(alone, field.name), getattr(taken, field.name)), field.name


def test_seed_epoch_and_number_each_change_every_parameter():
    numbers = np.arange(64)
    first = draw(0, 0, numbers, EVERYTHING)
    others = [
        draw(1, 0, numbers, EVERYTHING),
        draw(0, 1, numbers, EVERYTHING),
        draw(0, 0, numbers + 64, EVERYTHING),
    ]
    for other in others:
        for field in fields(first):
            if isinstance(getattr(first, field.name), np.ndarray):
                assert not np.array_equal(getattr(first, field.name), getattr(other, field.name)), field.name


@pytest.mark.parametrize("policy", NAMED)
def test_draws_stay_within_their_ranges_and_come_near_their_ends(policy):
    drawn = draw(0, 0, np.arange(4000), policy)
    ranges = {
        "rotation_deg": (-policy.rotation_deg, policy.rotation_deg),
        "shift_x": (-policy.shift, policy.shift), "shift_y": (-policy.shift, policy.shift),
        "scale": (1 - policy.scale, 1 + policy.scale),
        "gamma": (-policy.gamma, policy.gamma),
        "contrast": (1 - policy.contrast, 1 + policy.contrast),
        "brightness": (1 - policy.brightness, 1 + policy.brightness),
        "window_low": (-policy.window, policy.window), "window_high": (1 - policy.window, 1 + policy.window),
        "saturation": (1 - policy.saturation, 1 + policy.saturation),
        "hue_deg": (-policy.hue_deg, policy.hue_deg),
        "red": (1 - policy.white_balance, 1 + policy.white_balance),
        "blue": (1 - policy.white_balance, 1 + policy.white_balance),
        "haematoxylin": (1 - policy.stain, 1 + policy.stain), "eosin": (1 - policy.stain, 1 + policy.stain),
        "noise": (0, policy.noise),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        values = getattr(drawn, name) if name != "gamma" else np.log(drawn.gamma)
        slack = 0.02 * (high - low) + 1e-6
        assert low - 1e-6 <= values.min() <= low + slack, name
        assert high - slack <= values.max() <= high + 1e-6, name
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low) + 1e-6), name
    largest = np.abs(drawn.field).sum(axis=1)
    assert largest.max() == pytest.approx(policy.bias_field, rel=0.02)
    assert largest.mean() == pytest.approx(policy.bias_field / 2, rel=0.05)
    for name in ("mirror_left_right", "mirror_up_down"):
        assert getattr(drawn, name).mean() == pytest.approx(0.5 * getattr(policy, name), abs=0.04)
    shares = np.bincount(drawn.quarter_turns, minlength=4) / 4000
    assert shares == pytest.approx([0.25] * 4 if policy.quarter_turns else [1, 0, 0, 0], abs=0.04)
    assert (drawn.erased[:, 2] > 0).mean() == pytest.approx(policy.erasing, abs=0.04)


@pytest.mark.parametrize("policy", NAMED)
def test_no_part_goes_with_another(policy):
    drawn = draw(5, 0, np.arange(3000), policy)
    names = [f.name for f in fields(drawn) if f.name not in ("field", "erased", "noise_kind", "outside")]
    columns = [getattr(drawn, name).reshape(3000, -1) for name in names]
    table = np.concatenate([column.astype(float) for column in columns], axis=1)
    table = table[:, table.std(axis=0) > 1e-9]
    off_diagonal = np.corrcoef(table, rowvar=False) - np.eye(table.shape[1])
    assert np.abs(off_diagonal).max() < 0.08


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_strength_scales_the_ranges(strength):
    numbers = np.arange(50)
    plain = draw(0, 0, numbers, POLICIES["brain-mri"])
    strong = draw(0, 0, numbers, POLICIES["brain-mri"], strength=np.full(50, strength))
    np.testing.assert_allclose(strong.rotation_deg, strength * plain.rotation_deg, rtol=1e-6)
    np.testing.assert_allclose(strong.contrast - 1, strength * (plain.contrast - 1), atol=1e-6)
    np.testing.assert_allclose(strong.noise, strength * plain.noise, rtol=1e-6)
    images = torch.rand(50, 1, 8, 8)
    assert torch.equal(apply(images, strong), images) == (strength == 0)


def test_a_strength_that_is_none_is_refused():
    with pytest.raises(ValueError, match="from 0 to 3; got 1 to 9"):
        draw(0, 0, np.arange(2), POLICIES["brain-mri"], strength=np.array([1.0, 9.0]))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", NAMED)
def test_with_zero_parameters_it_is_the_identity_bit_for_bit(policy, channels):
    still = Policy(name=policy.name, outside=policy.outside, noise_kind=policy.noise_kind)
    images = torch.rand(5, channels, 17, 23)
    assert torch.equal(apply(images, draw(0, 0, np.arange(5), still)), images)


def test_an_image_that_is_not_changed_stays_as_it_is_beside_one_that_is():
    images = torch.rand(2, 1, 16, 16)
    drawn = draw(0, 0, np.arange(2), EVERYTHING, strength=np.array([0.0, 1.0]))
    calm = replace(drawn, mirror_left_right=np.array([False, True]), mirror_up_down=np.array([False, True]),
                   quarter_turns=np.array([0, 1]), erased=np.zeros((2, 4), np.float32))  # fmt: skip
    result = apply(images, calm)
    assert torch.equal(result[0], images[0])
    assert not torch.allclose(result[1], images[1], atol=0.02)


@pytest.mark.parametrize("policy", NO_MIRROR)
def test_a_policy_that_promises_no_mirror_never_mirrors(policy):
    """The result looks more like the letter than like any of its seven mirrors and turns."""
    drawn = draw(0, 0, np.arange(500), policy)
    assert not drawn.mirror_left_right.any()
    assert not drawn.mirror_up_down.any()
    assert not drawn.quarter_turns.any()
    letter = letter_f()
    variants = [
        torch.rot90(side, turns, (-2, -1)) for side in (letter, letter.flip(-1)) for turns in range(4)
    ]
    result = apply(letter.expand(500, -1, -1, -1), drawn).flatten(1)
    templates = torch.stack([variant.flatten() for variant in variants])
    likeness = torch.corrcoef(torch.cat([templates, result]))[8:, :8]
    assert (likeness.argmax(1) == 0).all()


@pytest.mark.parametrize("policy", ALL)
def test_copied_grey_stays_grey_unless_colour_is_meant(policy):
    images = torch.rand(8, 1, 16, 16).expand(-1, 3, -1, -1)
    result = apply(images, draw(0, 0, np.arange(8), policy))
    spread = (result.amax(1) - result.amin(1)).max()
    if policy.white_balance or policy.stain:
        assert spread > 0.01
    else:
        assert spread < 1e-5


@pytest.mark.parametrize("policy", ALL)
def test_every_policy_but_none_changes_its_images(policy):
    images = torch.rand(8, 3, 16, 16)
    same = torch.equal(apply(images, draw(0, 0, np.arange(8), policy)), images)
    assert same == (policy.name == "none") == policy.changes_nothing


def test_what_is_no_batch_of_images_is_refused():
    drawn = draw(0, 0, np.arange(2), POLICIES["none"])
    with pytest.raises(ValueError, match="3 images and parameters of 2"):
        apply(torch.rand(3, 1, 8, 8), drawn)
    with pytest.raises(ValueError, match=r"expected floating .* got torch.uint8"):
        apply(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), drawn)
