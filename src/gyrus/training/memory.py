"""What happens when a step does not fit into memory: the same images in parts, their gradients added up."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError

logger = logging.getLogger("gyrus")

T = TypeVar("T")

# A plain RuntimeError in the words of torch's CPU allocator, of oneDNN and of the C++ library. Of an
# operation that it does not know at all, oneDNN says "could not create a primitive descriptor".
_WORDS = (
    "DefaultCPUAllocator", "not enough memory", "could not create a memory", "bad_alloc",
    # where CUDA's libraries, not torch's allocator, asked in vain
    "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED",
)  # fmt: skip
_WHOLE = ("could not create a primitive", "could not execute a primitive")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory has ended, on the GPU or in the machine."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and (said in _WHOLE or any(word in said for word in _WORDS))


def memory_ended(where: str, error: BaseException, *, fix: str) -> UsageError:
    """Return the error for people, with what torch said."""
    said = str(error).partition("\n")[0]
    return UsageError(f"memory ended {where}".rstrip() + (f": {said}" if said else ""), fix=fix)


@contextmanager
def telling_memory_errors() -> Iterator[None]:
    """Turn memory that ends outside of a step (copying, augmenting, measuring) into an error for people.

    Raises
    ------
    UsageError
        In its place.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        fix = "give a smaller --batch-size, a smaller --image-size or a smaller network"
        raise memory_ended("", error, fix=fix) from error


class BatchBackoff:
    """Takes a batch whole, or in as many parts as memory needs.

    The parts' gradients are added up before the optimizer steps, and the loss is divided by the weight of the
    whole batch, so the step is the same up to rounding, with two exceptions: BatchNorm normalises each part
    by itself, and dropout draws anew for each. Once a size has failed it is not tried again.

    Parameters
    ----------
    network : nn.Module
        Its running statistics are put back after a failed attempt.
    allowed : bool
        Whether a batch may be divided; else memory that ends is an error.
    """

    def __init__(self, network: nn.Module, *, allowed: bool = True) -> None:
        self.network = network
        self.allowed = allowed
        self.parts = 1
        self._proved = 0
        # BatchNorm cannot normalise the only value of a channel
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        self.smallest = 2 if any(isinstance(module, norms) for module in network.modules()) else 1

    def take(self, size: int, attempt: Callable[[list[slice]], T], *, each: int = 1) -> T:
        """Return ``attempt(parts)``, tried again with twice as many parts while memory ends.

        Parameters
        ----------
        size : int
            Images of the batch.
        attempt : callable
            Gets the parts as slices of the batch. It begins anew each time: it clears the gradients first.
        each : int
            Numbers in an image: what went well with small images says nothing of larger ones.

        Raises
        ------
        UsageError
            When the smallest part does not fit either, or parts are not allowed.
        """
        while True:
            put_back = self._remember(size, each)
            try:
                result = attempt(slices(size, min(self.parts, max(1, size // self.smallest))))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._check_can_halve(size, error)
            else:
                self._proved = max(self._proved, each * -(-size // self.parts))
                return result
            # outside the except: there the error still holds on to the failed attempt's tensors
            self.parts *= 2
            put_back()
            let_go()
            self._tell(size)

    def _tell(self, size: int) -> None:
        part = -(-size // self.parts)
        if not self.network.training:
            logger.info("note: Memory ended in validating %d images at once; it goes on with %d.", size, part)
            return
        logger.info(
            "note: Memory ended in a step of %d images; they are taken in %d parts of at most %d now, and "
            "their gradients are added up. The steps stay as they were; BatchNorm sees each part by itself.",
            size, self.parts, part,
        )  # fmt: skip

    def _check_can_halve(self, size: int, error: BaseException) -> None:
        part = -(-size // self.parts)
        where = f"in a step of {part} image{'s' * (part != 1)}"
        if not self.allowed:
            fix = f"leave out --no-auto-batch, or give --batch-size {max(1, part // 2)}"
            raise memory_ended(where, error, fix=fix) from error
        if size // (2 * self.parts) < self.smallest:
            fix = "give a smaller --image-size or a smaller network"
            raise memory_ended(where, error, fix=fix) from error

    def _remember(self, size: int, each: int) -> Callable[[], None]:
        """Return what undoes an attempt: running statistics and random state as they were.

        A size that has gone well is expected to go well again, and nothing is kept for it.
        """
        if each * -(-size // self.parts) <= self._proved:
            return lambda: None
        buffers = [(buffer, buffer.detach().clone()) for buffer in self.network.buffers()]
        on_cpu, on_gpu = torch.get_rng_state(), _gpu_state(buffers)

        def put_back() -> None:
            for buffer, before in buffers:
                buffer.copy_(before)
            torch.set_rng_state(on_cpu)
            if on_gpu is not None:
                torch.cuda.set_rng_state(on_gpu)

        return put_back


def slices(size: int, parts: int) -> list[slice]:
    """Divide ``size`` images into ``parts`` runs that differ by one at most."""
    ends = [size * number // parts for number in range(parts + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends) if end > begin]


def _gpu_state(buffers: list[tuple[Tensor, Tensor]]) -> Any:
    return torch.cuda.get_rng_state() if any(buffer.is_cuda for buffer, _ in buffers) else None


def let_go() -> None:
    """Give what nobody holds any more back: to the allocator, and from there to the GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
