"""A whole bundle in a few kilobytes: a small random network with exact class activation maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gyrus.bundles import make_card

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
SIZE = 32
MEAN, STD = 0.4, 0.25


def preprocess_model(channels: int = 1, size: int = SIZE) -> bytes:
    """uint8 (height, width, channels) -> float32 (1, channels, size, size), normalised."""
    nodes = [
        helper.make_node("Transpose", ["image"], ["planar"], perm=[2, 0, 1]),
        helper.make_node("Cast", ["planar"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["floats", "axes"], ["batch"]),
        helper.make_node(
            "Resize", ["batch", "", "", "sizes"], ["resized"], mode="linear", antialias=1, exclude_outside=1
        ),
        helper.make_node("Div", ["resized", "scale"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["pixels"]),
    ]
    constants = {
        "axes": np.array([0], dtype=np.int64),
        "sizes": np.array([1, channels, size, size], dtype=np.int64),
        "scale": np.array(255, dtype=np.float32),
        "mean": np.array(MEAN, dtype=np.float32),
        "std": np.array(STD, dtype=np.float32),
    }
    return _model(
        nodes, constants,
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", channels]),
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, channels, size, size])],
    )  # fmt: skip


def network_model(
    num_classes: int = len(CLASSES), channels: int = 1, features: int = 6, seed: int = 0
) -> bytes:
    """float32 (batch, channels, height, width) -> logits, embedding, maps."""
    random = np.random.default_rng(seed)
    head = random.normal(size=(num_classes, features)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["pixels", "filters"], ["raw"], strides=[8, 8]),
        helper.make_node("Relu", ["raw"], ["grid"]),
        helper.make_node("GlobalAveragePool", ["grid"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "head", "bias"], ["logits"], transB=1),
        helper.make_node("Conv", ["grid", "head_1x1"], ["maps"]),
    ]
    constants = {
        "filters": random.normal(size=(features, channels, 8, 8)).astype(np.float32) / 4,
        "head": head,
        "head_1x1": head[:, :, None, None],
        "bias": random.normal(size=num_classes).astype(np.float32),
    }
    floats = TensorProto.FLOAT
    return _model(
        nodes, constants,
        helper.make_tensor_value_info("pixels", floats, ["batch", channels, "height", "width"]),
        [
            helper.make_tensor_value_info("logits", floats, ["batch", num_classes]),
            helper.make_tensor_value_info("embedding", floats, ["batch", features]),
            helper.make_tensor_value_info("maps", floats, ["batch", num_classes, "rows", "columns"]),
        ],
    )  # fmt: skip


def members(**options: Any) -> dict[str, bytes]:
    """The two graphs of a tiny bundle."""
    return {"preprocess.onnx": preprocess_model(), "network.onnx": network_model(**options)}


def card(**changes: Any) -> dict[str, Any]:
    """The card that fits them."""
    options: dict[str, Any] = {
        "classes": CLASSES, "architecture": "simple_cnn", "reading_policy": "grey8/1", "color": "grey",
        "image_size_px": SIZE, "mean": [MEAN], "std": [STD], "seeds": {"split": 0, "training": 0},
    }  # fmt: skip
    return make_card(**{**options, **changes})


def _model(nodes: list[Any], constants: dict[str, Any], given: Any, results: list[Any]) -> bytes:
    graph = helper.make_graph(
        nodes, "tiny", [given], results,
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
