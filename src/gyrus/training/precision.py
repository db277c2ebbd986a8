"""Which number format trains fastest here: measured once a machine, remembered, never assumed."""

from __future__ import annotations

import copy
import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from gyrus.runs.atomic import write_json
from gyrus.training.memory import is_out_of_memory, let_go

FILE_NAME = "precision.json"
# bf16 rounds to 8 bits; below this gain it is not worth it
WORTHWHILE_GAIN = 1.10
# what a step does; speeds of another kind of step are not remembered
_STEP = "strided depthwise in float32"
_WARM_UP_STEPS = {"cpu": 1, "cuda": 3, "mps": 3}
# the fastest of these counts: a busy neighbour slows a step, nothing speeds one up
_TIMED_STEPS = {"cpu": 3, "cuda": 10, "mps": 3}
_FEWEST = 2  # BatchNorm needs two images
_LARGEST_BATCH = 16  # on a CPU; a GPU is not busy with so few, and is measured with the batch itself


@dataclass(frozen=True, slots=True)
class Precision:
    """The number format of a training.

    Attributes
    ----------
    dtype : str
        ``float32``, or ``bf16`` (automatic mixed precision; the weights stay float32).
    channels_last : bool
        Memory format of images and convolutions.
    source : str
        ``asked`` (an option), ``measured`` (now), ``remembered`` (measured earlier on this machine).
    images_per_s : dict of str to float
        Measured training speed of each candidate; empty when asked for.
    """

    dtype: Literal["float32", "bf16"]
    channels_last: bool
    source: Literal["asked", "measured", "remembered"]
    images_per_s: dict[str, float]

    @property
    def for_trainer(self) -> Literal["32-true", "bf16-mixed"]:
        """Lightning's name for it."""
        return "bf16-mixed" if self.dtype == "bf16" else "32-true"


CANDIDATES: dict[str, tuple[Literal["float32", "bf16"], bool]] = {
    "float32": ("float32", False),
    "float32+channels_last": ("float32", True),
    "bf16+channels_last": ("bf16", True),
}


def choose(
    asked: Literal["auto", "float32", "bf16"],
    network: nn.Module,
    *,
    key: str,
    input_shape: tuple[int, int, int, int],
    device: torch.device,
    cache_folder: Path,
) -> Precision:
    """Return the number format to train with.

    Parameters
    ----------
    asked : str
        The option; anything but ``auto`` is obeyed without measuring.
    network : nn.Module
        A copy of it is trained for a few steps on noise; it is not changed.
    key : str
        Name of the architecture, for the memory.
    input_shape : tuple of int
        (batch, channels, height, width) of training; on a CPU at most 16 images are measured.
    device : torch.device
        Where.
    cache_folder : Path
        Where the result is remembered, by machine, torch version, architecture and shape.
    """
    if asked != "auto":
        return Precision(asked, True, "asked", {})
    batch = input_shape[0] if device.type == "cuda" else min(input_shape[0], _LARGEST_BATCH)
    shape = (batch, *input_shape[1:])
    full_key = " | ".join([_STEP, machine(device), torch.__version__, key, "x".join(map(str, shape))])
    memory = _read_memory(cache_folder / FILE_NAME)
    speeds = memory.get(full_key)
    if speeds is not None and set(speeds) == set(CANDIDATES):
        return _decide(speeds, "remembered")
    speeds = _measured_in_memory(network, shape, device)
    write_json(cache_folder / FILE_NAME, {**memory, full_key: speeds})
    return _decide(speeds, "measured")


def measure(network: nn.Module, shape: tuple[int, ...], device: torch.device) -> dict[str, float]:
    """Return training speed in images a second of each candidate; the random state is left as it was."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        return {name: _speed(network, shape, device, *candidate) for name, candidate in CANDIDATES.items()}


def _measured_in_memory(network: nn.Module, shape: tuple[int, ...], device: torch.device) -> dict[str, float]:
    """Measure; with half the images, a quarter, … while memory ends, as the training will."""
    count = shape[0]
    while True:
        try:
            return measure(network, (count, *shape[1:]), device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or count < 2 * _FEWEST:
                raise
        let_go()  # outside the except: there the error still holds on to the failed attempt's tensors
        count //= 2


def machine(device: torch.device) -> str:
    """Return a name of the processor that trains, with its vector unit and the threads it may use.

    A virtual machine may hide the vector unit: the same "AMD EPYC" then trains several times slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()} {torch.backends.cpu.get_cpu_capability()} x{torch.get_num_threads()} threads"


def _decide(speeds: dict[str, float], source: Literal["measured", "remembered"]) -> Precision:
    plain = max(("float32", "float32+channels_last"), key=lambda name: speeds[name])
    best = "bf16+channels_last" if speeds["bf16+channels_last"] > WORTHWHILE_GAIN * speeds[plain] else plain
    dtype, channels_last = CANDIDATES[best]
    return Precision(dtype, channels_last, source, {name: round(value, 1) for name, value in speeds.items()})


def _speed(
    network: nn.Module, shape: tuple[int, ...], device: torch.device, dtype: str, channels_last: bool
) -> float:
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = copy.deepcopy(network).to(device).train().to(memory_format=memory_format)
    images = torch.rand(shape, device=device).contiguous(memory_format=memory_format)
    labels = torch.zeros(shape[0], dtype=torch.int64, device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def step() -> float:
        _wait(device)
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bf16"):
            logits = model(images)
        # of masks any scalar does: the network takes the time
        of_masks = logits.ndim == 4
        loss = (
            logits.float().square().mean() if of_masks else functional.cross_entropy(logits.float(), labels)
        )
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        _wait(device)
        return time.perf_counter() - began

    for _ in range(_WARM_UP_STEPS[device.type]):
        step()
    return shape[0] / min(step() for _ in range(_TIMED_STEPS[device.type]))


def _wait(device: torch.device) -> None:
    """Wait for the work that is queued on a GPU; it would not be in the time otherwise."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _read_memory(path: Path) -> dict[str, dict[str, float]]:
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # measured again: this is a cache
    return memory if isinstance(memory, dict) else {}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
