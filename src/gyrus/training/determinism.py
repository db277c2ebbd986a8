"""The same bits every time, on CUDA too."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

logger = logging.getLogger("gyrus")

# what cuBLAS needs to repeat its sums in one order; it reads this when it is first used in a process
_VARIABLE, _VALUE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@contextmanager
def deterministic(wanted: bool, device: torch.device) -> Iterator[None]:
    """Allow only operations that give the same bits every time, where that is wanted.

    On the CPU they all do, for one number of threads: nothing is changed there. On CUDA cuDNN's choice by
    timing and sums in any order are ruled out, which costs time (``docs/reference/training.md``); an
    operation without a deterministic form is an error of torch's that names it.
    """
    if not wanted or device.type != "cuda":
        if wanted:
            logger.info("note: --deterministic changes nothing on %s.", device.type)
        yield
        return
    os.environ.setdefault(_VARIABLE, _VALUE)
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
