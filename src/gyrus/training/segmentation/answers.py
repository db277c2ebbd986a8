"""What a network for masks answers to a batch, and what is true of it: both can be taken in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answers:
    """Logits of a batch.

    Attributes
    ----------
    masks : tuple of Tensor
        (n, planes, h, w) mask logits of each supervised resolution, the finest first.
    classes : Tensor or None
        (n, K) logits of the image's class, of a joint network.
    """

    masks: tuple[Tensor, ...]
    classes: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.masks[0].device

    def float(self) -> Answers:
        """Return them as float32."""
        return Answers(
            tuple(mask.float() for mask in self.masks), None if self.classes is None else self.classes.float()
        )

    def detach(self) -> Answers:
        """Return them without their gradients."""
        return Answers(
            tuple(mask.detach() for mask in self.masks),
            None if self.classes is None else self.classes.detach(),
        )

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """Return the answers to the parts of a batch as those to the whole."""
        levels = zip(*(part.masks for part in parts), strict=True)
        classes = [part.classes for part in parts if part.classes is not None]
        return cls(tuple(torch.cat(level) for level in levels), torch.cat(classes) if classes else None)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the answers ought to be.

    Attributes
    ----------
    masks : Tensor
        (n, h, w) uint8: 0 background, i class i.
    classes : Tensor or None
        (n,) int64 class of each image, for a joint network.
    """

    masks: Tensor
    classes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, part: slice | Tensor) -> Truth:
        return Truth(self.masks[part], None if self.classes is None else self.classes[part])

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Truth:
        """Return it on a device."""
        return Truth(
            self.masks.to(device, non_blocking=non_blocking),
            None if self.classes is None else self.classes.to(device, non_blocking=non_blocking),
        )

    def pin_memory(self) -> Truth:
        """Return it in page-locked memory; the loader asks for it."""
        return Truth(self.masks.pin_memory(), None if self.classes is None else self.classes.pin_memory())
