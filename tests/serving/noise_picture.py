"""Images of noise as the bytes of files."""

import io

import numpy as np
from PIL import Image


def picture(seed, size=(48, 40), kind="PNG"):
    """Return an image of noise as the bytes of a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()
