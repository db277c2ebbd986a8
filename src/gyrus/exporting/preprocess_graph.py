"""``preprocess.onnx``: from pixels as read to the network's input, built by hand from standard operators.

It is a graph of its own so that it is never quantised: a network bears coarse numbers, a resize does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from gyrus.errors import UsageError
from gyrus.exporting.cleaning import to_bytes
from gyrus.exporting.geometry_nodes import GeometryNodes
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.normalisation import SMALLEST_SPREAD

OPSET = 18  # the first whose Resize knows antialiasing
IR_VERSION = 9


def preprocess_graph(
    *,
    geometry: Geometry,
    channels_in: int,
    mean: Sequence[float],
    std: Sequence[float],
    per_image: bool = False,
) -> bytes:
    """Build the preprocessing graph.

    Input ``image``: uint8 (height, width, channels_in) of any size. Output ``pixels``: float32
    (1, len(mean), size, size), normalised; one grey channel becomes as many as there are means.

    Parameters
    ----------
    geometry : Geometry
        From the image to the square.
    channels_in : int
        Channels of the images as read.
    mean, std : sequence of float
        Normalisation of pixels scaled to [0, 1], by channel of the network.
    per_image : bool
        Before ``mean`` and ``std``, subtract each square's own mean and divide by its own standard deviation;
        see :data:`gyrus.imaging.normalisation.SMALLEST_SPREAD`.

    Raises
    ------
    UsageError
        When the channels do not fit: ``channels_in`` is neither 1 nor ``len(mean)``.
    """
    if len(mean) != len(std):
        raise UsageError(f"mean has {len(mean)} values and std {len(std)}; expected as many")
    if channels_in not in (1, len(mean)):
        raise UsageError(f"images of {channels_in} channels do not fit a network of {len(mean)}")
    path = GeometryNodes(geometry, channels_in)
    own, own_constants = _standardised() if per_image else ([], {})
    to_unit = 1.0 if per_image else 255.0
    scale = 1.0 / (to_unit * np.asarray(std, dtype=np.float64))
    offset = -np.asarray(mean, dtype=np.float64) / np.asarray(std, dtype=np.float64)
    constants: dict[str, npt.NDArray[Any]] = {
        **path.constants,
        **own_constants,
        "scale": scale.astype(np.float32).reshape(1, -1, 1, 1),
        "offset": offset.astype(np.float32).reshape(1, -1, 1, 1),
    }
    nodes = [
        *path.nodes,
        *own,
        # (x / 255 - mean) / std; broadcasting over the channels repeats a grey one
        helper.make_node("Mul", ["standard" if per_image else "square", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["pixels"]),
    ]
    side = geometry.size_px
    graph = helper.make_graph(
        nodes,
        "preprocess",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", channels_in])],
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, len(mean), side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="gyrus"
    )
    checker.check_model(model)
    return to_bytes(model)


def _standardised() -> tuple[list[NodeProto], dict[str, npt.NDArray[Any]]]:
    """Return the nodes from ``square`` (grey levels) to ``standard``: own mean 0, own spread 1."""
    nodes = [
        helper.make_node("ReduceMean", ["square"], ["own_mean"], keepdims=1),
        helper.make_node("Sub", ["square", "own_mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "centred"], ["squared"]),
        helper.make_node("ReduceMean", ["squared"], ["own_variance"], keepdims=1),
        helper.make_node("Sqrt", ["own_variance"], ["own_std"]),
        helper.make_node("Max", ["own_std", "smallest_spread"], ["own_spread"]),
        helper.make_node("Div", ["centred", "own_spread"], ["standard"]),
    ]
    return nodes, {"smallest_spread": np.array(SMALLEST_SPREAD * 255.0, dtype=np.float32)}
