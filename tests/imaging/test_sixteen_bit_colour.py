"""16-bit PNG and TIFF keep all their bits until the window; held against the numbers that were written."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from gyrus.errors import ImageError
from gyrus.imaging import as_uint8, decode, read_bytes

RNG = np.random.default_rng(0)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels, colour, filtered=0):
    """Write a PNG of 16 bits; filter 0 (none) or 1 (the byte a pixel before)."""
    rows = []
    for row in pixels.astype(">u2").reshape(len(pixels), -1):
        line = np.frombuffer(row.tobytes(), np.uint8)
        step = line.size // pixels.shape[1]
        if filtered:
            line = line - np.concatenate([np.zeros(step, np.uint8), line[:-step]])
        rows.append(bytes([filtered]) + line.tobytes())
    header = struct.pack(">IIBBBBB", pixels.shape[1], len(pixels), 16, colour, 0, 0, 0)
    data = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(pixels, order="<", packed=False, orientation=1):
    height, width, channels = pixels.shape
    data = pixels.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if packed else data
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, None), (259, 3, 8 if packed else 1), (262, 3, 2),
        (273, 4, None), (274, 3, orientation), (277, 3, channels), (278, 4, height), (279, 4, len(data)),
    ]  # fmt: skip
    tags += [(338, 3, 2)] if channels == 4 else []
    start = 8 + 2 + 12 * len(tags) + 4
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    body = b""
    for number, kind, value in tags:
        place = {258: start, 273: start + len(bits)}.get(number, value)
        count = channels if number == 258 else 1
        if kind == 3 and count == 1:
            body += struct.pack(f"{order}HHIHH", number, kind, 1, place, 0)
        else:
            body += struct.pack(f"{order}HHII", number, kind, count, place)
    beginning = b"II*\0" if order == "<" else b"MM\0*"
    return beginning + struct.pack(f"{order}IH", 8, len(tags)) + body + bytes(4) + bits + data


def noise(channels, height=9, width=11):
    return RNG.integers(0, 65536, (height, width, channels)).astype(np.uint16)


@pytest.mark.parametrize("filtered", [0, 1])
def test_png_in_colour(filtered):
    pixels = noise(3)
    decoded = decode(png(pixels, 2, filtered), name="x")
    assert decoded.pixels.dtype == np.uint16
    np.testing.assert_array_equal(decoded.pixels, pixels)
    assert decoded.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_tiff_in_colour(order, packed):
    pixels = noise(3)
    np.testing.assert_array_equal(decode(tiff(pixels, order, packed), name="x").pixels, pixels)


def test_tiff_is_turned_as_it_says():
    pixels = noise(3)
    turned = decode(tiff(pixels, orientation=6), name="x").pixels
    np.testing.assert_array_equal(turned, np.rot90(pixels, -1))


@pytest.mark.parametrize("make", [lambda pixels: png(pixels, 2), tiff])
def test_equal_channels_are_grey(make):
    grey = noise(1)
    decoded = decode(make(np.repeat(grey, 3, axis=2)), name="x")
    np.testing.assert_array_equal(decoded.pixels, grey[:, :, 0])
    alone = decode(png(grey, 0), name="x")
    np.testing.assert_array_equal(as_uint8(decoded, "grey"), as_uint8(alone, "grey"))


@pytest.mark.parametrize("make", [lambda pixels: png(pixels, 6), tiff])
def test_transparency_is_composited_on_black(make):
    pixels = noise(4)
    decoded = decode(make(pixels), name="x")
    wanted = np.floor(pixels[:, :, :3] * (pixels[:, :, 3:] / 65535.0) + 0.5)
    np.testing.assert_array_equal(decoded.pixels, wanted)
    assert decoded.notes == ("transparency is composited on black",)


@pytest.mark.parametrize("filtered", [0, 1])
def test_grey_with_transparency(filtered):
    pixels = noise(2)
    pixels[:, :, 1] = 65535
    decoded = decode(png(pixels, 4, filtered), name="x")
    np.testing.assert_array_equal(decoded.pixels, pixels[:, :, 0])


def test_a_faint_image_in_16_bits_is_no_longer_black():
    """By its high bytes, as version 1 of the policy reads it, nothing of it was left."""
    pixels = np.repeat(np.arange(200, dtype=np.uint16).reshape(10, 20, 1), 3, axis=2)
    pixels[:, :, 2] = 0
    decoded = decode(png(pixels, 2), name="x")
    assert as_uint8(decoded, "rgb", "rgb8/1").max() == 0
    assert as_uint8(decoded, "rgb")[:, :, 0].max() == 255


def test_version_1_reads_the_high_bytes():
    pixels = noise(3)
    read = as_uint8(decode(png(pixels, 2), name="x"), "rgb", "rgb8/1")
    np.testing.assert_array_equal(read, pixels >> 8)


def test_a_large_image_is_windowed_as_a_small_one():
    pixels = RNG.integers(100, 3000, (300, 300, 1)).astype(np.uint16)
    read = read_bytes(png(pixels, 0), name="x")[:, :, 0]
    low, high = pixels.min(), np.percentile(pixels, 99.9)
    wanted = np.rint(np.clip((pixels[:, :, 0] - float(low)) * (255 / (high - low)), 0, 255))
    np.testing.assert_array_equal(read, wanted)


@pytest.mark.parametrize("make", [lambda pixels: png(pixels, 2), lambda pixels: png(pixels, 4), tiff])
def test_a_file_cut_off(make):
    channels = 2 if make(noise(2))[25:26] == b"\x04" else 3
    whole = make(noise(channels, 64, 64))
    for keep in (40, len(whole) // 2, len(whole) - 60):
        with pytest.raises(ImageError):
            decode(whole[:keep], name="x")
