"""A convolutional network as tutorials write it: nested loops over pixels, one sample at a time.

The opponent of ``numpy_cnn.py``. Written anew; where the circulating version is wrong it is right here:
maximum pooling gives its gradient to the maximum alone, and the bias has a gradient.
"""

import numpy as np


class LoopedConv:
    """3 x 3, padding 1."""

    def __init__(self, layer: object) -> None:
        self.layer = layer
        self.weight = layer.parameters["weight"].reshape(3, 3, -1, layer.out_channels).copy()
        self.bias = layer.parameters["bias"].copy()

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        out = np.zeros((*x.shape[:2], len(self.bias)), x.dtype)
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                window = self.padded[i : i + 3, j : j + 3]
                for f in range(len(self.bias)):
                    out[i, j, f] = np.sum(window * self.weight[..., f]) + self.bias[f]
        return out

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        back = np.zeros_like(self.padded)
        self.by_weight, self.by_bias = np.zeros_like(self.weight), np.zeros_like(self.bias)
        for i in range(gradient.shape[0]):
            for j in range(gradient.shape[1]):
                window = self.padded[i : i + 3, j : j + 3]
                for f in range(len(self.bias)):
                    self.by_weight[..., f] += gradient[i, j, f] * window
                    self.by_bias[f] += gradient[i, j, f]
                    back[i : i + 3, j : j + 3] += gradient[i, j, f] * self.weight[..., f]
        return back[1:-1, 1:-1]


class LoopedPool:
    """2 x 2."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        out = np.zeros((x.shape[0] // 2, x.shape[1] // 2, x.shape[2]), x.dtype)
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                for c in range(x.shape[2]):
                    out[i, j, c] = np.max(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c])
        return out

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        back = np.zeros_like(self.x)
        for i in range(gradient.shape[0]):
            for j in range(gradient.shape[1]):
                for c in range(gradient.shape[2]):
                    window = self.x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
                    di, dj = divmod(int(np.argmax(window)), 2)
                    back[2 * i + di, 2 * j + dj, c] = gradient[i, j, c]
        return back


class LoopedReLU:
    """max(x, 0)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        return gradient * (self.x > 0)


class LoopedDense:
    """Flatten and Linear."""

    def __init__(self, layer: object) -> None:
        self.layer = layer
        self.weight, self.bias = layer.parameters["weight"].copy(), layer.parameters["bias"].copy()

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x.ravel() @ self.weight + self.bias

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        self.by_weight, self.by_bias = np.outer(self.x.ravel(), gradient), gradient
        return (self.weight @ gradient).reshape(self.x.shape)


class LoopedNetwork:
    """The layers of a network of :mod:`gyrus.numpy_nn`, with copies of its weights."""

    def __init__(self, network: object) -> None:
        made = {"Conv2d": LoopedConv, "MaxPool2d": lambda _: LoopedPool(), "ReLU": lambda _: LoopedReLU(),
                "Linear": LoopedDense}  # fmt: skip
        self.layers = [
            made[kind](layer) for layer in network.layers if (kind := type(layer).__name__) in made
        ]

    def backward(self, x: np.ndarray, label: int) -> None:
        """Fill all gradients of the cross-entropy of one sample."""
        for layer in self.layers:
            x = layer.forward(x)
        powers = np.exp(x - x.max())
        gradient = powers / powers.sum()
        gradient[label] -= 1
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)

    def step(self, x: np.ndarray, label: int, rate: float) -> None:
        """Take one step of gradient descent."""
        self.backward(x, label)
        for layer in self._learning():
            layer.weight -= rate * layer.by_weight
            layer.bias -= rate * layer.by_bias

    def largest_difference(self, x: np.ndarray, label: int) -> float:
        """Return how far own gradients are from those that the network's layers hold, by the largest."""
        self.backward(x, label)
        worst = 0.0
        for layer in self._learning():
            for name, own in (("weight", layer.by_weight), ("bias", layer.by_bias)):
                other = layer.layer.gradients[name].reshape(own.shape)
                worst = max(worst, float(np.abs(own - other).max() / max(np.abs(other).max(), 1e-12)))
        return worst

    def _learning(self) -> list:
        return [layer for layer in self.layers if hasattr(layer, "by_weight")]
