"""Nuisance facts: what was put into a file is what is found."""

from __future__ import annotations

import io
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from gyrus.imaging import as_uint8, decode
from gyrus.imaging.jpeg_quality import jpeg_quality
from gyrus.imaging.look import look
from gyrus.imaging.nuisance import Nuisance, nuisance_of, nuisance_of_files
from gyrus.imaging.traces import FileTraces, sample_of, traces_of, traces_of_samples


def brain(height: int = 128, width: int = 128, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Return a bright ellipse with texture on black."""
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    inside = (rows / 0.8) ** 2 + (columns / 0.7) ** 2 < 1
    texture = np.random.default_rng(seed).normal(120, 20, (height, width))
    return np.where(inside, texture, 0).clip(0, 255).astype(np.uint8)


def stored(pixels: npt.NDArray[Any], kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def facts(data: bytes) -> Nuisance:
    decoded = decode(data, name="made up")
    grey = as_uint8(decoded, "grey")
    return nuisance_of(data, decoded, grey, look(grey))


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 51, 75, 80, 92, 95, 99, 100])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_quality_of_a_jpeg_is_that_which_it_was_saved_with(quality: int, mode: str) -> None:
    data = stored(brain(), "JPEG", mode, quality=quality)
    assert jpeg_quality(data) == quality
    assert facts(data).jpeg_quality == quality


def test_a_progressive_jpeg_with_exif_has_its_quality_too() -> None:
    exif = Image.Exif()
    exif[0x010E] = "made up" * 50
    data = stored(brain(), "JPEG", quality=83, progressive=True, optimize=True, exif=exif)
    assert jpeg_quality(data) == 83


def test_tables_of_another_encoder_get_the_nearest_quality() -> None:
    flat = stored(brain(), "JPEG", qtables=[[2] * 64])
    assert 90 < jpeg_quality(flat) < 100


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xdb\x00\x43\x00", b"\xff\xd8\xff\xdb\x00\x00" * 9,
     b"\xff\xd8\xff\xda\x00\x08", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xff\xff\xe0\x00\x02"],
)  # fmt: skip
def test_no_table_no_quality(data: bytes) -> None:
    assert jpeg_quality(data) == 0


@pytest.mark.parametrize(
    ("kind", "mode", "format_found", "mode_found"),
    [("PNG", None, "PNG", "L"), ("PNG", "RGBA", "PNG", "RGBA"), ("PNG", "P", "PNG", "P"),
     ("JPEG", "CMYK", "JPEG", "CMYK"), ("TIFF", "CMYK", "TIFF", "CMYK"), ("BMP", "RGB", "BMP", "RGB"),
     ("WEBP", "RGB", "WEBP", "RGB")],
)  # fmt: skip
def test_container_and_mode(kind: str, mode: str | None, format_found: str, mode_found: str) -> None:
    data = stored(brain(), kind, mode)
    found = facts(data)
    assert (found.format, found.mode, found.bits) == (format_found, mode_found, 8)
    assert found.file_bytes == len(data)


def test_bits() -> None:
    deep = brain().astype(np.uint16) * 200
    assert facts(stored(deep)).bits == 16
    assert facts(stored(deep, "TIFF")).bits == 16
    assert facts(stored(brain(), mode="1")).bits == 1


def test_sixteen_bit_colour_counts_as_sixteen_bits() -> None:
    import struct
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(24)) for _ in range(4))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + parts
    assert facts(data).bits == 16


def test_a_blank_image_has_no_range() -> None:
    for level in (0, 77, 255):
        found = facts(stored(np.full((100, 80), level, np.uint8)))
        assert (found.look_range, found.contrast, found.sharpness) == (0, 0, 0)
        assert found.mean == level
        assert found.border_width == 1
    assert facts(stored(brain())).look_range > 50


def test_sixteen_bits_cut_to_eight_leave_a_white_middle() -> None:
    deep = brain().astype(np.int32) * 40
    cut = np.minimum(deep, 255).astype(np.uint8)
    assert facts(stored(cut)).centre_white > 0.9
    assert facts(stored(brain())).centre_white == 0
    assert facts(stored(deep.astype(np.uint16))).centre_white < 0.1


def test_white_borders_by_side() -> None:
    pixels = brain()
    assert (facts(stored(pixels)).border_white, facts(stored(pixels)).white_sides) == (0, 0)
    left = pixels.copy()
    left[:, :6] = 255
    assert facts(stored(left)).white_sides == 1
    framed = pixels.copy()
    for edge in (np.s_[:9], np.s_[-9:], np.s_[:, :9], np.s_[:, -9:]):
        framed[edge] = 250
    found = facts(stored(framed, "JPEG"))
    assert found.white_sides == 4
    assert found.border_white > 0.99
    assert found.border_mean > 240
    assert found.border_width == pytest.approx(9 / 128, abs=0.02)


def test_a_head_that_touches_the_edge_is_no_white_border() -> None:
    pixels = brain()
    pixels[50:70, :3] = 255
    assert facts(stored(pixels)).white_sides == 0


def test_borders_reach_as_far_as_they_are_plain() -> None:
    pixels = np.zeros((128, 128), np.uint8)
    pixels[32:96, 16:112] = brain(64, 96).clip(30)
    assert facts(stored(pixels)).border_width == pytest.approx((32 + 32 + 16 + 16) / (4 * 128), abs=0.02)


def test_sharpness_falls_with_blur_and_not_with_contrast() -> None:
    sharp = brain()
    blurred = np.asarray(Image.fromarray(sharp).reduce(2).resize((128, 128), Image.Resampling.BICUBIC))
    dimmed = (sharp // 2).astype(np.uint8)
    assert facts(stored(blurred)).sharpness < 0.5 * facts(stored(sharp)).sharpness
    assert facts(stored(dimmed)).sharpness == pytest.approx(facts(stored(sharp)).sharpness, rel=0.05)


def test_colour_is_found_and_grey_stored_as_rgb_has_none() -> None:
    colour = np.repeat(brain()[:, :, np.newaxis], 3, axis=2)
    assert facts(stored(colour)).coloured == 0
    colour[:12] = (20, 60, 160)
    assert facts(stored(colour)).coloured == pytest.approx(12 / 128, abs=0.02)


def test_what_calls_itself_a_screenshot() -> None:
    described = PngImagePlugin.PngInfo()
    described.add_itxt("XML:com.adobe.xmp", "<exif:UserComment>Screenshot</exif:UserComment>")
    assert facts(stored(brain(), pnginfo=described)).screen_word == "screenshot"
    assert facts(stored(brain())).screen_word == ""


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3), (3, 900), (700, 5), (64, 64)])
def test_any_size_has_finite_facts(size: tuple[int, int]) -> None:
    found = facts(stored(brain(*size)))
    numbers = [value for value in astuple(found) if not isinstance(value, str)]
    assert np.isfinite(numbers).all()


def test_as_a_list_and_back() -> None:
    data = stored(brain(), "JPEG", quality=60)
    decoded = decode(data, name="made up")
    found = traces_of(data, decoded, as_uint8(decoded, "grey"))
    assert FileTraces(*found.to_list()) == found


def test_many_at_once_are_as_one_by_one() -> None:
    pictures = [stored(brain(seed=seed), "JPEG", quality=50 + seed) for seed in range(5)]
    pictures += [stored(np.full((70, 90), 255, np.uint8)), stored(np.pad(brain(), 30, constant_values=7))]
    decoded = [decode(data, name="made up") for data in pictures]
    greys = [as_uint8(one, "grey") for one in decoded]
    traces = traces_of_samples([sample_of(*seen) for seen in zip(pictures, decoded, greys, strict=True)])
    assert traces == [traces_of(*seen) for seen in zip(pictures, decoded, greys, strict=True)]
    assert nuisance_of_files(traces, np.stack([look(grey) for grey in greys])) == [
        facts(data) for data in pictures
    ]
    assert nuisance_of_files([], np.zeros((0, 64, 64), np.uint8)) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_the_channel_axis_does_not_matter(channels: int) -> None:
    pixels = brain() if channels == 1 else np.repeat(brain()[:, :, np.newaxis], 3, axis=2)
    data = stored(pixels)
    decoded = decode(data, name="x")
    grey = as_uint8(decoded, "grey")
    assert nuisance_of(data, decoded, grey, look(grey)) == nuisance_of(
        data, decoded, grey[:, :, 0], look(grey)
    )
