"""Options of ``gyrus models``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.config.inputs import MAX_IMAGE_SIZE
from gyrus.config.options import OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least, at_most
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ModelsConfig(OutputOptions):
    """The networks by name: which there are, and what one costs."""

    action: Positional[Literal["list", "info"]]
    """list: the names; info: one network in full."""
    name: Positional[str | None] = None
    """list: only names that hold this text (needed to see timm's); info: the network."""
    image_size: int = 224
    """Side of the input for operations, memory and time, in pixels."""
    batch_size: int = 32
    """Images a step for the memory of training."""

    def __post_init__(self) -> None:
        """Check the numbers, and that info has a name."""
        at_least(self, image_size=8, batch_size=1)
        at_most(self, image_size=MAX_IMAGE_SIZE)
        if self.action == "info" and not self.name:
            raise UsageError("info needs the name of a network", fix="for example gyrus models info resnet50")
