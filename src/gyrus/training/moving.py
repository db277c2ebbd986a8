"""Small arrays to the device that trains, without making the processor wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def to_device(values: npt.NDArray[Any] | Tensor, device: torch.device) -> Tensor:
    """Return an array, or a tensor in memory, on a device.

    To CUDA it goes by way of page-locked memory: a copy from ordinary memory waits until all work that is
    queued on the GPU is done, and a step makes a dozen of them. Torch keeps the page-locked block until the
    copy has been made. Elsewhere it is an ordinary copy, or none.
    """
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def numbers_on(device: torch.device, values: Sequence[float], dtype: torch.dtype = torch.float32) -> Tensor:
    """Return some numbers as a tensor (len(values),) on a device."""
    return to_device(torch.tensor(tuple(values), dtype=dtype), device)
