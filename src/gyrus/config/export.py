"""Options of ``gyrus export``."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Literal

from gyrus.config.foreign import ForeignOptions
from gyrus.config.options import OutputOptions
from gyrus.config.packing import PrivateOption
from gyrus.config.positional import Positional
from gyrus.errors import UsageError

Format = Literal["bundle", "onnx", "torchscript", "torch-export", "state-dict"]


@dataclass(frozen=True, kw_only=True)
class ExportConfig(ForeignOptions, PrivateOption, OutputOptions):
    """Write a model in another form, after it has answered as the network does."""

    source: Positional[Path]
    """A run, a bundle, or somebody else's weights (.pth, .safetensors)."""
    to: Format = "bundle"
    """bundle: gyrus's one file; onnx: preprocessing and network in one graph; torchscript and torch-export:
    the network alone; state-dict: the weights (safetensors and .pt) with a script that loads them."""
    out: Path | None = None
    """File to write; default: beside SOURCE, named after it. For state-dict a folder."""
    overwrite: bool = False
    """Replace what lies there already."""
    data: Path | None = None
    """Images to hold the export against the network on: a manifest (its validation images, or all), a folder
    or a file; default: a run's validation images, else synthetic ones."""

    def __post_init__(self) -> None:
        """Check the options of somebody else's weights, and that only a bundle is asked to be private."""
        super().__post_init__()
        if self.private and self.to != "bundle":
            raise UsageError(
                f"private is about bundles; {self.to} holds no training images anyway",
                fix="leave out --private",
            )

    def given_for_foreign(self) -> list[str]:
        """Return the options about somebody else's weights that differ from their defaults."""
        return [
            field.name
            for field in fields(ForeignOptions)
            if getattr(self, field.name) != (() if field.default is MISSING else field.default)
        ]
