"""Options of ``gyrus train``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.augmenting import AugmentationOptions
from gyrus.config.balancing import BalanceOptions
from gyrus.config.deciding import DecidingOptions
from gyrus.config.durability import DurabilityOptions
from gyrus.config.gating import GateOptions
from gyrus.config.idle import refuse_idle
from gyrus.config.inputs import InputOptions
from gyrus.config.network import NetworkOptions
from gyrus.config.optimising import OptimisationOptions
from gyrus.config.options import DataOptions, OutputOptions, SplitOptions
from gyrus.config.packing import BundleOptions
from gyrus.config.positional import Positional
from gyrus.config.segmenting import SegmentOptions
from gyrus.config.stages import StageOptions
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class TrainConfig(
    NetworkOptions,
    StageOptions,
    InputOptions,
    AugmentationOptions,
    OptimisationOptions,
    BalanceOptions,
    SegmentOptions,
    DurabilityOptions,
    DecidingOptions,
    BundleOptions,
    GateOptions,
    DataOptions,
    SplitOptions,
    OutputOptions,
):
    """Audit the data, train a network, export it, and measure what was exported."""

    source: Positional[Path]
    """Folder of images, or a manifest (CSV)."""
    out: Path | None = None
    """Run folder; default: runs/ARCHITECTURE-NUMBER."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 where a short measurement on this machine shows that it is faster."""
    allow_leak: str | None = None
    """Reason to train on a split that leaks; it is stamped on every report and bundle."""
    test: bool = False
    """Also look at the test set when done (the look is counted)."""

    def __post_init__(self) -> None:
        """Check the values that types alone do not."""
        NetworkOptions.__post_init__(self)
        StageOptions.__post_init__(self)
        DurabilityOptions.__post_init__(self)
        SplitOptions.__post_init__(self)
        InputOptions.__post_init__(self)
        AugmentationOptions.__post_init__(self)
        OptimisationOptions.__post_init__(self)
        BalanceOptions.__post_init__(self)
        SegmentOptions.__post_init__(self)
        DecidingOptions.__post_init__(self)
        BundleOptions.__post_init__(self)
        GateOptions.__post_init__(self)
        if self.in_channels == 1 and self.color == "rgb":
            raise UsageError(
                "in_channels is 1, but the images are read in colour",
                fix="leave out --color or --in-channels",
            )
        if self.allow_leak is not None and not self.allow_leak.strip():
            raise UsageError("allow_leak needs a reason", fix='--allow-leak "why this leak is accepted"')
        refuse_idle(self)
