"""Options about what computes a bundle's graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.ranges import at_least
from gyrus.errors import UsageError

Runtime = Literal["auto", "onnxruntime", "openvino", "openvino-bf16"]
Device = Literal["auto", "cpu", "cuda"]
OPENVINO = ("openvino", "openvino-bf16")


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """What computes a bundle's graphs."""

    runtime: Runtime = "auto"
    """auto: ONNX Runtime; openvino and openvino-bf16 need 'gyrus[openvino]'. openvino-bf16 computes with 8
    significant bits: faster where the processor knows them, and not the very answers that were measured."""
    device: Device = "auto"
    """auto: the processor; cuda needs onnxruntime-gpu in place of onnxruntime, and is never replaced by the
    processor in silence."""
    threads: int | None = None
    """Threads for reading images and inside the network; default: all cores that this process may use."""

    def __post_init__(self) -> None:
        """Check what can be checked without looking at the machine."""
        if self.threads is not None:
            at_least(self, threads=1)
        check_runtime(self.runtime, self.device)


def check_runtime(runtime: str, device: str) -> None:
    """Refuse names that do not exist and pairs that do not go together.

    Raises
    ------
    UsageError
        Naming what there is.
    """
    for name, value, known in (
        ("runtime", runtime, ("auto", "onnxruntime", *OPENVINO)),
        ("device", device, ("auto", "cpu", "cuda")),
    ):
        if value not in known:
            raise UsageError(f"{name} is {value!r}; expected one of {', '.join(known)}")
    if runtime in OPENVINO and device == "cuda":
        raise UsageError(
            f"runtime {runtime} computes on the processor; got device cuda",
            fix="--runtime onnxruntime --device cuda, or leave out --device",
        )
