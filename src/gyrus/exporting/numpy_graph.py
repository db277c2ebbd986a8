"""``network.onnx`` of a network of :mod:`gyrus.numpy_nn`, written node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from gyrus.errors import ExportError
from gyrus.exporting.cleaning import to_bytes
from gyrus.exporting.preprocess_graph import IR_VERSION
from gyrus.numpy_nn import Sequential
from gyrus.numpy_nn import layers as known
from gyrus.numpy_nn.layer import Layer

OPSET = 17
_CHANNELS_LAST = [0, 2, 3, 1]


def maps_of(network: Sequential) -> str:
    """Return which class maps the graph gives: exact where one linear layer follows the mean over space."""
    return "exact" if [type(layer) for layer in network.layers[-2:]] == _POOLED else "occlusion"


_POOLED: list[type[Layer]] = [known.GlobalAvgPool, known.Linear]


def numpy_graph(network: Sequential) -> bytes:
    """Write a network as ONNX, from ``pixels`` (batch, channels, height, width) to ``logits`` and more.

    The embedding is what the last layer, a Linear one, takes; ``maps`` (batch, classes, h, w) are there where
    :func:`maps_of` says exact: the last layer's weights x the features (Zhou et al. 2016).

    Raises
    ------
    ExportError
        When the network does not take images, or does not end in a linear layer.
    """
    last = network.layers[-1]
    if len(network.input_shape) != 3 or not isinstance(last, known.Linear):
        raise ExportError("only networks from images to a last Linear layer become bundles")
    writer = _Writer()
    features = embedding = "pixels"
    for layer in network.layers[:-1]:
        features, embedding = embedding, writer.layer(layer, embedding)
    writer.node("Identity", [embedding], output="embedding")
    writer.node("Identity", [writer.layer(last, embedding)], output="logits")
    outputs: dict[str, list[int | str]] = {
        "logits": ["batch", *network.output_shape],
        "embedding": ["batch", *_shape(last)],
    }
    if maps_of(network) == "exact":
        weight = last.parameters["weight"].T[:, :, None, None]
        writer.node("Conv", [features, writer.constant(weight)], output="maps")
        height, width, _ = _shape(network.layers[-2])
        outputs["maps"] = ["batch", *network.output_shape, height, width]
    height, width, channels = network.input_shape
    graph = helper.make_graph(
        writer.nodes,
        "network",
        [_value("pixels", ["batch", channels, height, width])],
        [_value(name, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in writer.constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="gyrus"
    )
    checker.check_model(model, full_check=True)
    return to_bytes(model)


def _value(name: str, shape: Sequence[int | str]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _shape(layer: Layer) -> tuple[int, ...]:
    assert layer.input_shape is not None
    return layer.input_shape


class _Writer:
    """Collects nodes; images are (batch, channels, height, width) here, as in all of ONNX."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def node(
        self, operator: str, inputs: Sequence[str], *, output: str | None = None, **attributes: Any
    ) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(
            value, np.int64 if value.dtype.kind == "i" else np.float32
        )
        return name

    def layer(self, layer: Layer, x: str) -> str:
        """Write the nodes of a layer and return the name of what it gives."""
        kind = type(layer).__name__
        if isinstance(layer, known.Conv2d):
            return self._conv(layer, x)
        if isinstance(layer, known.Linear):
            inputs = [x, *(self.constant(value) for value in layer.parameters.values())]
            return self.node("Gemm", inputs)
        if isinstance(layer, known.BatchNorm):
            numbers = {**layer.parameters, **layer.statistics}
            inputs = [x, *(self.constant(numbers[name]) for name in ("gamma", "beta", "mean", "variance"))]
            return self.node("BatchNormalization", inputs, epsilon=layer.epsilon)
        if isinstance(layer, known.MaxPool2d | known.AvgPool2d):
            step = layer.kernel_size if layer.stride is None else layer.stride
            operator = "MaxPool" if kind == "MaxPool2d" else "AveragePool"
            return self.node(operator, [x], kernel_shape=[layer.kernel_size] * 2, strides=[step] * 2)
        if isinstance(layer, known.GlobalAvgPool):
            return self.node("Flatten", [self.node("GlobalAveragePool", [x])])
        if isinstance(layer, known.Flatten):  # numpy_nn flattens channels last, and so must the graph
            images = len(_shape(layer)) == 3
            return self.node("Flatten", [self.node("Transpose", [x], perm=_CHANNELS_LAST) if images else x])
        if isinstance(layer, known.Residual):
            ways = [self._row(layer.layers, x), self._row(layer.shortcut, x)]
            return self.node("Add", ways)
        if isinstance(layer, known.Dropout):  # does nothing after training
            return x
        if isinstance(layer, known.LeakyReLU):
            return self.node("LeakyRelu", [x], alpha=layer.negative_slope)
        if isinstance(layer, known.ReLU | known.Sigmoid | known.Tanh):
            return self.node({"ReLU": "Relu"}.get(kind, kind), [x])
        raise ExportError(f"layer {layer.name} has no counterpart in ONNX")

    def _conv(self, layer: known.Conv2d, x: str) -> str:
        kernel = layer.kernel_size
        weight = layer.parameters["weight"].reshape(kernel, kernel, -1, layer.out_channels)
        inputs = [x, self.constant(weight.transpose(3, 2, 0, 1))]
        inputs += [self.constant(layer.parameters["bias"])] if layer.bias else []
        return self.node(
            "Conv", inputs, kernel_shape=[kernel] * 2, strides=[layer.stride] * 2, pads=[layer.padding] * 4
        )

    def _row(self, row: Sequence[Layer], x: str) -> str:
        for layer in row:
            x = self.layer(layer, x)
        return x
