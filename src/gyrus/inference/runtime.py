"""ONNX Runtime, set up the way this project needs it: quiet, bounded threads, no spinning."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from gyrus.errors import BundleError, UsageError

_ERRORS_ONLY = 3

# ONNX Runtime raises one class per status code, without a base class of its own.
_STATUSES = (
    "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException",
    "EPFail", "EngineError", "NoModel", "NoSuchFile",
)  # fmt: skip
RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    getattr(states, name) for name in _STATUSES if hasattr(states, name)
)


def usable_cores() -> int:
    """Return how many cores this process may use (not how many the machine has)."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not tell
        return os.cpu_count() or 1


def checked_threads(threads: int | None) -> int:
    """Return ``threads``, or all usable cores for None.

    Raises
    ------
    UsageError
        For less than one.
    """
    if threads is None:
        return usable_cores()
    if threads < 1:
        raise UsageError(f"threads is {threads}; expected at least 1")
    return threads


class Graph:
    """A graph ready to run on the CPU.

    Parameters
    ----------
    data : bytes
        ONNX file.
    name : str
        Member name, for messages.
    source : str
        Name of the graph's one input.
    results : sequence of str
        Outputs that it must have; these are computed, in this order.
    threads : int
        Threads inside one operator.

    Raises
    ------
    BundleError
        When ONNX Runtime cannot load it or its inputs and outputs have other names.
    """

    def __init__(self, data: bytes, *, name: str, source: str, results: Sequence[str], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Spinning threads win microseconds on an idle machine and lose seconds on a shared one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self.name, self._source, self._results = name, source, list(results)
        try:
            self._session = onnxruntime.InferenceSession(
                data, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except RUNTIME_ERRORS as error:
            raise BundleError(
                f"member {name} cannot be loaded by ONNX Runtime {onnxruntime.__version__}: {error}",
                fix="update onnxruntime, or export the model again",
            ) from error
        inputs = [value.name for value in self._session.get_inputs()]
        outputs = [value.name for value in self._session.get_outputs()]
        missing = [result for result in results if result not in outputs]
        if inputs != [source] or missing:
            raise BundleError(
                f"member {name} has inputs {inputs} and outputs {outputs}; "
                f"expected input {source!r} and outputs {list(results)}",
                fix="export the model again",
            )

    def run(self, value: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the outputs by name; may be called from several threads at once.

        Raises
        ------
        BundleError
            When the runtime stops, or the input does not fit.
        """
        try:
            values = self._session.run(self._results, {self._source: value})
        except RUNTIME_ERRORS as error:
            raise BundleError(
                f"member {self.name} failed on an input of shape {value.shape}: {error}"
            ) from error
        return dict(zip(self._results, values, strict=True))


def output_names(card: Mapping[str, Any]) -> list[str]:
    """Return what ``network.onnx`` gives according to the card."""
    names = ["logits"]
    if card["outputs"]["embedding"]:
        names.append("embedding")
    if card["outputs"]["maps"] != "none":
        names.append("maps")
    return names
