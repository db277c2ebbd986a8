"""The same bits every time, on CUDA too."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gyrus.errors import UsageError

logger = logging.getLogger("gyrus")

# what cuBLAS needs to repeat its sums in one order; it reads this when it is first used in a process
_VARIABLE, _VALUE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
# torch's words, after the operation's name
_UNREPEATABLE = "does not have a deterministic implementation"


def fix_workspace(wanted: bool, device: torch.device) -> None:
    """Tell cuBLAS to sum in one order, where that is wanted; before it is first used in this process."""
    if wanted and device.type == "cuda":
        os.environ.setdefault(_VARIABLE, _VALUE)


@contextmanager
def deterministic(wanted: bool, device: torch.device) -> Iterator[None]:
    """Allow only operations that give the same bits every time, where that is wanted.

    On the CPU they all do, for one number of threads: nothing is changed there. On CUDA cuDNN's choice by
    timing and sums in any order are ruled out, which costs time (``docs/reference/training.md``).

    Raises
    ------
    UsageError
        When the network has an operation without a deterministic form on CUDA; names it.
    """
    if not wanted or device.type != "cuda":
        if wanted:
            logger.info("note: --deterministic changes nothing on %s.", device.type)
        yield
        return
    fix_workspace(wanted, device)
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if _UNREPEATABLE not in str(error):
            raise
        operation = str(error).partition(_UNREPEATABLE)[0].strip()
        raise UsageError(
            f"deterministic is asked for, but {operation} has no such form on CUDA",
            fix="leave out --deterministic, choose another --architecture, or give --device cpu",
        ) from error
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
