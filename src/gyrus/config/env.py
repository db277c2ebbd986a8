"""Options of ``gyrus env``."""

from __future__ import annotations

from dataclasses import dataclass

from gyrus.config.options import OutputOptions


@dataclass(frozen=True, kw_only=True)
class EnvConfig(OutputOptions):
    """What this machine can do: versions, extras, cores, accelerator."""
