"""Checkpoints that are whole or absent, and that are read without executing anything."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from gyrus.errors import StorageError
from gyrus.runs.atomic import write_bytes


class AtomicCheckpointIO(CheckpointIO):
    """Writes beside the target, flushes, renames, and reads back.

    Lightning's own does not flush to the disk and swallows a refused permission, so a checkpoint can be
    missing without a word.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint; the former file survives a failure.

        Raises
        ------
        StorageError
            When it cannot be written, or reads back differently.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        data = buffer.getvalue()
        target = Path(path)
        write_bytes(target, data)
        try:
            written = hashlib.sha256(target.read_bytes()).digest()
        except OSError as error:
            raise StorageError(f"cannot be read back: {error.strerror}", path=target) from error
        if written != hashlib.sha256(data).digest():
            raise StorageError(
                "reads back differently from what was written", path=target, fix="check the disk it lies on"
            )

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint: tensors and plain values only, whatever the caller asks."""
        content: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        return content

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint; a missing one is no error."""
        Path(path).unlink(missing_ok=True)
