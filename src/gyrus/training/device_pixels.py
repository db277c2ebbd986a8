"""The decoded pixels as a whole on the GPU, where they fit: no batch travels there any more."""

from __future__ import annotations

import logging

import torch

from gyrus.config.train import TrainConfig
from gyrus.training.batches import SplitPixels

logger = logging.getLogger("gyrus")

# of the free memory; the rest is for the network, its gradients and cached features
_SHARE_OF_MEMORY = 0.25


def keep_pixels_on_device(
    splits: tuple[SplitPixels, ...], config: TrainConfig, device: torch.device, *, free: int | None = None
) -> bool:
    """Copy the pixels of all splits to the GPU, if all fit; return whether they lie there now.

    Parameters
    ----------
    splits : tuple of SplitPixels
        Training and validation.
    config : TrainConfig
        With ``no_cache`` there are no decoded pixels to copy.
    device : torch.device
        Only CUDA has memory of its own.
    free : int, optional
        Bytes that are free there; asked of the driver by default.
    """
    if device.type != "cuda" or config.no_cache:
        return False
    free = torch.cuda.mem_get_info(device)[0] if free is None else free
    wanted = sum(split.size_bytes for split in splits)
    if wanted > _SHARE_OF_MEMORY * free:
        logger.info(
            "note: The pixels (%.1f GiB) are more than a quarter of the GPU's free memory (%.1f GiB): each "
            "batch is copied to it.", wanted / 2**30, free / 2**30,
        )  # fmt: skip
        return False
    for split in splits:
        split.keep_on(device)
    return True
