"""A convolutional network in plain NumPy, every backward written by hand (docs/reference/numpy-nn.md)."""

from gyrus.numpy_nn import layers, losses, optimisers
from gyrus.numpy_nn.fitting import Epoch, fit
from gyrus.numpy_nn.gradient_check import check_gradients
from gyrus.numpy_nn.network import Sequential
from gyrus.numpy_nn.saving import load, save

__all__ = [
    "Epoch", "Sequential", "check_gradients", "fit", "layers", "load", "losses", "optimisers", "save",
]  # fmt: skip
