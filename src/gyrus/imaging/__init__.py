"""One image: bytes to an array within limits, resizing, hashes."""

from gyrus.imaging.decoding import Decoded, decode
from gyrus.imaging.hashes import byte_hash, perceptual_hash, pixel_hash
from gyrus.imaging.limits import DEFAULT_LIMITS, Limits
from gyrus.imaging.reading import IMAGE_SUFFIXES, READING_POLICIES, as_uint8, read_bytes, read_image
from gyrus.imaging.resizing import resize

__all__ = [
    "DEFAULT_LIMITS",
    "IMAGE_SUFFIXES",
    "READING_POLICIES",
    "Decoded",
    "Limits",
    "as_uint8",
    "byte_hash",
    "decode",
    "perceptual_hash",
    "pixel_hash",
    "read_bytes",
    "read_image",
    "resize",
]
