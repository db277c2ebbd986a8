"""IDX files, plain or gzipped: many images of one size behind a header, as MNIST and its kin come.

The header (LeCun, Cortes, Burges 1998): two zeros, the type of the numbers (08: unsigned bytes), the number
of dimensions, then each dimension as a big-endian 32-bit number; the numbers follow, the last dimension
fastest.

A file is unpacked once and kept, however many of its images are asked for one by one; one that is bad is
remembered as bad.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import threading
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits

MAX_UNPACKED_BYTES = 2**30
_GZIP = b"\x1f\x8b"
_BYTES = 8  # the type of unsigned bytes
_FILES_KEPT = 2  # training and test images
_FETCH_AGAIN = "copy or download the file again"
FRAME_BEGINNING = bytes((0, 0, _BYTES, 2))

Frames = npt.NDArray[np.uint8]
_Key = tuple[str, int, int]


def holds_many(path: Path) -> bool:
    """Tell whether a file's name is that of an IDX file of images (``…idx3-ubyte`` or ``…idx3-ubyte.gz``)."""
    return path.name.lower().removesuffix(".gz").endswith("idx3-ubyte")


def is_idx(start: bytes) -> bool:
    """Tell whether a file that begins like this is an IDX file of images, or gzipped and perhaps one."""
    return start.startswith((_GZIP, bytes((0, 0, _BYTES, 3))))


def frame_bytes(path: Path, frame: str, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return one image of an IDX file as an IDX file of its own, which :func:`gyrus.imaging.decode` reads.

    Parameters
    ----------
    frame : str
        Its number, counted from 0.

    Raises
    ------
    ImageError
        When the file is damaged, or has no such image.
    """
    frames = read_frames(path, limits=limits)
    if not frame.isdecimal() or int(frame) >= len(frames):
        raise ImageError(
            f"has no frame {frame!r}; its {len(frames):,} images are counted 0 to {len(frames) - 1}",
            path=path,
        )
    pixels: bytes = frames[int(frame)].tobytes()
    return FRAME_BEGINNING + struct.pack(">II", *frames.shape[1:]) + pixels


def decode_frame(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Return the pixels (height, width) of what :func:`frame_bytes` gave."""
    return _array(io.BytesIO(data), 2, len(data), name, limits)


def read_frames(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Frames:
    """Return all images of an IDX file, (n, height, width) uint8, not to be written to.

    Raises
    ------
    ImageError
        When it is absent, no IDX file of images, cut off, longer or shorter than its header says, or too
        large.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ImageError("does not exist", path=path) from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}", path=path) from error
    return _KEPT.get((str(path), status.st_mtime_ns, status.st_size), limits)


def read_labels(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Return the numbers (n,) of an IDX file of labels; errors as of :func:`read_frames`."""
    return _unpack(path, 1, limits)


def is_kept(path: Path) -> bool:
    """Tell whether a file was lately unpacked: it need not be opened to know that it is an IDX file."""
    return _KEPT.knows(str(path))


class _Kept:
    """The files unpacked last, by path, time of change and size; or why they could not be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[_Key, Frames | ImageError] = OrderedDict()

    def knows(self, path: str) -> bool:
        """Tell whether a file of this path is kept, as it is now or as it was."""
        with self._lock:
            return any(kept[0] == path for kept in self._files)

    def get(self, key: _Key, limits: Limits) -> Frames:
        with self._lock:
            found = self._files.pop(key, None)
            if found is None:
                try:
                    found = _unpack(Path(key[0]), 3, limits)
                except ImageError as error:
                    found = error
            self._files[key] = found  # to the end: the one used longest ago is dropped
            while len(self._files) > _FILES_KEPT:
                self._files.popitem(last=False)
        if isinstance(found, ImageError):
            raise ImageError(found.message, path=found.path, fix=found.fix)
        return found


_KEPT = _Kept()


def _unpack(path: Path, dimensions: int, limits: Limits) -> npt.NDArray[np.uint8]:
    name = str(path)
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ImageError("is no regular file", path=name)
        size = path.stat().st_size
        if size == 0:
            raise ImageError("is empty (0 bytes)", path=name, fix=_FETCH_AGAIN)
        with path.open("rb") as stream:
            packed = stream.read(len(_GZIP)) == _GZIP
            stream.seek(0)
            if not packed:
                return _array(stream, dimensions, size, name, limits)
            with gzip.GzipFile(fileobj=stream) as unpacked:
                return _array(unpacked, dimensions, None, name, limits)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImageError(f"is damaged or cut off: {error}", path=name, fix=_FETCH_AGAIN) from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}", path=name) from error


def _array(
    stream: IO[bytes] | gzip.GzipFile, dimensions: int, size: int | None, name: str, limits: Limits
) -> npt.NDArray[np.uint8]:
    """Read header and numbers; no more memory is asked for than the header, once found plausible, says."""
    shape = _shape(stream, dimensions, name)
    if dimensions > 1:
        limits.check_pixels(shape[-1], shape[-2], name)
    wanted = math.prod(shape)
    described = f"its header says {' x '.join(map(str, shape))} = {wanted:,} bytes"
    if wanted == 0 or wanted > MAX_UNPACKED_BYTES:
        raise ImageError(
            f"{described}; expected 1 to {MAX_UNPACKED_BYTES:,}",
            path=name,
            fix="divide it into several files",
        )
    header = 4 + 4 * dimensions
    if size is not None and size != header + wanted:
        raise ImageError(f"{described}, and {size - header:,} follow", path=name, fix=_FETCH_AGAIN)
    data = stream.read(wanted)
    if len(data) < wanted:
        raise ImageError(f"{described}, and {len(data):,} follow", path=name, fix=_FETCH_AGAIN)
    if stream.read(1):  # of a gzipped file this also compares the checksum
        raise ImageError(f"{described}, and more follow", path=name, fix=_FETCH_AGAIN)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _shape(stream: IO[bytes] | gzip.GzipFile, dimensions: int, name: str) -> tuple[int, ...]:
    start = stream.read(4)
    expected = bytes((0, 0, _BYTES, dimensions))
    if start != expected:
        what = {3: "images", 2: "one image", 1: "labels"}[dimensions]
        raise ImageError(
            f"is no IDX file of {what}: it begins with {start.hex(' ') or 'nothing'}; "
            f"expected {expected.hex(' ')}",
            path=name,
            fix=_FETCH_AGAIN,
        )
    lengths = stream.read(4 * dimensions)
    if len(lengths) < 4 * dimensions:
        raise ImageError("ends within its header", path=name, fix=_FETCH_AGAIN)
    return struct.unpack(f">{dimensions}I", lengths)
