"""ONNX Runtime, set up the way this project needs it: quiet, bounded threads, hardly any spinning."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from gyrus.bundles.mask_rules import SEGMENT, picture_classes_of
from gyrus.errors import BundleError, UsageError

_ERRORS_ONLY = 3
MAPS_IN_GRAPH = ("exact", "gradient")
"""What a card's ``outputs.maps`` says where ``network.onnx`` computes them itself."""

# ONNX Runtime raises one class per status code, without a base class of its own.
_STATUSES = (
    "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException",
    "EPFail", "EngineError", "NoModel", "NoSuchFile",
)  # fmt: skip
RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    getattr(states, name) for name in _STATUSES if hasattr(states, name)
)

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# a cuda session answers within the tolerance of the self-test: TF32 keeps 10 of 23 bits, and is the default
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}

# A thread that waits for its part of an operator looks for it this long before it sleeps, and only while an
# image is in the network. MobileNetV3-L on 2 idle cores: 2.9 ms without, 1.6 ms with 20 us, 1.5 ms with
# ONNX Runtime's own second and more; with a neighbour on each core 3.4, 3.4 and 3.5 ms, the last at twice the
# processor time. In versions where it was not seen to be obeyed there is no spinning at all.
_SPIN_US = "20"
_FIRST_WITH_SPIN_LENGTH = (1, 31)


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


class Runnable(Protocol):
    """A network that computes, whatever computes it."""

    def run(self, value: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the outputs by name; may be called from several threads at once."""


class Graph:
    """A graph ready to run by ONNX Runtime.

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
    device : {"cpu", "cuda"}
        Where it is computed.
    most_kept_bytes : int, optional
        After a larger input the memory that it took is given back; default: it is always kept for the next.
        ONNX Runtime never does so by itself, and one image of 50 megapixels takes 400 MiB.

    Raises
    ------
    BundleError
        When ONNX Runtime cannot load it or its inputs and outputs have other names.
    UsageError
        When there is no CUDA device that ONNX Runtime can use, and one is asked for.
    """

    def __init__(
        self,
        data: bytes,
        *,
        name: str,
        source: str,
        results: Sequence[str],
        threads: int,
        device: Literal["cpu", "cuda"] = "cpu",
        most_kept_bytes: int | None = None,
    ) -> None:
        self.name, self._source, self._results = name, source, list(results)
        self._most_kept_bytes = most_kept_bytes
        if device == "cuda":
            check_cuda()
        wanted = [(_CUDA, _CUDA_OPTIONS), _CPU] if device == "cuda" else [_CPU]
        try:
            self._session = onnxruntime.InferenceSession(
                data, sess_options=_options(threads), providers=wanted
            )
        except RUNTIME_ERRORS as error:
            raise BundleError(
                f"member {name} cannot be loaded by ONNX Runtime {onnxruntime.__version__}: {error}",
                fix="update onnxruntime, or export the model again",
            ) from error
        if device == "cuda" and self._session.get_providers()[0] != _CUDA:
            raise UsageError(  # it goes on with the processor by itself
                "ONNX Runtime cannot use the CUDA device: its libraries do not load",
                fix="install the CUDA and cuDNN versions that this onnxruntime-gpu names, or leave out "
                "--device cuda",
            )
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
        large = self._most_kept_bytes is not None and value.nbytes > self._most_kept_bytes
        try:
            values = self._session.run(
                self._results, {self._source: value}, _giving_back() if large else None
            )
        except RUNTIME_ERRORS as error:
            raise BundleError(
                f"member {self.name} failed on an input of shape {value.shape}: {error}"
            ) from error
        return dict(zip(self._results, values, strict=True))


def check_cuda() -> None:
    """Refuse a CUDA device where this ONNX Runtime has none.

    Raises
    ------
    UsageError
        With the package that brings it.
    """
    found = onnxruntime.get_available_providers()
    if _CUDA not in found:
        raise UsageError(
            f"device cuda was asked for; this onnxruntime has {', '.join(found)}",
            fix="install onnxruntime-gpu in place of onnxruntime, or leave out --device cuda",
        )
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the libraries that pip has brought with torch


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    version = tuple(int(part) for part in onnxruntime.__version__.split(".")[:2])
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if version < _FIRST_WITH_SPIN_LENGTH:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _giving_back() -> Any:
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def output_names(card: Mapping[str, Any]) -> list[str]:
    """Return what ``network.onnx`` gives according to the card."""
    names = ["logits"]
    if card["task"] == SEGMENT:
        names = ["mask_logits", *(["logits"] if picture_classes_of(card) else [])]
    if card["outputs"]["embedding"]:
        names.append("embedding")
    if card["outputs"]["maps"] in MAPS_IN_GRAPH:
        names.append("maps")
    return names
