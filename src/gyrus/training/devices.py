"""Where to train: what was asked for, or an error; never something else in its place."""

from __future__ import annotations

import torch

from gyrus.errors import UsageError


def pick_device(asked: str) -> torch.device:
    """Return the device to train on.

    Parameters
    ----------
    asked : str
        ``cpu``, ``cuda``, ``mps`` (Apple's GPUs), or ``auto``: cuda where there is one, else cpu.

    Raises
    ------
    UsageError
        When a GPU is asked for and torch finds none.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "device is cuda, but torch finds no CUDA GPU here", fix="leave out --device, or install a driver"
        )
    if asked == "mps" and not torch.backends.mps.is_available():
        raise UsageError(
            "device is mps, but torch finds no Apple GPU here", fix="leave out --device, or give --device cpu"
        )
    if asked == "mps":
        return torch.device("mps")
    return torch.device("cuda", 0) if asked != "cpu" and torch.cuda.is_available() else torch.device("cpu")


def accelerator_of(device: torch.device) -> str:
    """Return Lightning's name of the accelerator."""
    return {"cuda": "gpu", "mps": "mps"}.get(device.type, "cpu")


def name_of(device: torch.device) -> str:
    """Return what a run calls the device: ``cpu``, ``mps``, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
