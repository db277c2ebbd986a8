import numpy as np
import pytest
from settling import settled

from gyrus.exporting import make_graphs


@pytest.fixture(scope="session")
def exported():
    """Return a maker of (network, graphs), each made once."""
    made = {}

    def make(architecture="improved_cnn", size=48, channels_in=1):
        key = (architecture, size, channels_in)
        if key not in made:
            network = settled(architecture, size)
            made[key] = network, make_graphs(network, image_size=size, channels_in=channels_in)
        return made[key]

    return make


@pytest.fixture
def pictures():
    """Return images of many sizes, smooth as scans are, with sharp edges in them."""
    rng = np.random.default_rng(0)
    sizes = [(512, 512), (48, 48), (100, 333), (30, 41), (257, 64)]
    images = []
    for height, width in sizes:
        y, x = np.mgrid[:height, :width]
        wave = 120 + 60 * np.sin(y / 17 + rng.random()) + 40 * np.cos(x / 9)
        wave[height // 4 : height // 2, width // 3 :] = 255
        images.append(np.clip(wave + rng.normal(0, 8, wave.shape), 0, 255).astype(np.uint8)[:, :, None])
    return images
