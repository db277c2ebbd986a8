"""The geometry of :mod:`gyrus.imaging.geometry` as standard ONNX operators, for images of any size.

All places are computed in whole numbers from the shape of the image (and, for the box around the head, from
its pixels), so that they are those of training to the pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper

from gyrus.imaging.brain_box import BRIGHT, LINE, SHORTEST
from gyrus.imaging.geometry import Geometry


class GeometryNodes:
    """Collects nodes and constants from the input ``image`` (height, width, channels) uint8 to ``square``.

    Attributes
    ----------
    nodes : list of NodeProto
    constants : dict of str to ndarray
    """

    def __init__(self, geometry: Geometry, channels: int) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self._side, self._channels = geometry.size_px, channels
        self._add("Cast", ["image"], "numbers", to=TensorProto.FLOAT)
        shown = self._head("numbers") if geometry.brain_crop else "numbers"
        if geometry.mode == "crop":
            shown = self._central_square(shown)
        self._add("Transpose", [shown], "planes", perm=[2, 0, 1])
        self._add("Unsqueeze", ["planes", self._constant("first_axis", [0])], "batch")
        if geometry.mode == "pad":
            self._padded("batch", shown)
        else:
            self._resize("batch", self._constant("size", [1, channels, self._side, self._side]), "square")

    def _resize(self, source: str, size: str, result: str) -> None:
        """Linear over half-pixel centres, antialiased by widening the triangle when it reduces.

        That is what Pillow's and torch's antialiased bilinear ones are. ``exclude_outside`` renormalises the
        weights at the border, as those two do.
        """
        self._add(
            "Resize", [source, "", "", size], result,
            mode="linear", antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel",
        )  # fmt: skip

    def _head(self, source: str) -> str:
        """Cut out the box around the head; see :mod:`gyrus.imaging.brain_box`."""
        self._add("ReduceMax", [source, self._constant("channel_axis", [2])], "plane", keepdims=0)
        self._add("ReduceMax", ["plane"], "brightest", keepdims=0)
        self._add("Mul", ["plane", self._constant("bright", np.float32(BRIGHT))], "raised")
        self._add("Greater", ["raised", "brightest"], "is_bright")
        self._add("Cast", ["is_bright"], "bright_pixels", to=TensorProto.INT64)
        height, width = self._length("plane", 0), self._length("plane", 1)
        rows = self._span("row", across=width, length=height, axis=1)
        columns = self._span("column", across=height, length=width, axis=0)
        return self._slice(source, rows, columns, "head")

    def _span(self, name: str, *, across: str, length: str, axis: int) -> tuple[str, str]:
        """Return the values ``start`` and ``end`` (1,) of the head along one axis.

        Without any line ArgMax gives the first place and, asked for the last index, the last one: the whole.
        """
        self._add("ReduceSum", ["bright_pixels", self._constant(f"{name}_sum_axis", [axis])],
                  f"{name}_counts", keepdims=0)  # fmt: skip
        self._add("Mul", [f"{name}_counts", self._constant("line", [LINE])], f"{name}_shares")
        self._add("GreaterOrEqual", [f"{name}_shares", across], f"{name}_is_head")
        self._add("Cast", [f"{name}_is_head"], f"{name}_lines", to=TensorProto.INT32)
        self._add("ArgMax", [f"{name}_lines"], f"{name}_first", axis=0, keepdims=1)
        self._add("ArgMax", [f"{name}_lines"], f"{name}_last", axis=0, keepdims=1, select_last_index=1)
        self._add("Add", [f"{name}_last", self._one()], f"{name}_stop")
        self._add("Sub", [f"{name}_stop", f"{name}_first"], f"{name}_extent")
        self._add("Mul", [f"{name}_extent", self._constant("shortest", [SHORTEST])], f"{name}_raised")
        self._add("Less", [f"{name}_raised", length], f"{name}_is_short")
        self._add(
            "Where", [f"{name}_is_short", self._constant("zero", [0]), f"{name}_first"], f"{name}_start"
        )
        self._add("Where", [f"{name}_is_short", length, f"{name}_stop"], f"{name}_end")
        return f"{name}_start", f"{name}_end"

    def _central_square(self, source: str) -> str:
        height, width = self._length(source, 0), self._length(source, 1)
        self._add("Min", [height, width], "square_side")
        for name, length in (("down", height), ("across", width)):
            self._add("Sub", [length, "square_side"], f"{name}_spare")
            self._add("Div", [f"{name}_spare", self._two()], f"{name}_start")
            self._add("Add", [f"{name}_start", "square_side"], f"{name}_end")
        return self._slice(source, ("down_start", "down_end"), ("across_start", "across_end"), "centre")

    def _padded(self, source: str, shown: str) -> None:
        """Scale as a whole, then put black beside it, to ``square``."""
        height, width = self._length(shown, 0), self._length(shown, 1)
        self._add("Max", [height, width], "longest")
        self._add("Mul", ["longest", self._two()], "longest_twice")
        sizes, before, after = [], [], []
        for name, length in (("rows", height), ("columns", width)):
            self._add("Mul", [length, self._constant("side_twice", [2 * self._side])], f"{name}_twice")
            self._add("Add", [f"{name}_twice", "longest"], f"{name}_half_up")
            self._add("Div", [f"{name}_half_up", "longest_twice"], f"{name}_rounded")
            self._add("Max", [f"{name}_rounded", self._one()], f"{name}_fitted")
            self._add("Sub", [self._constant("side", [self._side]), f"{name}_fitted"], f"{name}_spare")
            self._add("Div", [f"{name}_spare", self._two()], f"{name}_before")
            self._add("Sub", [f"{name}_spare", f"{name}_before"], f"{name}_after")
            sizes.append(f"{name}_fitted")
            before.append(f"{name}_before")
            after.append(f"{name}_after")
        batch, none = (
            self._constant("batch_and_channels", [1, self._channels]),
            self._constant("none", [0, 0]),
        )
        self._add("Concat", [batch, *sizes], "fitted_size", axis=0)
        self._resize(source, "fitted_size", "fitted")
        self._add("Concat", [none, *before, none, *after], "black_beside", axis=0)
        self._add("Pad", ["fitted", "black_beside"], "square", mode="constant")

    def _length(self, source: str, axis: int) -> str:
        """Return the value (1,) that holds a length of ``source``."""
        self._add("Shape", [source], f"{source}_length_{axis}", start=axis, end=axis + 1)
        return f"{source}_length_{axis}"

    def _slice(self, source: str, rows: tuple[str, str], columns: tuple[str, str], result: str) -> str:
        for index, name in enumerate(("starts", "ends")):
            self._add("Concat", [rows[index], columns[index]], f"{result}_{name}", axis=0)
        axes = self._constant("image_axes", [0, 1])
        self._add("Slice", [source, f"{result}_starts", f"{result}_ends", axes], result)
        return result

    def _one(self) -> str:
        return self._constant("one", [1])

    def _two(self) -> str:
        return self._constant("two", [2])

    def _constant(self, name: str, value: Sequence[int] | np.float32) -> str:
        self.constants[name] = np.asarray(
            value, dtype=np.float32 if isinstance(value, np.float32) else np.int64
        )
        return name

    def _add(self, kind: str, inputs: Sequence[str], result: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, list(inputs), [result], **attributes))
