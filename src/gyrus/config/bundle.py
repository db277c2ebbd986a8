"""Options of ``gyrus bundle``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.runtime import RuntimeOptions


@dataclass(frozen=True, kw_only=True)
class BundleConfig(RuntimeOptions, OutputOptions):
    """Look inside a bundle, or check that it is whole and still answers as it did."""

    action: Positional[Literal["info", "verify"]]
    """info: the card; verify: digest, members, and the self-test."""
    file: Positional[Path]
    """The bundle (model.gyrus) or a run folder."""
