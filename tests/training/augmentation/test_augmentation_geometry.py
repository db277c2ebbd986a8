import numpy as np
import pytest
import torch
from drawn_by_hand import blob, fixed, letter_f
from scipy import ndimage
from torch.nn import functional

from gyrus.errors import UsageError
from gyrus.training.augmentation import POLICIES, apply, draw
from gyrus.training.augmentation.geometry import landing_places, moved, sampling_matrices


def centre(image):
    return np.array(ndimage.center_of_mass(image[0, 0].numpy()))


@pytest.mark.parametrize(("name", "axis"), [("shift_x", 1), ("shift_y", 0)])
def test_a_shift_moves_right_and_down(name, axis):
    expected = np.array([32.0, 32.0])
    expected[axis] += 8
    assert centre(apply(blob(32, 32), fixed(**{name: 0.125}))) == pytest.approx(expected, abs=0.05)


def test_a_rotation_turns_counter_clockwise_about_the_centre():
    # a point right of the centre goes up
    assert centre(apply(blob(31.5, 47.5), fixed(rotation_deg=90))) == pytest.approx([15.5, 31.5], abs=0.05)


def test_a_rotation_is_a_rotation_in_pictures_that_are_not_square():
    image = torch.zeros(1, 1, 40, 80)
    image[0, 0, :, 20:60] = blob(19.5, 29.5)[0, 0, :40, :40]
    assert centre(apply(image, fixed(rotation_deg=90))) == pytest.approx([9.5, 39.5], abs=0.1)


def test_scaling_enlarges_about_the_centre():
    result = apply(blob(31.5, 41.5), fixed(scale=1.5))
    assert centre(result) == pytest.approx([31.5, 46.5], abs=0.05)
    assert result.sum() == pytest.approx(float(blob(31.5, 41.5).sum()) * 1.5**2, rel=0.02)


def test_rotation_equals_scipys():
    image = ndimage.gaussian_filter(np.random.default_rng(0).random((65, 65)), 3).astype(np.float32)
    ours = apply(torch.from_numpy(image)[None, None], fixed(rotation_deg=11.0))[0, 0].numpy()
    theirs = ndimage.rotate(image, 11.0, reshape=False, order=1)
    inside = slice(12, -12)
    assert np.abs(ours - theirs)[inside, inside].max() < 2e-3


def test_the_grid_is_torchs():
    images = torch.rand(6, 1, 24, 40)
    drawn = draw(0, 0, np.arange(6), POLICIES["brain-mri"])
    grid = functional.affine_grid(
        torch.from_numpy(sampling_matrices(drawn, 24, 40)), [6, 1, 24, 40], align_corners=False
    )
    theirs = functional.grid_sample(images, grid, align_corners=False)
    torch.testing.assert_close(moved(images, drawn), theirs, rtol=0, atol=1e-4)


def test_what_comes_in_from_outside_is_black_or_the_pictures_mirror():
    white = torch.ones(1, 1, 40, 40)
    black = apply(white, fixed(shift_x=0.25))
    assert black[0, 0, :, :9].max() == 0
    assert black[0, 0, :, 11:].min() == pytest.approx(1)
    assert apply(white, fixed(shift_x=0.25, outside="mirror")).min() == pytest.approx(1)


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("left_right", [False, True])
@pytest.mark.parametrize("up_down", [False, True])
def test_mirrors_and_quarter_turns_are_numpys_to_the_bit(turns, left_right, up_down):
    images = torch.rand(3, 3, 9, 9)
    drawn = fixed(3, quarter_turns=turns, mirror_left_right=left_right, mirror_up_down=up_down)
    expected = images.numpy()
    expected = expected[..., ::-1] if left_right else expected
    expected = expected[..., ::-1, :] if up_down else expected
    assert np.array_equal(apply(images, drawn).numpy(), np.rot90(expected, turns, (-2, -1)))


def test_four_quarter_turns_are_none():
    letter, once = letter_f(), fixed(quarter_turns=1)
    result = letter
    for _ in range(4):
        result = apply(result, once)
    assert torch.equal(result, letter)
    assert torch.equal(apply(letter, once), torch.rot90(letter, 1, (-2, -1)))


def test_pathology_shows_all_eight_positions_and_moves_no_grey_value():
    drawn = draw(0, 0, np.arange(200), POLICIES["pathology"])
    letter = letter_f(16)
    result = apply(letter.expand(200, -1, -1, -1), drawn)
    seen = {image.numpy().tobytes() for image in result}
    assert len(seen) == 8
    assert all(torch.equal(image.flatten().sort().values, letter.flatten().sort().values) for image in result)


def test_quarter_turns_of_oblongs_are_refused_and_half_turns_not():
    images = torch.rand(1, 1, 8, 12)
    with pytest.raises(UsageError, match="quarter turns need square pictures; these are 12 x 8"):
        apply(images, fixed(quarter_turns=1))
    assert torch.equal(apply(images, fixed(quarter_turns=2)), images.flip(-1).flip(-2))


@pytest.mark.parametrize("number", range(6))
def test_a_point_lands_where_the_picture_shows_it(number):
    mirrors = {
        "mirror_left_right": number % 2 == 1,
        "mirror_up_down": number > 2,
        "quarter_turns": number % 4,
    }
    drawn = fixed(**mirrors, rotation_deg=9.0 * number, shift_x=0.05, shift_y=-0.1, scale=1.1)
    shown = centre(apply(blob(28, 38), drawn))
    point = np.array([[(2 * 38 + 1) / 64 - 1, (2 * 28 + 1) / 64 - 1]])
    x, y = (landing_places(point, drawn, 0, 64, 64)[0] + 1) * 32 - 0.5
    assert [y, x] == pytest.approx(shown, abs=0.1)
