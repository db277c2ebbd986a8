"""Options of the network: which one, what its head looks like, what it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gyrus.config.ranges import share
from gyrus.errors import UsageError

Norm = Literal["auto", "batch", "group", "none"]
DEFAULT_HEAD_SIZES = (256,)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which network is trained; ``docs/reference/networks.md`` and ``weights.md`` explain each."""

    architecture: str = "improved_cnn"
    """Network by name: one of gyrus's own (improved_cnn, resnet9, …) or any timm backbone (resnet50, …);
    gyrus models list shows them."""
    weights: Path | None = None
    """Starting weights: a file (safetensors, or .pth read without running anything) with gyrus's, timm's,
    torchvision's, RadImageNet's, TorchXRayVision's or BioViL's names."""
    pretrained: bool = False
    """Download the starting weights that timm knows for this architecture."""
    head: Literal["linear", "mlp"] = "linear"
    """What stands on the pooled features: one linear layer, or hidden layers with ReLU and dropout first."""
    head_sizes: tuple[int, ...] = ()
    """Sizes of the hidden layers of --head mlp, the first first, with blanks between them (512 128); default:
    256."""
    dropout: float = 0.2
    """Dropout before each layer of the head."""
    binary_output: Literal["two", "one"] = "two"
    """Of two classes: a logit for each, or one logit for the second class (the first one's is 0)."""
    in_channels: Literal["auto", 1, 3] = "auto"
    """Channels that the network reads: 3 (a grey image is copied into each), 1 (grey: colour weights are
    folded into one channel), auto: as the file of weights has them, else 3."""
    grey_stem: Literal["sum", "mean"] = "sum"
    """How colour weights become grey ones: their sum (the same answers), or their mean (a third of it)."""
    norm: Norm = "auto"
    """Normalisation layers of gyrus's own networks: auto (each network's usual ones), batch, group, none."""

    def __post_init__(self) -> None:
        """Check the numbers, and that no option is given that another one makes idle."""
        share(self, "dropout")
        if self.weights is not None and self.pretrained:
            raise UsageError(
                "weights and pretrained exclude each other", fix="give --weights FILE or --pretrained"
            )
        if self.head_sizes and self.head == "linear":
            raise UsageError(
                "head_sizes are given, but a linear head has no hidden layer", fix="add --head mlp"
            )
        small = [size for size in self.head_sizes if size < 1]
        if small:
            raise UsageError(f"head_sizes holds {small[0]}; a layer has at least 1 unit")

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """Hidden sizes of the head that is asked for; empty for a linear one."""
        return (self.head_sizes or DEFAULT_HEAD_SIZES) if self.head == "mlp" else ()
