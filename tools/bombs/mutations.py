"""Image files damaged at random, each from a seed, so that it can be made again.

Twelve kinds of damage: bits and bytes, runs of zeros and ones, lengths and sizes, pieces cut out, doubled,
swapped or put in from another file, the end cut off or drawn out. Of a gzipped file what is packed is damaged
in half of the cases.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

from PIL import Image

Damage = Callable[[bytearray, random.Random, bytes], None]
_NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 16, 2**32 - 1)
_MOST_UNPACKED = 1 << 22


def _place(data: bytearray, draw: random.Random) -> int:
    """Return a place, in half of the cases within the header."""
    return draw.randrange(min(len(data), 600) if draw.random() < 0.5 else len(data))


def _bits(data: bytearray, draw: random.Random, other: bytes) -> None:
    for _ in range(draw.choice((1, 2, 8, 64))):
        data[_place(data, draw)] ^= 1 << draw.randrange(8)


def _bytes(data: bytearray, draw: random.Random, other: bytes) -> None:
    for _ in range(draw.choice((1, 4, 32, 256))):
        data[_place(data, draw)] = draw.randrange(256)


def _number(data: bytearray, draw: random.Random, other: bytes) -> None:
    """Write a number at the edge of what a length or size can be."""
    width, letter = draw.choice(((2, "H"), (4, "I")))
    for _ in range(draw.choice((1, 3))):
        place = _place(data, draw)
        value = draw.choice(_NUMBERS) & (256**width - 1)
        data[place : place + width] = struct.pack(draw.choice("<>") + letter, value)


def _run(data: bytearray, draw: random.Random, other: bytes) -> None:
    place, length = _place(data, draw), draw.choice((4, 64, 1024))
    data[place : place + length] = bytes([draw.choice((0, 255, 32))]) * len(data[place : place + length])


def _cut_off(data: bytearray, draw: random.Random, other: bytes) -> None:
    del data[max(1, _place(data, draw)) :]


def _cut_out(data: bytearray, draw: random.Random, other: bytes) -> None:
    place = _place(data, draw)
    del data[place : place + draw.choice((1, 2, 8, 128))]
    data += b"" if data else b"\0"


def _doubled(data: bytearray, draw: random.Random, other: bytes) -> None:
    place, length = _place(data, draw), draw.choice((2, 8, 64, 512))
    data[place:place] = data[place : place + length] * draw.choice((1, 2, 50))


def _swapped(data: bytearray, draw: random.Random, other: bytes) -> None:
    first, second, length = _place(data, draw), _place(data, draw), draw.choice((2, 8, 64))
    piece = data[first : first + length]
    data[first : first + length] = data[second : second + length]
    data[second : second + length] = piece


def _put_in(data: bytearray, draw: random.Random, other: bytes) -> None:
    place, start = _place(data, draw), draw.randrange(len(other))
    data[place:place] = other[start : start + draw.choice((8, 128, 2048))]


def _noise(data: bytearray, draw: random.Random, other: bytes) -> None:
    place = _place(data, draw)
    data[place:place] = draw.randbytes(draw.choice((1, 3, 64, 1024)))


def _drawn_out(data: bytearray, draw: random.Random, other: bytes) -> None:
    data += draw.choice((b"\0", b"\xff", b"\xff\xd8")) * draw.choice((1, 1000, 100_000))


def _start_changed(data: bytearray, draw: random.Random, other: bytes) -> None:
    length = draw.choice((1, 4, 132, 352))
    data[:length] = other[:length]


DAMAGES: tuple[Damage, ...] = (
    _bits, _bytes, _number, _number, _run, _cut_off, _cut_out, _doubled, _swapped, _put_in, _noise,
    _drawn_out, _start_changed,
)  # fmt: skip


def mutations(seeds: Sequence[bytes], count: int, seed: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield damaged files, each with the number of the file that it was made from.

    Parameters
    ----------
    seeds : sequence of bytes
        Sound files.
    count : int
    seed : int
        The n-th file depends on it, on n and on the sound files alone.
    """
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        chosen = draw.randrange(len(seeds))
        yield chosen, mutated(seeds[chosen], draw, draw.choice(seeds))


def mutated(data: bytes, draw: random.Random, other: bytes) -> bytes:
    """Return a damaged copy of a file; ``other`` is where foreign pieces come from."""
    packed = data.startswith(b"\x1f\x8b") and draw.random() < 0.5
    if packed:
        try:
            data = gzip.decompress(data)[:_MOST_UNPACKED]
        except (OSError, EOFError, zlib.error):
            packed = False
    changed = bytearray(data or b"\0")
    for _ in range(draw.choice((1, 1, 2, 4))):
        draw.choice(DAMAGES)(changed, draw, other)
        changed += b"" if changed else b"\0"
    return gzip.compress(bytes(changed), 1, mtime=0) if packed else bytes(changed)


def sound_pictures() -> list[bytes]:
    """Return small sound files of the formats that Pillow reads."""
    grey = Image.radial_gradient("L").resize((40, 32))
    colour = Image.merge("RGB", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey))
    ways = (
        ("PNG", grey, {}), ("PNG", colour, {}), ("PNG", grey.convert("P"), {}),
        ("PNG", grey.convert("I;16"), {}),
        ("JPEG", grey, {}), ("JPEG", colour, {"progressive": True}), ("TIFF", grey, {}),
        ("TIFF", colour, {"compression": "tiff_lzw"}), ("TIFF", grey, {"compression": "tiff_deflate"}),
        ("BMP", grey, {}), ("WEBP", colour, {}), ("WEBP", colour, {"lossless": True}),
    )  # fmt: skip
    files = []
    for kind, image, options in ways:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files
