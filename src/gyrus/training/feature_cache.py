"""The output of a frozen trunk, computed once for each image and view, and kept in half the bytes."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gyrus.errors import DataError, StorageError
from gyrus.training.batches import Look, SplitPixels, prepare
from gyrus.training.moving import to_device
from gyrus.training.session import Session

logger = logging.getLogger("gyrus")

# features that fit into this share of the free memory stay there; larger ones go to a file
_SHARE_OF_MEMORY = 0.25
# images at once: a GPU is not busy with fewer
_SMALLEST_CHUNK_ON_A_GPU = 256
_HALF = {torch.float16: np.float16, torch.bfloat16: np.int16}  # NumPy has no bfloat16


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a split.

    Attributes
    ----------
    values : Tensor
        (views, n, D, h, w) in float16, or in bfloat16 where float16's range does not suffice.
    """

    values: Tensor

    @property
    def views(self) -> int:
        """Augmented versions of each image."""
        return len(self.values)

    def take(self, views: Tensor, images: Tensor, device: torch.device) -> Tensor:
        """Return features (b, D, h, w) in float32: of the b-th image its b-th view."""
        places = (views.to(self.values.device), images.to(self.values.device))
        return to_device(self.values[places], device).float()


def cache_features(
    session: Session,
    split: SplitPixels,
    look: Look,
    trunk: Callable[[Tensor], Tensor],
    *,
    views: int,
    augment: bool,
) -> Features:
    """Compute the output of ``trunk`` for every image of a split, ``views`` times.

    Parameters
    ----------
    session : Session
        Precision, device, and whether the process was asked to end.
    split : SplitPixels
        The images.
    look : Look
        How pixels become input.
    trunk : callable
        (b, channels, side, side) -> (b, D, h, w), on the session's device, in evaluation mode.
    views : int
        Versions of each image.
    augment : bool
        View ``v`` is drawn as in epoch ``v`` of the run; False takes the images as they are.

    Raises
    ------
    StorageError
        When they fit neither into memory nor onto the disk of the cache folder.
    StoppedError
        When SIGTERM came.
    """
    values = _filled(session, split, look, trunk, views, augment, torch.float16)
    if values is None:
        logger.info("note: features beyond the range of float16: they are kept in bfloat16")
        values = _filled(session, split, look, trunk, views, augment, torch.bfloat16)
    if values is None:
        raise DataError("there are no images to cache features of")
    return Features(values)


@torch.inference_mode()
def _filled(
    session: Session,
    split: SplitPixels,
    look: Look,
    trunk: Callable[[Tensor], Tensor],
    views: int,
    augment: bool,
    kind: torch.dtype,
) -> Tensor | None:
    """Return the features; None where ``kind`` cannot hold one of them."""
    size = max(2 * session.config.batch_size, _SMALLEST_CHUNK_ON_A_GPU * (session.device.type == "cuda"))
    chunks = np.array_split(np.arange(len(split)), -(-len(split) // size))
    values: Tensor | None = None
    beyond = torch.zeros((), dtype=torch.bool, device=session.device)
    name = f"features, {views} view{'s' if views > 1 else ''}"
    with tqdm(total=views * len(split), desc=name, unit="image", disable=not session.bar, leave=False) as bar:
        for view in range(views):
            for chunk in chunks:
                output = _through(session, split, look, trunk, chunk, view if augment else None)
                if values is None:
                    shape = (views, len(split), *output.shape[1:])
                    values = _room(shape, kind, session)
                half = output.to(kind)
                if kind == torch.float16:
                    beyond |= torch.isfinite(output).all() & ~torch.isfinite(half).all()
                values[view, int(chunk[0]) : int(chunk[-1]) + 1] = half.to(values.device)
                bar.update(len(chunk))
                if session.stop.asked:
                    raise session.stop.error(session.journal.run)
            if beyond:  # once a view: on a GPU each look waits for the work that is queued
                return None
    return values


def _through(
    session: Session,
    split: SplitPixels,
    look: Look,
    trunk: Callable[[Tensor], Tensor],
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]],
    epoch: int | None,
) -> Tensor:
    batch = split[numbers]
    batch = batch._replace(pixels=batch.pixels.to(session.device), labels=batch.labels.to(session.device))
    images = prepare(batch, look, seed=session.config.seed, epoch=epoch)
    with torch.autocast(session.device.type, torch.bfloat16, enabled=session.precision.dtype == "bf16"):
        return trunk(images).float()


def _room(shape: tuple[int, ...], kind: torch.dtype, session: Session) -> Tensor:
    """Return an empty tensor: on the GPU, in memory, or in a file, whichever is the first that has room."""
    size = 2 * int(np.prod(shape))
    with torch.inference_mode(False):
        if session.device.type == "cuda" and size < _SHARE_OF_MEMORY * torch.cuda.mem_get_info()[0]:
            return torch.empty(shape, dtype=kind, device=session.device)
        if size < _SHARE_OF_MEMORY * free_memory():
            return torch.empty(shape, dtype=kind)
        return _in_a_file(shape, kind, size, session.cache_folder)


def _in_a_file(shape: tuple[int, ...], kind: torch.dtype, size: int, folder: Path) -> Tensor:
    """Return a tensor on the disk; its file has no name, so it goes with the process, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as stream:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)  # a full disk is told now, not by a crash later
            array = np.memmap(stream, dtype=_HALF[kind], mode="w+", shape=shape)
    except OSError as error:
        raise StorageError(
            f"{size / 1e9:.1f} GB of cached features find no room: {error.strerror}",
            path=folder,
            fix="fewer --views, --views 0 (no cache), or another --cache-dir",
        ) from error
    logger.info("note: %.1f GB of cached features lie on the disk while the stage lasts", size / 1e9)
    return torch.from_numpy(array).view(kind)


def free_memory() -> int:
    """Return how many bytes of memory are free to use; 8 GB where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass  # not Linux
    return 8 * 2**30
