"""Every colour mode and format decodes to what was stored; damage and bombs become one kind of error."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging import Limits, decode

RAMP = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)


def encoded(image: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=image_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("pixels", [RAMP, COLOUR], ids=["grey", "rgb"])
def test_lossless_formats_give_back_what_was_stored(image_format: str, pixels: np.ndarray) -> None:
    decoded = decode(encoded(Image.fromarray(pixels), image_format), name="x")
    np.testing.assert_array_equal(decoded.pixels, pixels)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.format == image_format
    assert decoded.notes == ()


def test_lossless_webp_gives_back_what_was_stored() -> None:
    decoded = decode(encoded(Image.fromarray(COLOUR), "WEBP", lossless=True), name="x")
    np.testing.assert_array_equal(decoded.pixels, COLOUR)
    assert decoded.format == "WEBP"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff(compression: str) -> None:
    decoded = decode(encoded(Image.fromarray(COLOUR), "TIFF", compression=compression), name="x")
    np.testing.assert_array_equal(decoded.pixels, COLOUR)


@pytest.mark.parametrize("pixels", [RAMP, COLOUR], ids=["grey", "rgb"])
def test_jpeg_comes_close(pixels: np.ndarray) -> None:
    smooth = np.array(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC))
    decoded = decode(encoded(Image.fromarray(smooth), "JPEG", quality=95, subsampling=0), name="x")
    assert decoded.pixels.shape == smooth.shape
    assert np.abs(decoded.pixels.astype(int) - smooth).mean() < 3


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_bits(image_format: str) -> None:
    pixels = (np.arange(48, dtype=np.uint16).reshape(6, 8) * 1111).astype(np.uint16)
    decoded = decode(encoded(Image.fromarray(pixels), image_format), name="x")
    assert decoded.pixels.dtype == np.uint16
    np.testing.assert_array_equal(decoded.pixels, pixels)


def test_big_endian_16_bit_tiff() -> None:
    pixels = (np.arange(48, dtype=np.uint16).reshape(6, 8) * 1111).astype(np.uint16)
    image = Image.frombytes("I;16B", (8, 6), pixels.astype(">u2").tobytes())
    decoded = decode(encoded(image, "TIFF"), name="x")
    np.testing.assert_array_equal(decoded.pixels, pixels)
    assert decoded.pixels.dtype == np.dtype("uint16")
    assert decoded.pixels.dtype.isnative


def test_32_bit_whole_numbers_that_fit_keep_their_values() -> None:
    pixels = np.arange(48, dtype=np.int32).reshape(6, 8) * 1000
    decoded = decode(encoded(Image.fromarray(pixels), "TIFF"), name="x")
    np.testing.assert_array_equal(decoded.pixels, pixels)
    assert decoded.notes == ()


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_numbers_outside_16_bits_are_scaled_and_it_says_so(kind: type) -> None:
    pixels = np.linspace(-500, 100_000, 48).reshape(6, 8).astype(kind)
    decoded = decode(encoded(Image.fromarray(pixels), "TIFF"), name="x")
    assert decoded.pixels.dtype == np.uint16
    assert decoded.pixels.min() == 0
    assert decoded.pixels.max() == 65535
    assert "scaled to 16 bits" in decoded.notes[0]
    order = np.argsort(pixels.ravel())
    assert np.all(np.diff(decoded.pixels.ravel()[order].astype(int)) >= 0)


def test_a_flat_float_image_is_black_not_a_crash() -> None:
    decoded = decode(encoded(Image.fromarray(np.full((4, 4), 7.5, np.float32)), "TIFF"), name="x")
    assert not decoded.pixels.any()


def test_not_a_number_is_refused() -> None:
    pixels = np.zeros((4, 4), np.float32)
    pixels[1, 1] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        decode(encoded(Image.fromarray(pixels), "TIFF"), name="x.tif")


def test_bilevel_becomes_black_and_white() -> None:
    decoded = decode(encoded(Image.fromarray(RAMP > 100), "PNG"), name="x")
    np.testing.assert_array_equal(decoded.pixels, np.where(RAMP > 100, 255, 0))


def test_palette_becomes_its_colours() -> None:
    image = Image.fromarray(COLOUR).quantize(16)
    decoded = decode(encoded(image, "PNG"), name="x")
    assert decoded.mode == "P"
    np.testing.assert_array_equal(decoded.pixels, np.array(image.convert("RGB")))


def test_cmyk_becomes_rgb() -> None:
    image = Image.fromarray(COLOUR).convert("CMYK")
    decoded = decode(encoded(image, "TIFF"), name="x")
    assert decoded.mode == "CMYK"
    np.testing.assert_array_equal(decoded.pixels, np.array(image.convert("RGB")))


def test_transparency_is_composited_on_black() -> None:
    alpha = np.full((6, 8), 255, np.uint8)
    alpha[:, :4] = 0
    alpha[0, 7] = 128
    rgba = Image.fromarray(np.dstack([COLOUR, alpha]))
    decoded = decode(encoded(rgba, "PNG"), name="x")
    expected = np.rint(COLOUR * (alpha[:, :, np.newaxis] / 255.0))
    assert np.abs(decoded.pixels - expected).max() <= 1
    assert not decoded.pixels[:, :4].any()
    assert "black" in decoded.notes[0]


def test_opaque_alpha_changes_nothing() -> None:
    rgba = Image.fromarray(np.dstack([COLOUR, np.full((6, 8), 255, np.uint8)]))
    np.testing.assert_array_equal(decode(encoded(rgba, "PNG"), name="x").pixels, COLOUR)


def test_grey_with_alpha_stays_grey() -> None:
    image = Image.merge("LA", [Image.fromarray(RAMP), Image.fromarray(np.full((6, 8), 255, np.uint8))])
    np.testing.assert_array_equal(decode(encoded(image, "PNG"), name="x").pixels, RAMP)


def test_transparent_palette_entry_becomes_black() -> None:
    image = Image.fromarray(COLOUR).quantize(4)
    data = encoded(image, "PNG", transparency=0)
    decoded = decode(data, name="x")
    assert not decoded.pixels[np.array(image) == 0].any()


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(image_format: str, orientation: int) -> None:
    turned = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: a.T, 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).T, 8: np.rot90,
    }[orientation]  # fmt: skip
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :8] = 250
    stored[8:, 24:] = 120
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if image_format == "WEBP" else {}
    decoded = decode(encoded(Image.fromarray(stored), image_format, exif=exif, **options), name="x")
    pixels = decoded.pixels if decoded.pixels.ndim == 2 else decoded.pixels[:, :, 0]
    expected = turned(stored)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() < 12


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_16_bit(orientation: int) -> None:
    stored = (np.arange(48, dtype=np.uint16).reshape(6, 8) * 999).astype(np.uint16)
    exif = Image.Exif()
    exif[274] = orientation
    expected = np.rot90(stored, 2 if orientation == 3 else -1)
    for image_format in ("TIFF", "PNG"):
        data = encoded(Image.fromarray(stored), image_format, exif=exif)
        np.testing.assert_array_equal(decode(data, name="x").pixels, expected)


def test_corrupt_exif_is_a_note_not_an_error_and_not_a_warning() -> None:
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x05" + b"\x01\x12\x00\x03\x7f\xff\xff\xff"
    data = encoded(Image.fromarray(RAMP), "JPEG", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = decode(data, name="x")
    assert decoded.pixels.shape == RAMP.shape


def test_several_frames_are_told() -> None:
    frames = [Image.fromarray(RAMP), Image.fromarray(RAMP[::-1])]
    decoded = decode(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]), name="x")
    np.testing.assert_array_equal(decoded.pixels, RAMP)
    assert "2 frames" in decoded.notes[0]


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read(image_format: str) -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    decoded = decode(data, name="x")
    np.testing.assert_array_equal(decoded.pixels, COLOUR)
    assert decoded.notes[0] == "holds 2 frames; the first is read"


def test_a_jpeg_with_further_pictures_in_it_is_a_jpeg() -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    decoded = decode(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]), name="x")
    assert decoded.format == "JPEG"
    assert "2 frames" in decoded.notes[0]


@pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    image = Image.new(mode, (5, 4), (128, 90, 160))
    decoded = decode(encoded(image, "TIFF"), name="x")
    assert decoded.pixels.shape == (4, 5, 3)
    assert len(np.unique(decoded.pixels.reshape(-1, 3), axis=0)) == 1
    assert 70 < decoded.pixels.mean() < 160


def test_grey_of_few_bits_is_spread_over_eight() -> None:
    rows = b"".join(b"\x00" + bytes([0b00011011, 0b11100100]) for _ in range(2))
    decoded = decode(_png(8, 2, 2, 0, rows), name="x")
    np.testing.assert_array_equal(decoded.pixels[0], [0, 85, 170, 255, 255, 170, 85, 0])


def _png(width: int, height: int, depth: int, colour: int, raw: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_by_its_header(side: int) -> None:
    bomb = _png(side, side, 8, 0, b"\x00" * 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="pixels"):
            decode(bomb, name="bomb.png")


def test_limits_are_exact() -> None:
    data = encoded(Image.fromarray(RAMP), "PNG")
    decode(data, name="x", limits=Limits(max_file_bytes=len(data), max_pixels=48))
    with pytest.raises(ImageError, match="8 x 6 = 48 pixels; the limit is 47"):
        decode(data, name="x", limits=Limits(max_pixels=47))
    with pytest.raises(ImageError, match="bytes; the limit"):
        decode(data, name="x", limits=Limits(max_file_bytes=len(data) - 1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, I am text", "text"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"GIF89a" + bytes(40), "GIF"),
        (bytes(128) + b"DICM" + bytes(20), "DICOM"),
        (bytes(300), "zeros"),
        (b"\x89PNG\r\n\x1a\n", "damaged or truncated"),
        (b"\xff\xd8\xff", "damaged or truncated"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "damaged or truncated"),
        (b"II*\x00\x08\x00\x00\x00", "damaged or truncated"),
        (b"BM\x00\x00", "damaged or truncated"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        decode(data, name="scan.png")
    assert caught.value.path == "scan.png"
    assert caught.value.fix


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_truncated_file_is_an_error(image_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), image_format)
    for length in (len(data) // 10, len(data) // 2, len(data) - 40):
        with pytest.raises(ImageError) as caught:
            decode(data[:length], name="cut")
        assert caught.value.path == "cut"


SAMPLES = [
    encoded(Image.fromarray(COLOUR), "PNG"),
    encoded(Image.fromarray(COLOUR), "JPEG"),
    encoded(Image.fromarray(COLOUR), "TIFF", compression="tiff_lzw"),
    encoded(Image.fromarray(COLOUR), "TIFF"),
    encoded(Image.fromarray(COLOUR), "BMP"),
    encoded(Image.fromarray(COLOUR), "WEBP"),
    encoded(Image.fromarray(COLOUR).quantize(8), "PNG"),
    encoded(
        Image.fromarray(COLOUR), "JPEG", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00"
    ),
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
    keep=st.floats(0.2, 1.0),
)
def test_damaged_bytes_give_pixels_or_an_image_error_and_nothing_else(
    sample: bytes, edits: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(sample)
    for place, value in edits:
        data[int(place * len(data))] = value
    try:
        decoded = decode(
            bytes(data[: max(1, int(keep * len(data)))]), name="fuzz", limits=Limits(max_pixels=10_000)
        )
    except ImageError:
        return  # the one kind of error that is allowed
    assert decoded.pixels.dtype in (np.uint8, np.uint16)
    assert decoded.pixels.ndim == 2 or decoded.pixels.shape[2] == 3
    assert decoded.pixels.shape[0] * decoded.pixels.shape[1] <= 10_000


def test_threads_agree_and_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    data = encoded(Image.fromarray(COLOUR), "TIFF")
    wrong: list[int] = []

    def work() -> None:
        for turn in range(50):
            if not np.array_equal(decode(data, name="x").pixels, COLOUR):
                wrong.append(turn)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list(warnings.filters) == before
