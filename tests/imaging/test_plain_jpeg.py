"""The short way through common JPEG files gives the very pixels of Pillow's usual one, or stands aside."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging import decode, pixel_hash, plain_jpeg
from gyrus.imaging.limits import Limits
from gyrus.imaging.plain_jpeg import decode_plain, plain_header

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZES = [(1, 1), (7, 9), (8, 8), (16, 17), (40, 75)]


def stored(pixels: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def usual(data: bytes) -> np.ndarray:
    """Return the pixels by Pillow's usual way; grey where the channels are equal."""
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    grey = pixels.ndim == 3 and (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0] if grey else pixels


def picture(size: tuple[int, int], kind: str) -> np.ndarray:
    random = np.random.default_rng(sum(size))
    grey = np.array(Image.fromarray(random.integers(0, 256, (5, 5), np.uint8)).resize(size[::-1]))
    if kind == "grey":
        return grey
    colours = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if kind == "colour":
        colours[:, :, 0] = grey[::-1]
    elif kind == "nearly grey":
        colours = np.clip(colours + random.integers(-1, 2, colours.shape), 0, 255).astype(np.uint8)
    elif kind == "one pixel":
        colours[-1, -1] = (200, 30, 30)
    elif kind == "blue in black":  # chroma that shows in no channel where the luma is 0
        colours[:] = 0
        colours[:, :, 2] = random.integers(0, 3, size)
    return colours


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "kind", ["grey", "grey as colour", "colour", "nearly grey", "one pixel", "blue in black"]
)
def test_the_pixels_are_those_of_pillow(size: tuple[int, int], kind: str) -> None:
    pixels = picture(size, kind)
    subsamplings = [{}] if kind == "grey" else [{"subsampling": number} for number in range(3)]
    for quality, optimize, subsampling in itertools.product((10, 75, 100), (False, True), subsamplings):
        data = stored(pixels, quality=quality, optimize=optimize, **subsampling)
        header = plain_header(data)
        assert header is not None
        found = decode_plain(data, header)
        np.testing.assert_array_equal(found, usual(data))
        assert (header.height, header.width, header.components) == (*size, 1 if kind == "grey" else 3)
        if kind == "grey as colour":
            assert header.proves_grey is optimize


@pytest.mark.parametrize(("mode", "kind"), [("L", "grey"), ("RGB", "grey as colour"), ("RGB", "colour")])
def test_decode_takes_it_and_says_the_same(mode: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = stored(picture((40, 75), kind), optimize=True)
    short = decode(data, name="x")
    assert short.header_bytes is not None
    assert data[: short.header_bytes].count(b"\xff\xda") == 1
    monkeypatch.setattr("gyrus.imaging.decoding.plain_header", lambda data: None)
    long = decode(data, name="x")
    assert (
        (short.format, short.mode, short.notes) == (long.format, long.mode, long.notes) == ("JPEG", mode, ())
    )
    assert pixel_hash(short.pixels) == pixel_hash(long.pixels)


@pytest.mark.parametrize(
    "options",
    [{"progressive": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}, {"comment": "Screenshot"},
     {"icc_profile": b"p" * 200}],
)  # fmt: skip
def test_it_stands_aside_for_the_uncommon(options: dict[str, Any]) -> None:
    data = stored(picture((40, 75), "colour"), **options)
    assert plain_header(data) is None
    np.testing.assert_array_equal(decode(data, name="x").pixels, usual(data))


def test_it_stands_aside_for_a_missing_end_and_other_formats() -> None:
    data = stored(picture((40, 75), "colour"))
    assert plain_header(data[:-2]) is None
    assert plain_header(data[:700]) is None
    assert plain_header(b"") is None
    stream = io.BytesIO()
    Image.fromarray(picture((40, 75), "colour")).convert("CMYK").save(stream, "JPEG")
    assert plain_header(stream.getvalue()) is None


def test_a_header_that_lies_about_the_size_is_held_to_the_limits() -> None:
    data = bytearray(stored(picture((40, 75), "grey")))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match="the limit is"):
        decode(bytes(data), name="x", limits=Limits(max_pixels=10_000))


def test_a_pillow_that_copies_before_it_writes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = stored(picture((40, 75), "grey"))
    header = plain_header(data)
    assert header is not None

    def elsewhere(self: Image.Image, *arguments: Any) -> None:
        self.im = self.im.copy()

    plain_jpeg._decodes_into_memory.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "frombytes", elsewhere)
        assert decode_plain(data, header) is None
    plain_jpeg._decodes_into_memory.cache_clear()
    np.testing.assert_array_equal(decode_plain(data, header), usual(data))


SOUND = {
    kind: stored(picture((40, 75), kind), optimize=optimize, subsampling=0)
    for kind, optimize in (("grey as colour", True), ("grey as colour", False), ("colour", False))
}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SOUND)),
    st.lists(st.tuples(st.integers(2, 10**6), st.integers(0, 255)), max_size=4),
)
def test_damaged_files_have_the_pixels_of_pillow_too(kind: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SOUND[kind])
    for place, value in changes:
        data[2 + place % (len(data) - 4)] = value
    header = plain_header(bytes(data))
    if header is None or header.width * header.height > 10**6:
        return
    found = decode_plain(bytes(data), header)
    if found is not None:
        np.testing.assert_array_equal(found, usual(bytes(data)))


@pytest.mark.parametrize("name", ["sartaj", "yesno", "cheng/images"])
def test_public_sets_have_the_pixels_of_pillow(name: str) -> None:
    files = sorted((DATA / name).rglob("*.jp*g"))[::40]
    if not files:
        pytest.skip(f"no data at {DATA / name}")
    taken = 0
    for path in files:
        data = path.read_bytes()
        header = plain_header(data)
        if header is None:
            continue
        taken += 1
        np.testing.assert_array_equal(decode_plain(data, header), usual(data))
    assert taken > len(files) / 2
