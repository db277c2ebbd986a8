"""A convolutional network in plain NumPy, with every backward written by hand.

Images are (n, height, width, channels). See ``docs/reference/numpy-nn.md``, and
``docs/concepts/backpropagation.md`` for how it works.
"""

from gyrus.numpy_nn import layers, losses, optimisers
from gyrus.numpy_nn.fitting import Epoch, fit, shifted
from gyrus.numpy_nn.gradient_check import check_gradients
from gyrus.numpy_nn.network import Sequential
from gyrus.numpy_nn.saving import load, save

__all__ = [
    "Epoch", "Sequential", "check_gradients", "fit", "layers", "load", "losses", "optimisers", "save",
    "shifted",
]  # fmt: skip
