"""Series of slices: the DICOM files of a folder or a zip archive, each series ordered by position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gyrus.errors import ImageError
from gyrus.imaging.file_facts import FileFacts
from gyrus.imaging.frames import frames_of, frames_of_bytes
from gyrus.imaging.kinds import DICOMDIR, kind_of_file, may_be_scan
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.reading import IMAGE_SUFFIXES
from gyrus.imaging.source import Source
from gyrus.imaging.zipped import member_bytes, members


@dataclass(frozen=True, slots=True)
class Slice:
    """One image with the facts of its file."""

    source: Source
    facts: FileFacts


@dataclass(frozen=True, slots=True)
class Series:
    """Slices that belong together, in order along the body.

    Attributes
    ----------
    name : str
        Keyed hash of the series; empty where the files name none.
    slices : tuple of Slice
    """

    name: str
    slices: tuple[Slice, ...]

    def describe(self) -> str:
        """Return what it is in a few words."""
        facts = self.slices[0].facts
        told = [facts.facts.get("modality", ""), facts.facts.get("sequence", ""), facts.plane]
        return f"{' '.join(filter(None, told)) or 'unknown'} of {len(self.slices)} images"


def series_of(place: Path, *, limits: Limits = DEFAULT_LIMITS, key: bytes | None = None) -> list[Series]:
    """Return the series of DICOM files in a folder (not those below it) or a zip archive (all of it).

    Other files are passed over, a DICOMDIR among them.

    Raises
    ------
    ImageError
        When there is no DICOM file, or one of them cannot be read.
    """
    slices = list(_in_zip(place, limits, key) if place.is_file() else _in_folder(place, limits, key))
    if not slices:
        raise ImageError("holds no DICOM file", path=place, fix="name the folder that the files lie in")
    return in_order(slices)


def one_series(place: Path, *, limits: Limits = DEFAULT_LIMITS, key: bytes | None = None) -> Series:
    """Return the one series of a folder or archive, at least two slices of one size and direction.

    Raises
    ------
    ImageError
        When several series are mixed, slices differ in size or direction, two lie at one place, or there is
        only one.
    """
    found = series_of(place, limits=limits, key=key)
    if len(found) > 1:
        raise ImageError(
            f"mixes {len(found)} series: {'; '.join(series.describe() for series in found[:5])}",
            path=place,
            fix="put each series into a folder of its own",
        )
    slices = found[0].slices
    if len(slices) == 1:
        raise ImageError("is a series of one slice, no volume", path=place, fix="read it as an image")
    shapes = {(one.facts.height_px, one.facts.width_px) for one in slices}
    planes = {one.facts.plane for one in slices}
    if len(shapes) > 1 or len(planes) > 1:
        raise ImageError(
            f"is a series of {len(shapes)} sizes and {len(planes)} planes; expected one of each",
            path=place,
            fix="put the localizer images into a folder of their own",
        )
    places = [one.facts.facts.get("position", "") for one in slices]
    if len(set(places)) < len(places):
        raise ImageError("holds two slices at one place", path=place, fix="divide it into its volumes")
    return found[0]


def in_order(slices: Iterable[Slice]) -> list[Series]:
    """Return slices grouped by series and ordered by place, then as they came."""
    groups: dict[str, list[Slice]] = {}
    for one in slices:
        groups.setdefault(one.facts.facts.get("series", ""), []).append(one)
    return [Series(name, tuple(sorted(group, key=place_of))) for name, group in groups.items()]


def place_of(one: Slice) -> float:
    """Return where a slice lies in its series; slices that do not tell come first."""
    text = one.facts.facts.get("position", "")
    return float(text) if text else float("-inf")


def _in_folder(folder: Path, limits: Limits, key: bytes | None) -> Iterable[Slice]:
    for path in sorted(folder.iterdir()):
        if path.name.lower() != DICOMDIR and kind_of_file(path) == "dicom":
            facts = frames_of(path, limits=limits, key=key)
            yield from (Slice(Source(path, frame), facts) for frame in facts.frames)


def _in_zip(archive: Path, limits: Limits, key: bytes | None) -> Iterable[Slice]:
    for name in image_members(archive):
        facts = frames_of_bytes(
            member_bytes(archive, name, limits), f"{archive}#{name}", limits=limits, key=key
        )
        if facts.kind == "dicom":
            yield Slice(Source(archive, name), facts)


def image_members(archive: Path) -> Sequence[str]:
    """Return the members of a zip archive that are named like images, or as DICOM files often are."""
    return [
        name
        for name in members(archive)
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        and (name.lower().endswith(tuple(IMAGE_SUFFIXES)) or may_be_scan(name))
    ]
