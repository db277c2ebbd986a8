"""Failures that say nothing lasting about a file."""

from __future__ import annotations

from gyrus.errors import ImageError


class PassingError(ImageError):
    """An image that could not be read now and may be another time: no decoder, no time, no process."""
