"""A whole segmentation bundle in a few kilobytes: what is brighter than a grey level is marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from gyrus.bundles import encode_bundle, make_card
from gyrus.inference import make_self_test
from tiny_bundle import MEAN, SIZE, STD, _model, preprocess_model

CLASSES = ("lesion",)
SEVERAL = ("core", "edema")
PICTURE_CLASSES = ("glioma", "meningioma", "pituitary")
BRIGHT = 200
"""Grey level at which the probability of ``lesion`` (of several: of ``core``) is a half."""
DIM = 100
"""Grey level from which on ``edema`` begins."""
_STEEP = 40.0


def network_model(*, several: bool = False, joint: bool = False, size: int = SIZE) -> bytes:
    """float32 (batch, 1, size, size) -> mask_logits, embedding, and of a joint network logits."""
    planes = 3 if several else 1
    levels = [(level / 255 - MEAN) / STD for level in (DIM, BRIGHT)]
    slopes = np.array([[[[0.0]]], [[[2 * _STEEP]]], [[[_STEEP]]]] if several else [[[[_STEEP]]]], np.float32)
    offsets = np.array(
        [0.0, -_STEEP * (levels[0] + levels[1]), -_STEEP * levels[0]] if several else [-_STEEP * levels[1]],
        np.float32,
    )
    nodes = [
        helper.make_node("Conv", ["pixels", "slopes", "offsets"], ["mask_logits"]),
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
    ]
    constants: dict[str, Any] = {"slopes": slopes, "offsets": offsets}
    floats = TensorProto.FLOAT
    outputs = [
        helper.make_tensor_value_info("mask_logits", floats, ["batch", planes, size, size]),
        helper.make_tensor_value_info("embedding", floats, ["batch", 1]),
    ]
    if joint:
        count = len(PICTURE_CLASSES)
        nodes.append(helper.make_node("Gemm", ["embedding", "head", "bias"], ["logits"], transB=1))
        constants["head"] = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
        constants["bias"] = np.zeros(count, np.float32)
        outputs.append(helper.make_tensor_value_info("logits", floats, ["batch", count]))
    given = helper.make_tensor_value_info("pixels", floats, ["batch", 1, size, size])
    return _model(nodes, constants, given, outputs)


def segmentation(*, joint: bool = False, **postprocess: Any) -> dict[str, Any]:
    """The card's field ``segmentation``."""
    rule = {
        "threshold": 0.5,
        "fill_holes": False,
        "largest": False,
        "min_size": 0,
        "unit": "px",
        "chosen_on": None,
    }
    return {
        "kind": "binary", "values": None, "picture_classes": list(PICTURE_CLASSES) if joint else None,
        "windows": None, "postprocess": {**rule, **postprocess},
    }  # fmt: skip


def card(
    *, several: bool = False, joint: bool = False, rule: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """The card that fits the graphs."""
    told = segmentation(joint=joint, **(rule or {}))
    if several:
        told |= {"kind": "values", "values": {"1": "core", "2": "edema"}}
    options: dict[str, Any] = {
        "task": "segment", "classes": SEVERAL if several else CLASSES, "architecture": "unet",
        "reading_policy": "grey8/1", "color": "grey", "image_size_px": SIZE, "mean": [MEAN], "std": [STD],
        "maps": "none", "dynamic_size": False, "segmentation": told, "name": "tiny",
    }  # fmt: skip
    return make_card(**{**options, **changes})


def bundle_bytes(
    *, several: bool = False, joint: bool = False, rule: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    """A bundle that was checked, with a self-test."""
    told = card(several=several, joint=joint, rule=rule, **changes)
    graphs = {
        "preprocess.onnx": preprocess_model(),
        "network.onnx": network_model(several=several, joint=joint),
    }
    picture = np.zeros((40, 48, 1), np.uint8)
    picture[8:20, 10:30] = 250
    tested = make_self_test(told, graphs["preprocess.onnx"], graphs["network.onnx"], {"square": picture})
    return encode_bundle(graphs | tested, told)
