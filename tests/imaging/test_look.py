"""Looks: small pictures that copies share, and their frequencies in eight orientations."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gyrus.imaging.look import (
    LOOK_SIDE_PX,
    ORIENTATIONS,
    coarse,
    firm_signs,
    halved,
    look,
    look_hash,
    looks_of,
    low_frequencies,
    orient,
    orient_spectrum,
    orientation_name,
    spectrum,
    standardise,
)

Grey = npt.NDArray[np.uint8]


def brain(height: int, width: int, seed: int = 0) -> Grey:
    """Return a smooth blob picture with no symmetry, and texture."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    picture = np.zeros((height, width))
    for _ in range(12):
        y, x, size, level = rng.uniform([0.1, 0.1, 0.05, 40], [0.9, 0.9, 0.2, 120])
        picture += level * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / size**2)
    return (picture + rng.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8)


def alike(one: Grey, other: Grey) -> float:
    return float(np.sum(standardise(one[np.newaxis]) * standardise(other[np.newaxis])))


SIZES = [(64, 64), (256, 256), (512, 512), (300, 240), (201, 251), (630, 504), (40, 50), (1, 1), (3, 900)]


@pytest.mark.parametrize("size", SIZES)
def test_any_size_gives_64_by_64(size: tuple[int, int]) -> None:
    small = look(brain(*size))
    assert small.shape == (LOOK_SIDE_PX, LOOK_SIDE_PX)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, look(brain(*size)[:, :, np.newaxis]))


@pytest.mark.parametrize("size", SIZES[1:6])
@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_moved_image_has_the_moved_look(size: tuple[int, int], orientation: int) -> None:
    picture = brain(*size)
    moved = np.ascontiguousarray(orient(picture, orientation))
    assert alike(look(moved), orient(look(picture), orientation)) > 0.998  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES[1:6])
def test_copies_have_nearly_the_same_look(size: tuple[int, int]) -> None:
    picture = brain(*size)
    image = Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    copies = {
        "half": image.resize((size[1] // 2, size[0] // 2), Image.Resampling.BILINEAR),
        "224": image.resize((224, 224), Image.Resampling.LANCZOS),
        "JPEG 60": Image.open(buffer),
        "contrast": image.point(lambda value: value * 0.8 + 15),
        "gamma": image.point(lambda value: 255 * (value / 255) ** 0.85),
    }
    found = {name: alike(look(np.asarray(copy)), look(picture)) for name, copy in copies.items()}
    assert min(found.values()) > 0.995, found


def test_strangers_do_not_look_alike() -> None:
    looks = [look(brain(200, 200, seed)) for seed in range(8)]
    assert max(alike(one, other) for n, one in enumerate(looks) for other in looks[:n]) < 0.9


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_the_spectrum_is_moved_with_the_picture_exactly(seed: int, orientation: int) -> None:
    looks = np.random.default_rng(seed).integers(0, 256, (3, 64, 64), np.uint8)
    moved = np.ascontiguousarray(orient(looks, orientation))
    np.testing.assert_allclose(
        orient_spectrum(spectrum(looks), orientation),
        spectrum(moved),
        atol=2e-6,  # type: ignore[arg-type]
    )


def test_the_spectrum_is_the_cosine_transform_of_scipy() -> None:
    fft = pytest.importorskip("scipy.fft")
    looks = np.stack([look(brain(128, 128, seed)) for seed in range(3)])
    full = fft.dctn(standardise(looks).astype(float), axes=(1, 2), norm="ortho")
    np.testing.assert_allclose(low_frequencies(looks, 64), full, atol=1e-6)
    np.testing.assert_allclose(np.square(full).sum(axis=(1, 2)), 1, atol=1e-5)
    kept = full[:, :12, :12]
    expected = kept / np.sqrt(np.square(kept).sum(axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(spectrum(looks), expected, atol=1e-6)


def test_a_blank_picture_is_like_nothing() -> None:
    blank = np.full((2, 64, 64), 17, np.uint8)
    assert not standardise(blank).any()
    assert not spectrum(blank).any()
    assert not firm_signs(blank, 160).any()


def test_firm_signs_are_those_of_the_largest_frequencies() -> None:
    looks = np.stack([look(brain(128, 128, seed)) for seed in range(3)])
    signs, size = firm_signs(looks, 160), np.abs(spectrum(looks, 16))
    assert signs.shape == (3, 16, 16)
    assert (np.abs(signs).sum(axis=(1, 2)) == 160).all()
    for one, frequencies in zip(signs, size, strict=True):
        assert frequencies[one != 0].min() >= frequencies[one == 0].max()
    stored = np.unpackbits(look_hash(looks), axis=1).reshape(3, 16, 16).astype(int) * 2 - 1
    assert (stored[signs != 0] == signs[signs != 0]).all()


def test_an_orientation_and_its_name() -> None:
    picture = np.arange(9).reshape(3, 3)
    moved = {orientation_name(number): orient(picture, number) for number in range(ORIENTATIONS)}
    assert len(moved) == len({moved_picture.tobytes() for moved_picture in moved.values()}) == 8
    np.testing.assert_array_equal(moved["mirrored left-right"], picture[:, ::-1])
    np.testing.assert_array_equal(moved["turned by 180°"], picture[::-1, ::-1])
    np.testing.assert_array_equal(moved["turned by a quarter clockwise"], np.rot90(picture, -1))
    np.testing.assert_array_equal(moved["turned by a quarter counter-clockwise"], np.rot90(picture))
    np.testing.assert_array_equal(moved["mirrored along the diagonal"], picture.T)


@pytest.mark.parametrize("seed", range(6))
def test_halved_is_pillows_bilinear_filter_to_the_grey_level(seed: int) -> None:
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 256, (5, 2 * random.integers(2, 40), 128), np.uint8)
    if seed % 2:  # the extremes
        pictures = np.where(pictures > 127, np.uint8(255), np.uint8(0))
    size = (pictures.shape[2] // 2, pictures.shape[1] // 2)
    expected = [Image.fromarray(one).resize(size, Image.Resampling.BILINEAR) for one in pictures]
    np.testing.assert_array_equal(halved(pictures), np.stack([np.asarray(one) for one in expected]))


def test_many_at_once_are_as_one_by_one() -> None:
    random = np.random.default_rng(0)
    sizes = [(512, 512), (256, 256), (128, 128), (256, 300), (90, 700), (1, 1), (128, 640)]
    images = [random.integers(0, 256, size, np.uint8) for size in sizes * 3]
    looks = looks_of([coarse(image) for image in images])
    np.testing.assert_array_equal(looks, np.stack([look(image) for image in images]))
    assert looks_of([]).shape == (0, 64, 64)
