"""Phantoms with predicted masks: the true ones moved, grown, emptied, or drawn where nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from gyrus.data.manifest import Manifest, write_manifest
from gyrus.evaluation.mask_predictions import MaskPredictions, mask_file_name, write_mask_predictions
from gyrus.phantom import Phantom, write_cohort


def make_phantom(folder: Path, *, subjects: int = 8, size: int = 64, spacing: str = "") -> Manifest:
    """Write a phantom whose every image has a mask; with a spacing in its manifest."""
    manifest = write_cohort(folder, Phantom(subjects=subjects, slices_per_subject=3, image_size=size))
    rows = []
    for row in manifest:
        name = row.mask or f"masks/{Path(row.path).stem}.png"
        if not (folder / name).is_file():
            Image.fromarray(np.zeros((size, size), np.uint8)).save(folder / name)
        facts = {**row.facts, **({"spacing_mm": spacing} if spacing else {})}
        rows.append(row.with_(mask=name, facts=facts))
    manifest = Manifest(tuple(rows), folder, "segment")
    write_manifest(manifest, folder / "manifest.csv")
    return manifest


def distorted(mask: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Return a mask moved and grown or shrunk; now and then empty, or drawn though there is nothing."""
    mask = mask > 0
    if not mask.any():
        if rng.random() < 0.25 * strength:
            mask = mask.copy()
            mask[20:24, 30:34] = True
        return mask.astype(np.uint8)
    if rng.random() < 0.08 * strength:
        return np.zeros(mask.shape, np.uint8)
    reach = max(1, round(strength * 2))
    moved = np.roll(mask, rng.integers(-reach, reach + 1, 2), axis=(0, 1))
    neighbours = [np.roll(moved, shift, axis) for axis in (0, 1) for shift in (-1, 1)]
    for other in neighbours[: int(rng.integers(0, 5))]:
        moved = moved | other if rng.random() < 0.5 else moved & other
    return moved.astype(np.uint8)


def draw_masks(manifest: Manifest, folder: Path, *, seed: int = 0, strength: float = 1.0) -> MaskPredictions:
    """Write a predicted mask for each image (numbers, as gyrus writes them), and the file that lists them."""
    rng = np.random.default_rng(seed)
    places = folder / "masks"
    places.mkdir(parents=True, exist_ok=True)
    for row in manifest:
        true = np.asarray(Image.open(manifest.root / row.mask))
        Image.fromarray(distorted(true, rng, strength)).save(places / mask_file_name(row.image_id))
    predictions = MaskPredictions(
        image_ids=tuple(row.image_id for row in manifest),
        subject_ids=tuple(row.subject_id for row in manifest),
        masks=tuple(places / mask_file_name(row.image_id) for row in manifest),
        classes=("lesion",),
    )
    write_mask_predictions(predictions, folder / "predictions.csv")
    return predictions
