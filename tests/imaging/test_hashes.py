"""Hashes: what is the same has the same hash, what differs does not."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gyrus.imaging import byte_hash, decode, perceptual_hash, pixel_hash
from gyrus.imaging.look import look

images = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def brainlike(seed: int = 0, side: int = 128) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9), dtype=np.uint8))
    return np.array(coarse.resize((side, side), Image.Resampling.BICUBIC))


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_byte_hash_is_sha256() -> None:
    assert byte_hash(b"abc") == hashlib.sha256(b"abc").hexdigest()


@given(images)
def test_a_grey_image_stored_as_rgb_is_the_same_image(grey: np.ndarray) -> None:
    assert pixel_hash(np.stack([grey] * 3, axis=2)) == pixel_hash(grey) == pixel_hash(grey[:, :, np.newaxis])


@given(images, st.data())
def test_one_grey_level_changes_the_pixel_hash(grey: np.ndarray, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, grey.shape[0] - 1))
    column = data.draw(st.integers(0, grey.shape[1] - 1))
    other = grey.copy()
    other[row, column] ^= 1
    assert pixel_hash(other) != pixel_hash(grey)


def test_shape_type_and_colour_count() -> None:
    flat = np.zeros((4, 6), np.uint8)
    hashes = {
        pixel_hash(flat), pixel_hash(flat.reshape(6, 4)), pixel_hash(flat.astype(np.uint16)),
        pixel_hash(np.stack([flat, flat, flat + 1], axis=2)),
    }  # fmt: skip
    assert len(hashes) == 4


def test_memory_layout_and_byte_order_do_not_count() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert pixel_hash(np.asfortranarray(pixels)) == pixel_hash(pixels)
    assert pixel_hash(pixels.astype(">u2")) == pixel_hash(pixels)


def test_the_same_picture_in_four_containers_has_one_pixel_hash() -> None:
    picture = Image.fromarray(brainlike())
    hashes, bytes_seen = set(), set()
    for image_format, options in [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})]:
        buffer = io.BytesIO()
        picture.save(buffer, format=image_format, **options)
        bytes_seen.add(byte_hash(buffer.getvalue()))
        hashes.add(pixel_hash(decode(buffer.getvalue(), name="x").pixels))
    assert len(bytes_seen) == 4
    assert len(hashes) == 1


def test_perceptual_hash_survives_reencoding_and_resizing() -> None:
    original = brainlike()
    buffer = io.BytesIO()
    Image.fromarray(original).save(buffer, format="JPEG", quality=50)
    reencoded = decode(buffer.getvalue(), name="x").pixels
    smaller = np.array(Image.fromarray(original).resize((90, 90), Image.Resampling.BILINEAR))
    assert distance(perceptual_hash(original), perceptual_hash(reencoded)) <= 4
    assert distance(perceptual_hash(original), perceptual_hash(smaller)) <= 4


def test_perceptual_hash_tells_pictures_apart() -> None:
    hashes = [perceptual_hash(brainlike(seed)) for seed in range(12)]
    distances = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 10
    assert distance(perceptual_hash(brainlike()), perceptual_hash(np.fliplr(brainlike()))) > 10


def test_perceptual_hash_has_16_digits_and_takes_both_shapes() -> None:
    picture = brainlike()
    assert len(perceptual_hash(picture)) == 16
    assert perceptual_hash(picture[:, :, np.newaxis]) == perceptual_hash(picture)


@pytest.mark.parametrize("value", [0, 17, 255])
def test_flat_images_of_any_grey_look_alike(value: int) -> None:
    flat = np.full((40, 40), value, np.uint8)
    expected = "0" * 16 if value == 0 else "8" + "0" * 15
    assert perceptual_hash(flat) == expected


def test_the_transform_is_the_cosine_transform_of_scipy() -> None:
    fft = pytest.importorskip("scipy.fft")
    small = look(brainlike()).astype(float)
    low = fft.dctn(small, type=2)[:8, :8].ravel()
    bits = low > np.median(low[1:])
    assert perceptual_hash(brainlike()) == np.packbits(bits).tobytes().hex()
