"""All that a scan wants to know of one image file, from one decoding."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyrus.errors import ImageError, PassingError
from gyrus.imaging.decoding import decode
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.hashes import byte_hash, pixel_hash
from gyrus.imaging.look import Coarse, coarse, looks_of
from gyrus.imaging.reading import Color, as_uint8
from gyrus.imaging.source import Source
from gyrus.imaging.traces import FileTraces, Sample, sample_of, traces_of_samples


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pixels of an image tell; or why there are none.

    Attributes
    ----------
    pixel_hash : str
        See :func:`gyrus.imaging.pixel_hash`.
    width_px, height_px : int
        Size, upright.
    notes : str
        What the decoder had to say.
    traces : FileTraces or None
        See :mod:`gyrus.imaging.traces`; None when the image cannot be read.
    error : str
        Why the image cannot be read; empty when it can.
    passing : bool
        Whether it may be readable another time: a decoder was missing, or time ran out.
    """

    pixel_hash: str = ""
    width_px: int = 0
    height_px: int = 0
    notes: str = ""
    traces: FileTraces | None = None
    error: str = ""
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What decoding an image gave.

    Attributes
    ----------
    facts : Facts
        With an error, and nothing else, when it cannot be decoded.
    look : ndarray of uint8 or None
        (64, 64); see :func:`gyrus.imaging.look.look`.
    pixels : ndarray of uint8 or None
        (size, size, channels), when a geometry was given.
    """

    facts: Facts
    look: npt.NDArray[np.uint8] | None = None
    pixels: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class FileRead:
    """What reading an image gave.

    Attributes
    ----------
    sha256 : str
        Of its bytes; empty when it cannot be read.
    reason : str
        Why it cannot be read.
    seen : Seen or None
        When it was decoded as well.
    """

    sha256: str = ""
    reason: str = ""
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class _HalfSeen:
    """What is kept of a decoded image until many are finished together."""

    pixel_hash: str
    width_px: int
    height_px: int
    notes: str
    sample: Sample
    coarse: Coarse
    pixels: npt.NDArray[np.uint8] | None


def see(data: bytes, name: str, geometry: Geometry | None = None, color: Color = "grey") -> Seen:
    """Decode the bytes of a file; compute its facts, its look and, with ``geometry``, its pixels."""
    return _finish([_half_see(data, name, geometry, color)])[0]


def read_and_see(
    sources: Sequence[Source],
    wanted: Callable[[int, str], bool],
    geometry: Geometry | None = None,
    color: Color = "grey",
) -> list[FileRead]:
    """Read and hash images and see those that are wanted; many at once cost less each.

    One full-size image is held at a time.

    Parameters
    ----------
    sources : sequence of Source
    wanted : callable
        From an image's place in ``sources`` and its SHA-256 to whether it is to be decoded.
    geometry, color
        See :func:`see`.
    """
    read: list[FileRead] = []
    half_seen: dict[int, _HalfSeen | Facts] = {}
    for place, source in enumerate(sources):
        try:
            data = source.read()
        except ImageError as error:
            read.append(FileRead(reason=error.message))
            continue
        sha256 = byte_hash(data)
        if wanted(place, sha256):
            half_seen[place] = _half_see(data, str(source), geometry, color)
        read.append(FileRead(sha256))
    for place, seen in zip(half_seen, _finish(list(half_seen.values())), strict=True):
        read[place] = FileRead(read[place].sha256, seen=seen)
    return read


class FirstMet:
    """Tells of a content whether it is met for the first time; may be asked by several threads."""

    def __init__(self) -> None:
        self._met: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, sha256: str) -> bool:
        with self._lock:
            new = sha256 not in self._met
            self._met.add(sha256)
        return new


@dataclass(frozen=True, slots=True)
class Request:
    """A batch of images to be read and seen.

    Attributes
    ----------
    sources : sequence of Source
    expected : sequence of str or None
        SHA-256 of each: it is seen only if it is still that. None: each content is seen when it is first met.
    geometry, color
        See :func:`see`.
    """

    sources: Sequence[Source]
    expected: Sequence[str] | None = None
    geometry: Geometry | None = None
    color: Color = "grey"

    def answer(self, first_met: Callable[[str], bool]) -> list[FileRead]:
        """Read and see the images; ``first_met`` is asked where nothing is expected."""
        expected = self.expected

        def wanted(place: int, sha256: str) -> bool:
            return first_met(sha256) if expected is None else expected[place] == sha256

        return read_and_see(self.sources, wanted, self.geometry, self.color)


def _half_see(data: bytes, name: str, geometry: Geometry | None, color: Color) -> _HalfSeen | Facts:
    """Take what is wanted from an image while its pixels are at hand; why it cannot be decoded otherwise."""
    try:
        decoded = decode(data, name=name)
    except ImageError as error:
        return Facts(error=error.message, passing=isinstance(error, PassingError))
    grey = as_uint8(decoded, "grey")
    height, width = decoded.pixels.shape[:2]
    pixels = None
    if geometry is not None:
        pixels = geometry.apply(grey if color == "grey" else as_uint8(decoded, color))
    return _HalfSeen(
        pixel_hash(decoded.pixels),
        width,
        height,
        "; ".join(decoded.notes),
        sample_of(data, decoded, grey),
        coarse(grey),
        pixels,
    )


def _finish(half_seen: Sequence[_HalfSeen | Facts]) -> list[Seen]:
    sound = [half for half in half_seen if not isinstance(half, Facts)]
    traces = iter(traces_of_samples([half.sample for half in sound]))
    looks = iter(looks_of([half.coarse for half in sound]))
    return [
        Seen(half)
        if isinstance(half, Facts)
        else Seen(
            Facts(half.pixel_hash, half.width_px, half.height_px, half.notes, next(traces)),
            next(looks),
            half.pixels,
        )
        for half in half_seen
    ]
