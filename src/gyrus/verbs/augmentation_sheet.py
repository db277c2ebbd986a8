"""``gyrus train … --show-augmentation``: what the augmentation makes of the images, and of their lesions."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.config import TrainConfig
from gyrus.config.augmenting import AugmentationOptions
from gyrus.data import Manifest, load
from gyrus.data.manifest import Row
from gyrus.data.masks import stored_values
from gyrus.errors import DataError, UsageError, require
from gyrus.imaging import read_image
from gyrus.imaging.geometry import Geometry, geometry_of
from gyrus.imaging.source import Source
from gyrus.pages.contact_sheet import Cell, contact_sheet, to_png
from gyrus.runs import RunFolder, next_run_folder
from gyrus.runs.atomic import write_bytes, write_json

if TYPE_CHECKING:
    from gyrus.training.augmentation import Drawn, Mixed

logger = logging.getLogger("gyrus")

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SHEET, FIGURES = "augmentation.png", "augmentation.json"
ROWS, DRAWS = 8, 6
MASKS, DRAWS_A_MASK = 300, 20


@dataclass(frozen=True, slots=True)
class LesionLoss:
    """How often draws lose a lesion: moved out of the picture, erased, or pasted over.

    Attributes
    ----------
    images, draws : int
        Images with a mask that were tried, and draws in all.
    part, half, whole : float
        Share of the draws in which any pixel, more than half, all of the lesion is lost.
    mean : float
        Mean share of the lesion that is lost.
    """

    images: int
    draws: int
    part: float
    half: float
    whole: float
    mean: float

    def sentence(self) -> str:
        """Return the figures as one sentence."""
        return (
            f"Lesions (masks of {self.images} images, {self.draws} draws): part of it is lost in "
            f"{100 * self.part:.1f} % of the draws, more than half in {100 * self.half:.1f} %, all of it in "
            f"{100 * self.whole:.1f} %; on average {100 * self.mean:.2f} % of its area."
        )


@dataclass(frozen=True, slots=True)
class AugmentationShown:
    """A finished sheet.

    Attributes
    ----------
    sheet : Path
        The picture.
    policy : str
        Name of the policy.
    ranges : str
        Its ranges in words.
    lesions : LesionLoss or None
        None where the manifest has no masks.
    """

    sheet: Path
    policy: str
    ranges: str
    lesions: LesionLoss | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return where the sheet lies, and the figures."""
        return {
            "sheet": str(self.sheet),
            "policy": self.policy,
            "ranges": self.ranges,
            "lesions": None if self.lesions is None else asdict(self.lesions),
        }

    def to_text(self) -> str:
        """Return the ranges, what becomes of lesions, and where to look."""
        lost = "The manifest has no masks: what becomes of lesions cannot be counted."
        lost = lost if self.lesions is None else self.lesions.sentence()
        return f"{self.policy}: {self.ranges}\n{lost}\n\nopen    {self.sheet}\nnothing was trained"


def show_augmentation(config: TrainConfig) -> AugmentationShown:
    """Draw the sheet of a training that is not begun, from its training images.

    Those are the images of the split ``train`` where the data bring one, else all.

    Raises
    ------
    MissingDependencyError
        Without the extra ``train``.
    DataError
        When there is no image, or a mask cannot be used.
    """
    require("torch", "train", "augmentation")
    from gyrus.training.augmentation import describe_policy, doubts, policy_of

    for doubt in doubts(config, config.color):
        logger.info("note: %s", doubt)
    if config.out is not None:
        RunFolder(config.out).check_free()
    loaded = load(config.source, config)
    manifest = loaded.manifest
    if any(row.split for row in manifest):
        manifest = manifest.select("train")
    if not len(manifest):
        raise DataError("there is no training image to show", path=config.source)
    policy = policy_of(config)
    geometry = geometry_of(config)
    lesions = _count_losses(manifest, config, geometry)
    rows = _chosen(manifest, ROWS, config.seed)
    seen = [_picture_and_mask(manifest, row, config, geometry) for row in rows]
    picture = augmentation_sheet(
        [pixels for pixels, _ in seen],
        config,
        masks=[mask for _, mask in seen],
        names=[f"{row.label}\n{row.image_id}".strip() for row in rows],
        seed=config.seed,
        lines=[] if lesions is None else [lesions.sentence()],
    )
    folder = _folder(config)
    write_bytes(folder / SHEET, to_png(picture))
    shown = AugmentationShown(folder / SHEET, policy.name, describe_policy(policy), lesions)
    write_json(folder / FIGURES, {**shown.to_json(), "parameters": asdict(policy), "seed": config.seed})
    return shown


def augmentation_sheet(
    images: Sequence[Picture],
    policy: str | AugmentationOptions = "brain-mri",
    *,
    draws: int = DRAWS,
    masks: Sequence[Mask | None] | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
    lines: Sequence[str] = (),
) -> Image.Image:
    """Return a contact sheet: each image, and beside it what ``draws`` epochs of augmentation make of it.

    In a notebook: ``augmentation_sheet(pixels, "chest-xray")`` as the last line of a cell shows it.

    Parameters
    ----------
    images : sequence of ndarray of uint8
        Each (height, width, 1 or 3), all of one size.
    policy : str or AugmentationOptions
        Name of a policy, or options with mirrors, erasing, mixup or cutmix.
    draws : int
        Columns beside the originals.
    masks : sequence of ndarray of bool or None, optional
        (height, width) of each image's lesion; its border is drawn.
    names : sequence of str, optional
        Captions of the originals; they may have several lines.
    seed : int
        Of the draws.
    lines : sequence of str
        Further lines below the title.

    Raises
    ------
    UsageError
        For an unknown policy, or images of different sizes.
    """
    from gyrus.training.augmentation import describe_policy, policy_of

    options = _options(policy)
    if not len(images) or len({image.shape for image in images}) > 1:
        raise UsageError("a sheet takes images of one size, at least one", fix="resize them first")
    chosen = policy_of(options)
    pixels = np.stack(list(images))
    given = list(masks) if masks is not None else [None] * len(images)
    labels = list(names) if names is not None else [f"image {number}" for number in range(len(images))]
    rows = [
        [Cell(image, ("original", *label.split("\n")), mask)]
        for image, label, mask in zip(images, labels, given, strict=True)
    ]
    for epoch in range(draws):
        for row, cell in zip(rows, _column(pixels, given, options, seed, epoch), strict=True):
            row.append(cell)
    mixing = ", ".join(
        f"{name} {value:g}" for name in ("mixup", "cutmix") if (value := getattr(options, name))
    )
    ranges = describe_policy(chosen) + (f"; {mixing}" if mixing else "")
    return contact_sheet(f"Augmentation: {chosen.name}", [ranges, *lines], rows)


def _column(
    pixels: Picture,
    masks: Sequence[Mask | None],
    options: AugmentationOptions,
    seed: int,
    epoch: int,
) -> list[Cell]:
    """Return what one epoch makes of every image."""
    import torch

    from gyrus.training.augmentation import apply, apply_mixed, describe, draw, policy_of
    from gyrus.training.augmentation.applying import GEOMETRY
    from gyrus.training.preparation import to_unit

    count, height, width = pixels.shape[:3]
    drawn = draw(seed, epoch, np.arange(count), policy_of(options))
    result = apply(to_unit(torch.from_numpy(pixels)), drawn)
    mixed = _mixed(options, seed, epoch, count, height, width)
    if mixed is not None:
        result, _ = apply_mixed(result, torch.zeros(count, 1), mixed)
    shown = (result * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    cells = []
    for row, mask in enumerate(masks):
        caption = describe(drawn, row)
        if mixed is not None:
            caption = (*caption, f"{mixed.kind} {mixed.kept[row]:.2f} own")
        moved = None
        if mask is not None:
            one = torch.from_numpy(mask.astype(np.float32))[None, None]
            moved = apply(one, drawn.take(np.array([row])), GEOMETRY)[0, 0].numpy() > 0.5
        cells.append(Cell(shown[row], caption, moved))
    return cells


def _mixed(
    options: AugmentationOptions, seed: int, epoch: int, count: int, height: int, width: int
) -> Mixed | None:
    from gyrus.training.augmentation import draw_mixed

    return draw_mixed(seed, epoch, 0, count, height, width, options)


def _count_losses(manifest: Manifest, config: TrainConfig, geometry: Geometry) -> LesionLoss | None:
    """Try the draws of some epochs on the lesions of at most :data:`MASKS` images."""
    from gyrus.training.augmentation import draw, part_lost, policy_of

    masked = manifest.with_rows(row for row in manifest if row.mask)
    if not len(masked):
        return None
    rows = _chosen(masked, MASKS, config.seed)
    masks = [
        mask for row in rows if (mask := _mask(masked, row, config, geometry)) is not None and mask.any()
    ]
    policy, side = policy_of(config), geometry.size_px
    lost: list[float] = []
    for first in range(0, len(masks), config.batch_size):
        batch = masks[first : first + config.batch_size]
        numbers = np.arange(first, first + len(batch))
        for epoch in range(DRAWS_A_MASK):
            drawn: Drawn = draw(config.seed, epoch, numbers, policy)
            mixed = _mixed(config, config.seed, epoch, len(batch), side, side)
            lost += [part_lost(mask, drawn, row, mixed) for row, mask in enumerate(batch)]
    if not lost:
        return None
    shares = np.array(lost)
    return LesionLoss(
        images=len(masks),
        draws=len(shares),
        part=float((shares > 0).mean()),
        half=float((shares > 0.5).mean()),
        whole=float((shares == 1).mean()),
        mean=float(shares.mean()),
    )


def _chosen(manifest: Manifest, count: int, seed: int) -> list[Row]:
    """Return some rows: the classes in turn, drawn at random within each; those with a mask first."""
    generator = np.random.default_rng(seed)
    by_class: dict[str, list[Row]] = {}
    for place in generator.permutation(len(manifest)):
        row = manifest.rows[place]
        by_class.setdefault(row.label, []).append(row)
    for rows in by_class.values():
        rows.sort(key=lambda row: not row.mask)
    longest = max(len(rows) for rows in by_class.values())
    turns = [by_class[name][turn] for turn in range(longest) for name in sorted(by_class)
             if turn < len(by_class[name])]  # fmt: skip
    return turns[:count]


def _picture_and_mask(
    manifest: Manifest, row: Row, config: TrainConfig, geometry: Geometry
) -> tuple[Picture, Mask | None]:
    pixels = read_image(manifest.source_of(row), color=config.color)
    return geometry.apply(pixels), _placed_mask(manifest, row, pixels, geometry)


def _mask(manifest: Manifest, row: Row, config: TrainConfig, geometry: Geometry) -> Mask | None:
    return _placed_mask(manifest, row, read_image(manifest.source_of(row), color=config.color), geometry)


def _placed_mask(manifest: Manifest, row: Row, pixels: Picture, geometry: Geometry) -> Mask | None:
    """Return the mask as it lies in the network's square.

    Raises
    ------
    DataError
        When its shape is not the image's.
    """
    if not row.mask:
        return None
    mask = stored_values(Source(manifest.root / row.mask, row.frame)) != 0
    if not math.isclose(mask.shape[0] * pixels.shape[1], mask.shape[1] * pixels.shape[0], rel_tol=0.01):
        raise DataError(
            f"the mask is {mask.shape[1]} x {mask.shape[0]}, its image {pixels.shape[1]} x {pixels.shape[0]}",
            path=manifest.root / row.mask,
            fix="a mask has the shape of its image",
        )
    placed = geometry.placement(pixels)
    down, across = mask.shape[0] / placed.height_px, mask.shape[1] / placed.width_px
    source, target = placed.source, placed.target
    box = (source.left * across, source.top * down,
           (source.left + source.width_px) * across, (source.top + source.height_px) * down)  # fmt: skip
    shown = Image.fromarray(mask.astype(np.uint8)).resize(
        (target.width_px, target.height_px), Image.Resampling.NEAREST, box=box
    )
    square = np.zeros((geometry.size_px, geometry.size_px), dtype=np.bool_)
    square[target.slices] = np.asarray(shown) > 0
    return square


def _options(policy: str | AugmentationOptions) -> AugmentationOptions:
    from gyrus.config.build import build

    return build(AugmentationOptions, augmentation=policy) if isinstance(policy, str) else policy


def _folder(config: TrainConfig) -> Path:
    if config.out is not None:
        return config.out
    return next_run_folder(Path("runs"), f"augmentation-{config.augmentation}").path
