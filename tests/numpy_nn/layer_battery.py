"""Every layer once, with shapes it takes: the battery that all layers go through."""

import numpy as np

from gyrus.numpy_nn import layers

IMAGES = (7, 6, 3)
SMALL = (5, 4, 2)
VECTORS = (5,)
MAKERS = {
    "conv": (lambda: layers.Conv2d(4), IMAGES),
    "conv padded": (lambda: layers.Conv2d(4, 3, padding=1, bias=False), IMAGES),
    "conv strided": (lambda: layers.Conv2d(2, 3, stride=2, padding=1), IMAGES),
    "conv even": (lambda: layers.Conv2d(3, 4, stride=3, padding=2), IMAGES),
    "conv pixelwise": (lambda: layers.Conv2d(4, 1), IMAGES),
    "conv pixelwise strided": (lambda: layers.Conv2d(4, 1, stride=2), IMAGES),
    "conv wide": (lambda: layers.Conv2d(2, 2, padding=1), (3, 3, 12)),
    "max pool": (lambda: layers.MaxPool2d(), IMAGES),
    "max pool overlapping": (lambda: layers.MaxPool2d(3, 2), IMAGES),
    "average pool": (lambda: layers.AvgPool2d(), IMAGES),
    "average pool overlapping": (lambda: layers.AvgPool2d(3, 1), IMAGES),
    "global pool": (lambda: layers.GlobalAvgPool(), IMAGES),
    "linear": (lambda: layers.Linear(4), VECTORS),
    "linear without bias": (lambda: layers.Linear(4, bias=False), VECTORS),
    "relu": (lambda: layers.ReLU(), IMAGES),
    "leaky relu": (lambda: layers.LeakyReLU(0.2), IMAGES),
    "sigmoid": (lambda: layers.Sigmoid(), VECTORS),
    "tanh": (lambda: layers.Tanh(), VECTORS),
    "batch norm": (lambda: layers.BatchNorm(), IMAGES),
    "batch norm of vectors": (lambda: layers.BatchNorm(), VECTORS),
    "dropout": (lambda: layers.Dropout(0.4), IMAGES),
    "flatten": (lambda: layers.Flatten(), IMAGES),
    "residual": (
        lambda: layers.Residual([layers.Conv2d(2, padding=1), layers.Tanh(), layers.Conv2d(2, padding=1)]),
        SMALL,
    ),
    "residual with shortcut": (
        lambda: layers.Residual([layers.Conv2d(4, 3, 2, 1), layers.BatchNorm()], [layers.Conv2d(4, 1, 2)]),
        SMALL,
    ),
}  # fmt: skip


def built(name, dtype="float64", seed=0, shape=None):
    """Return a fresh layer, ready."""
    make, usual = MAKERS[name]
    layer = make()
    layer.build(shape or usual, dtype, np.random.default_rng(seed))
    return layer


def far_from_kinks(shape, seed, dtype="float64"):
    """Return numbers of which no two are nearer than 0.01, and none is nearer than 0.005 to 0."""
    size = int(np.prod(shape))
    values = (np.arange(size) - size // 2) * 0.01 + 0.005
    return np.random.default_rng(seed).permutation(values).reshape(shape).astype(dtype)
