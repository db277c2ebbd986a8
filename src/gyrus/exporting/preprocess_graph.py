"""``preprocess.onnx``: from pixels as read to the network's input, built by hand from standard operators.

It is a graph of its own so that it is never quantised: a network bears coarse numbers, a resize does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, checker, helper, numpy_helper

from gyrus.errors import UsageError
from gyrus.exporting.cleaning import to_bytes

OPSET = 18  # the first whose Resize knows antialiasing
IR_VERSION = 9


def preprocess_graph(
    *, image_size: int, channels_in: int, mean: Sequence[float], std: Sequence[float]
) -> bytes:
    """Build the preprocessing graph.

    Input ``image``: uint8 (height, width, channels_in) of any size. Output ``pixels``: float32
    (1, len(mean), image_size, image_size), normalised; one grey channel becomes as many as there are means.

    The resize is linear over half-pixel centres, antialiased by widening the triangle when it reduces, as
    Pillow's and torch's antialiased bilinear ones are. ``exclude_outside`` renormalises the weights at the
    border, as those two do.

    Raises
    ------
    UsageError
        When the channels do not fit: ``channels_in`` is neither 1 nor ``len(mean)``.
    """
    if len(mean) != len(std):
        raise UsageError(f"mean has {len(mean)} values and std {len(std)}; expected as many")
    if channels_in not in (1, len(mean)):
        raise UsageError(f"images of {channels_in} channels do not fit a network of {len(mean)}")
    scale = 1.0 / (255.0 * np.asarray(std, dtype=np.float64))
    offset = -np.asarray(mean, dtype=np.float64) / np.asarray(std, dtype=np.float64)
    constants: dict[str, npt.NDArray[Any]] = {
        "first_axis": np.array([0], dtype=np.int64),
        "size": np.array([1, channels_in, image_size, image_size], dtype=np.int64),
        "scale": scale.astype(np.float32).reshape(1, -1, 1, 1),
        "offset": offset.astype(np.float32).reshape(1, -1, 1, 1),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "first_axis"], ["batch"]),
        helper.make_node(
            "Resize",
            ["batch", "", "", "size"],
            ["resized"],
            mode="linear",
            antialias=1,
            exclude_outside=1,
            coordinate_transformation_mode="half_pixel",
        ),
        # (x / 255 - mean) / std; broadcasting over the channels repeats a grey one
        helper.make_node("Mul", ["resized", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["pixels"]),
    ]
    graph = helper.make_graph(
        nodes,
        "preprocess",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", channels_in])],
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, len(mean), image_size, image_size])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="gyrus"
    )
    checker.check_model(model)
    return to_bytes(model)
