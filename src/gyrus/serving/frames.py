"""Which images of an upload are asked about."""

from __future__ import annotations

import secrets
from pathlib import Path

from gyrus.config.options import VolumeOptions
from gyrus.data.spacing import SPACING, Spacing, parse_spacing
from gyrus.errors import ManifestError
from gyrus.imaging.file_facts import choose_frames
from gyrus.imaging.frames import frames_of_bytes
from gyrus.imaging.kinds import BEGINNING_BYTES, kind_of
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.source import Held

UNNAMED = "image"
"""What an upload is called whose client's name for it is not kept."""
_KEY = secrets.token_bytes(32)
"""Patients are told apart by nobody here: the hashes that reading a header makes end with the process."""


def is_scan(body: bytes) -> bool:
    """Tell whether an upload is DICOM or NIfTI, which other processes read and may hold many images."""
    return kind_of(body[:BEGINNING_BYTES]) in ("dicom", "nifti")


def images_of(body: bytes, name: str, options: VolumeOptions, limits: Limits = DEFAULT_LIMITS) -> list[Held]:
    """Return the images of an upload: of a volume the slices that the options choose.

    Raises
    ------
    ImageError
        When the header of a DICOM or NIfTI file cannot be read.
    """
    path = Path(name)
    if not is_scan(body):
        return [Held(path, "", body)]
    facts = frames_of_bytes(body, name, plane=options.plane, limits=limits, key=_KEY)
    return [Held(path, frame, body) for frame in choose_frames(facts.frames, options.slices)]


def frame_in(told: str, name: str | None) -> str:
    """Return which image of an upload is called ``told`` in its evidence; empty where it is one image.

    >>> frame_in("image#axial:12", None), frame_in("a#b.png", "a#b.png")
    ('axial:12', '')
    """
    beginning = f"{name or UNNAMED}#"
    return told.removeprefix(beginning) if told.startswith(beginning) else ""


def spacing_in(
    body: bytes, name: str, options: VolumeOptions, limits: Limits = DEFAULT_LIMITS
) -> Spacing | None:
    """Return how large a pixel is, where a DICOM or NIfTI header tells it."""
    if not is_scan(body):
        return None
    facts = frames_of_bytes(body, name, plane=options.plane, limits=limits, key=_KEY).facts
    told = facts.get(SPACING, "")
    try:
        return parse_spacing(told, name) if told else None
    except ManifestError:  # a distance that is none tells nothing; sizes are then told in pixels
        return None
