"""``network.onnx`` by OpenVINO, in float32 or bfloat16; behind the preprocessing of ONNX Runtime.

OpenVINO takes the resize of ``preprocess.onnx`` and ignores its antialiasing without a word: up to 80 grey
levels off. Its own Pillow-like resize is right, and takes three times as long as ONNX Runtime's. So the
pixels are those of every other runtime, to the bit, and only the network is OpenVINO's.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.errors import BundleError, UsageError, require

PRECISIONS = {"openvino": "f32", "openvino-bf16": "bf16"}
"""Number format of the network, by runtime."""
_ONE_AT_A_TIME = threading.Lock()


class OpenVinoNetwork:
    """A network ready to run by OpenVINO on the processor.

    Parameters
    ----------
    data : bytes
        ONNX file with one input (batch, channels, height, width).
    name : str
        Member name, for messages.
    source : str
        Name of the input.
    results : sequence of str
        Outputs that it must have.
    threads : int
        Threads inside the network, for each caller.
    callers : int
        So many are computed side by side; further ones wait. OpenVINO calls that streams, and makes one by
        itself: a second caller would wait although its processor has nothing to do.
    precision : {"f32", "bf16"}
        Number format; bf16 only where the processor computes with it.
    size_px : int
        Height and width of all inputs; what is known before compiling need not be looked up in each run.

    Raises
    ------
    MissingDependencyError
        Without OpenVINO.
    UsageError
        For bf16 on a processor that does not know it.
    BundleError
        When OpenVINO cannot load the graph, or its inputs and outputs have other names.
    """

    def __init__(
        self,
        data: bytes,
        *,
        name: str,
        source: str,
        results: Sequence[str],
        threads: int,
        precision: str,
        size_px: int,
        callers: int = 1,
    ) -> None:
        openvino = require("openvino", "openvino", "runtime openvino")
        self.name, self._results = name, list(results)
        core = shared_core()
        if precision == "bf16":
            _check_bf16(core)
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": callers,
            "INFERENCE_NUM_THREADS": callers * threads,
            "ENABLE_CPU_PINNING": False,  # a second process would be pinned to the very same cores
        }
        try:
            model = core.read_model(data)
            _check_names(model, name, source, self._results)
            model.reshape({source: [-1, model.input(source).partial_shape[1], size_px, size_px]})
            self._compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise BundleError(
                f"member {name} cannot be loaded by OpenVINO {openvino.__version__}: {_first_line(error)}",
                fix="--runtime onnxruntime",
            ) from error
        self._ports = [self._compiled.output(result) for result in self._results]
        # a request serves one caller at a time; as many are made as there are callers at once
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self, value: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the outputs by name; may be called from several threads at once.

        Raises
        ------
        BundleError
            When OpenVINO stops, or the input does not fit.
        """
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            # shared: a copy into the request's own memory forbids batches of other sizes than the first
            answers = request.infer(np.ascontiguousarray(value), share_inputs=True, share_outputs=True)
            return {
                result: np.array(
                    answers[port], dtype=np.float32
                )  # the request's memory serves the next caller
                for result, port in zip(self._results, self._ports, strict=True)
            }
        except RuntimeError as error:
            raise BundleError(
                f"member {self.name} failed in OpenVINO on an input of shape {value.shape}: "
                f"{_first_line(error)}"
            ) from error
        finally:
            self._idle.put(request)


def shared_core() -> Any:
    """Return the process's one ``openvino.Core``; it is never given back.

    Each core loads OpenVINO's CPU plugin once more, which lays a signal stack of its own (sigaltstack) under
    the thread that loads it. Cores that end in another order than they began, or in another thread, leave
    that thread with a stack that is no longer mapped: the next signal with a handler, SIGTERM or SIGCHLD,
    then ends the process with a segmentation fault.
    """
    with _ONE_AT_A_TIME:  # a cache alone lets two threads that ask at once make one each
        return _core()


@functools.cache
def _core() -> Any:
    return require("openvino", "openvino", "runtime openvino").Core()


def _check_bf16(core: Any) -> None:
    known = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in known:
        raise UsageError(
            f"this processor computes with {', '.join(known)}, not with bf16",
            fix="--runtime openvino, or onnxruntime",
        )


def _check_names(model: Any, name: str, source: str, results: Sequence[str]) -> None:
    inputs = [given.any_name for given in model.inputs]
    outputs = {known for output in model.outputs for known in output.names}
    missing = [result for result in results if result not in outputs]
    if inputs != [source] or missing:
        raise BundleError(
            f"member {name} has inputs {inputs} and outputs {sorted(outputs)}; "
            f"expected input {source!r} and outputs {list(results)}",
            fix="export the model again",
        )


def _first_line(error: BaseException) -> str:
    """Return the line of an OpenVINO error that says what is wrong; the first names its source file."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("Exception from")), type(error).__name__)
