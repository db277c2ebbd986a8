"""Files of nothing but parts are refused before Pillow goes through them; those of real programs pass."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging import decode
from gyrus.imaging.header_walk import MOST_CHUNKS, MOST_DIRECTORIES, MOST_MARKERS, MOST_SCANS, check_parts

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)


def saved(kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("TIFF", {}), ("BMP", {}), ("WEBP", {}),
        ("TIFF", {"compression": "tiff_deflate"}), ("TIFF", {"big_tiff": True}),
    ],
)  # fmt: skip
def test_common_files_pass(kind, options):
    data = saved(kind, **options)
    assert check_parts(data, "a") == 1
    assert decode(data, name="a").pixels.shape[:2] == PIXELS.shape


@pytest.mark.parametrize("big", [False, True])
def test_images_of_a_tiff_are_counted(big):
    pages = [Image.fromarray(PIXELS)] * 3
    data = saved("TIFF", save_all=True, append_images=pages, big_tiff=big)
    assert check_parts(data, "a") == 4
    assert decode(data, name="a").notes == ("holds 4 frames; the first is read",)


def many_chunks(count):
    whole = saved("PNG")
    return whole[:33] + chunk(b"tEXt", b"a\0b") * count + whole[33:]


def many_markers(count):
    whole = saved("JPEG", progressive=True)
    return whole[:2] + b"\xff\xfe\0\x02" * count + whole[2:]


def many_scans(count):
    whole = saved("JPEG", progressive=True)
    return whole[:-2] + whole[whole.rindex(b"\xff\xda") : -2] * count + b"\xff\xd9"


def many_strips(count):
    tags = (
        (256, 4, 1, 1), (257, 4, 1, count), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, count, 200), (278, 4, 1, 1), (279, 4, count, 200),
    )  # fmt: skip
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + bytes(4) + bytes(200 + 4 * count)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (many_chunks, MOST_CHUNKS),
        (many_markers, MOST_MARKERS),
        (many_scans, MOST_SCANS),
        (many_strips, 100_000),
    ],
)
def test_too_many_parts_are_refused_at_once(make, most):
    data = make(2 * most)
    start = time.process_time()
    with pytest.raises(ImageError, match=r"limit|more than"):
        decode(data, name="bomb")
    assert time.process_time() - start < 2
    few = make(max(1, most // 100))
    assert decode(few, name="a").pixels.ndim == 2


def test_fill_bytes_are_refused():
    whole = saved("JPEG", progressive=True)
    with pytest.raises(ImageError, match="bytes between them"):
        decode(whole[:2] + b"\xff" * 200_000 + whole[2:], name="bomb")
    assert decode(whole[:2] + b"\xff" * 200 + whole[2:], name="a").pixels.shape == PIXELS.shape


def test_directories_in_a_circle_and_without_end():
    whole = bytearray(saved("TIFF"))
    (first,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, first)
    struct.pack_into("<I", whole, first + 2 + 12 * count, first)
    assert check_parts(bytes(whole), "a") == 1
    assert decode(bytes(whole), name="a").pixels.shape == PIXELS.shape
    place = len(whole)
    struct.pack_into("<I", whole, first + 2 + 12 * count, place)
    entry = struct.pack("<HHII", 256, 4, 1, 1)
    for number in range(5000):
        whole += struct.pack("<H", 1) + entry + struct.pack("<I", place + 18 * (number + 1))
    assert check_parts(bytes(whole), "a") == MOST_DIRECTORIES


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_damage_anywhere_never_ends_in_another_error(kind):
    whole, rng = saved(kind), np.random.default_rng(1)
    for _ in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(data), 6):
            data[place] = rng.integers(0, 256)
        try:
            check_parts(bytes(data), "a")
        except ImageError as error:
            assert error.path == "a"  # noqa: PT017 - one of two outcomes
