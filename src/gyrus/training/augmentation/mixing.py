"""Mixup and CutMix: two training images become one, and so do their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gyrus.config.augmenting import AugmentationOptions
from gyrus.training.draws import Stream, key_of
from gyrus.training.moving import to_device

_MASK = 0xFFFFFFFFFFFFFFFF


class Mixing(NamedTuple):
    """How the batches of a training are mixed.

    Attributes
    ----------
    options : AugmentationOptions
        The alphas.
    num_classes : int
        Of the targets.
    """

    options: AugmentationOptions
    num_classes: int


@dataclass(frozen=True, slots=True)
class Mixed:
    """How the images of a batch are mixed.

    Attributes
    ----------
    kind : {"mixup", "cutmix"}
        Blended, or pasted.
    partner : ndarray of int64
        (n,) row of the image that each one is mixed with.
    kept : ndarray of float32
        (n,) share of its own that an image and its target keep; the partner has the rest.
    boxes : ndarray of int64
        (n, 4) top, bottom, left, right in pixels, half-open, of what is pasted; zeros for mixup.
    """

    kind: Literal["mixup", "cutmix"]
    partner: npt.NDArray[np.int64]
    kept: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.int64]


def mixing_of(options: AugmentationOptions, num_classes: int) -> Mixing | None:
    """Return what mixes the batches; None where neither mixup nor cutmix is asked for."""
    return Mixing(options, num_classes) if options.mixup > 0 or options.cutmix > 0 else None


def soft_targets(labels: Tensor, num_classes: int) -> Tensor:
    """Turn labels (n,) into targets (n, num_classes) float32: 1 for the label, 0 for the rest."""
    return functional.one_hot(labels, num_classes).float()


def mix(
    images: Tensor, targets: Tensor, seed: int, epoch: int, step: int, options: AugmentationOptions
) -> tuple[Tensor, Tensor]:
    """Mix the images of a batch with each other as the options say; without them, return both as they are.

    Parameters
    ----------
    images : Tensor
        (n, channels, height, width); before or after the normalisation.
    targets : Tensor
        (n, num_classes) floating, each row adding up to 1.
    seed, epoch, step : int
        The draw is a function of these; ``step`` is any number that no other batch of the epoch has.
    options : AugmentationOptions
        The alphas.

    Returns
    -------
    Tensor, Tensor
        Mixed images and targets, new ones.
    """
    height, width = images.shape[-2:]
    drawn = draw_mixed(seed, epoch, step, len(images), height, width, options)
    return (images, targets) if drawn is None else apply_mixed(images, targets, drawn)


def draw_mixed(
    seed: int, epoch: int, step: int, count: int, height: int, width: int, options: AugmentationOptions
) -> Mixed | None:
    """Draw how a batch of ``count`` images is mixed; None where neither mixup nor cutmix is asked for.

    Where both are, each step takes one of them, as often the one as the other.
    """
    asked: list[tuple[Literal["mixup", "cutmix"], float]] = []
    if options.mixup > 0:
        asked.append(("mixup", options.mixup))
    if options.cutmix > 0:
        asked.append(("cutmix", options.cutmix))
    if not asked:
        return None
    key = key_of(key_of(seed, epoch, Stream.MIXING), step, Stream.MIXING)
    generator = np.random.Generator(np.random.Philox(key=key & _MASK))
    kind, alpha = asked[int(generator.integers(len(asked)))]
    partner = generator.permutation(count).astype(np.int64)
    kept = generator.beta(alpha, alpha, size=count)
    boxes = np.zeros((count, 4), dtype=np.int64)
    if kind == "cutmix":
        boxes = _boxes(kept, generator.random((2, count)), height, width)
        kept = 1.0 - (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2]) / (height * width)
    return Mixed(kind, partner, kept.astype(np.float32), boxes)


def apply_mixed(images: Tensor, targets: Tensor, drawn: Mixed) -> tuple[Tensor, Tensor]:
    """Mix as drawn.

    Mixup (Zhang 2018, mixup: Beyond Empirical Risk Minimization) blends: kept · own + (1 - kept) · partner's.
    CutMix (Yun 2019, CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features)
    pastes the partner's rectangle; targets are shared by area. Here each image has a draw of its own, where
    the papers' programs use one for the whole batch.
    """
    partner = to_device(drawn.partner, images.device)
    kept = to_device(drawn.kept, images.device)
    mixed_targets = torch.lerp(targets[partner], targets, kept[:, None].to(targets.dtype))
    if drawn.kind == "mixup":
        blended = torch.empty_like(images)  # of the same memory format
        torch.index_select(images, 0, partner, out=blended)
        return blended.lerp_(images, kept[:, None, None, None].to(images.dtype)), mixed_targets
    pasted = images.clone()
    for row, (top, bottom, left, right) in enumerate(drawn.boxes):
        box = slice(top, bottom), slice(left, right)
        pasted[row, :, *box] = images[drawn.partner[row], :, *box]
    return pasted, mixed_targets


def _boxes(
    kept: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], height: int, width: int
) -> npt.NDArray[np.int64]:
    """Return boxes of the share 1 - kept of the area about uniform centres, cut at the picture's border."""
    half = np.sqrt(1.0 - kept) / 2.0
    edges = [
        np.clip(np.rint((centre + side * half) * size), 0, size)
        for centre, size in zip(centres, (height, width), strict=True)
        for side in (-1.0, 1.0)
    ]
    return np.stack(edges, axis=1).astype(np.int64)
