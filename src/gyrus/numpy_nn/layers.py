"""All layers by name."""

from gyrus.numpy_nn.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from gyrus.numpy_nn.convolution import Conv2d
from gyrus.numpy_nn.dense import Flatten, Linear
from gyrus.numpy_nn.network import Residual
from gyrus.numpy_nn.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from gyrus.numpy_nn.regularising import BatchNorm, Dropout

__all__ = [
    "AvgPool2d", "BatchNorm", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool", "LeakyReLU", "Linear",
    "MaxPool2d", "ReLU", "Residual", "Sigmoid", "Tanh",
]  # fmt: skip
