"""One ONNX file from a bundle's two graphs: an image goes in as it was read, probabilities come out.

Without torch: a bundle is all that is needed. What a bundle has beyond graphs (gate, operating points, sets,
neighbours) does not fit into a graph; the file's metadata says whose it is and what it does not do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.bundles import Bundle
from gyrus.bundles.card_rules import activation_of
from gyrus.bundles.members import NETWORK, PREPROCESS
from gyrus.decision import Calibration
from gyrus.errors import ExportError, require

PROBABILITIES = "probabilities"
IMAGE = "image"
_FIRST, _SECOND = "preprocess/", "network/"


def merged_graph(bundle: Bundle) -> bytes:
    """Return an ONNX file that answers one image.

    Input ``image``: uint8 (height, width, channels) of any size, as the card's reading policy gives it.
    Outputs: ``probabilities`` float32 (1, K), calibrated as the card says, and whatever the bundle's
    ``network.onnx`` gives (``logits``, ``embedding``, ``maps``).

    Raises
    ------
    MissingDependencyError
        Where the ``onnx`` package is not installed.
    ExportError
        When the two graphs do not fit together.
    """
    onnx = require("onnx", "train", "merging two graphs into one")
    first = onnx.load_from_string(bundle.members[PREPROCESS])
    second = onnx.load_from_string(bundle.members[NETWORK])
    results = [value.name for value in second.graph.output]
    # names inside the two may be the same
    first = onnx.compose.add_prefix(first, _FIRST)
    second = onnx.compose.add_prefix(second, _SECOND)
    _align(first, second)
    try:
        model = onnx.compose.merge_models(
            first, second, io_map=[(_FIRST + "pixels", _SECOND + "pixels")], name="gyrus"
        )
        del model.opset_import[1:]  # the two are the same by now
        _name(model, {_FIRST + IMAGE: IMAGE, **{_SECOND + name: name for name in results}})
        _add_probabilities(onnx, model, bundle.card)
        _one_image(model)
        _describe(onnx, model, bundle)
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ExportError(f"the two graphs of the bundle cannot be merged: {reason}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _align(first: Any, second: Any) -> None:
    """Give both graphs the newer operator set and format; their operators mean the same in either."""
    newest = max(entry.version for model in (first, second) for entry in model.opset_import)
    version = max(first.ir_version, second.ir_version)
    for model in (first, second):
        model.ir_version = version
        for entry in model.opset_import:
            entry.version = newest


def _name(model: Any, names: Mapping[str, str]) -> None:
    """Rename values everywhere in the main graph."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    for node in model.graph.node:
        for field in (node.input, node.output):
            for index, name in enumerate(field):
                field[index] = names.get(name, name)


def _add_probabilities(onnx: Any, model: Any, card: Mapping[str, Any]) -> None:
    """Append what makes probabilities of logits, and put them first among the outputs."""
    constants = _scaling(Calibration.from_card(card.get("calibration"), activation_of(card)))
    source, graph = "logits", model.graph
    for operator, name, values in constants:
        graph.initializer.append(onnx.numpy_helper.from_array(values, name))
        result = f"calibration/{operator.lower()}"
        graph.node.append(onnx.helper.make_node(operator, [source, name], [result]))
        source = result
    if activation_of(card) == "softmax":
        graph.node.append(onnx.helper.make_node("Softmax", [source], [PROBABILITIES], axis=1))
    else:
        graph.node.append(onnx.helper.make_node("Sigmoid", [source], [PROBABILITIES]))
    shape = [1, len(card["classes"])]
    outputs = [
        onnx.helper.make_tensor_value_info(PROBABILITIES, onnx.TensorProto.FLOAT, shape),
        *graph.output,
    ]
    del graph.output[:]
    graph.output.extend(outputs)


def _scaling(calibration: Calibration) -> list[tuple[str, str, npt.NDArray[np.float32]]]:
    """Return the operators between logits and activation: (operator, name of its constant, values)."""
    if calibration.temperature is not None:
        return [("Div", "calibration/temperature", np.array(calibration.temperature, np.float32))]
    if calibration.scale is not None and calibration.bias is not None:
        return [
            ("Mul", "calibration/scale", np.array([calibration.scale], np.float32)),
            ("Add", "calibration/bias", np.array([calibration.bias], np.float32)),
        ]
    return []


def _one_image(model: Any) -> None:
    """Fix the first axis of every output: the preprocessing takes one image at a time."""
    for value in model.graph.output:
        dimension = value.type.tensor_type.shape.dim[0]
        dimension.ClearField("dim_param")
        dimension.dim_value = 1


def _describe(onnx: Any, model: Any, bundle: Bundle) -> None:
    card = bundle.card
    model.producer_name = "gyrus"
    model.producer_version = card["gyrus_version"]
    left_out = [name for name in ("gate", "operating_points", "conformal") if card.get(name) is not None]
    onnx.helper.set_model_props(
        model,
        {
            "architecture": card["architecture"],
            "bundle": bundle.digest,
            "classes": json.dumps(card["classes"], ensure_ascii=False),
            "intended_use": card["intended_use"],
            "leakage": card["leakage"]["sentence"],
            "not_in_this_file": json.dumps(left_out),
            "reading_policy": card["input"]["reading_policy"],
            "task": card["task"],
        },
    )
