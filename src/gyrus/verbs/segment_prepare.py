"""The first steps of a training for masks: images and masks recognised, read once, held together."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TypeVar

from gyrus.config import TrainConfig
from gyrus.config.network import NetworkOptions
from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, read_manifest
from gyrus.data.mask_cache import MaskCache, scan_masks
from gyrus.data.mask_classes import MARKED_PX, MaskClasses, classes_of
from gyrus.data.spacing import spacing_of
from gyrus.errors import DataError
from gyrus.imaging.geometry import geometry_of
from gyrus.runs import RunFolder
from gyrus.verbs.prepare import Prepared, prepare

logger = logging.getLogger("gyrus")

Config = TypeVar("Config", bound=TrainConfig)


@dataclass(frozen=True, slots=True)
class PreparedMasks:
    """A scanned data set with its masks.

    Attributes
    ----------
    prepared : Prepared
        Images, as for a classifier; each has a label, and the fact ``mask_px``.
    masks : MaskCache
        At the network's size.
    """

    prepared: Prepared
    masks: MaskCache

    @property
    def classes(self) -> MaskClasses:
        """What the masks mark."""
        return self.masks.classes


def segment_config(config: Config) -> Config:
    """Return the options with a network for masks where none is named, and no calibration images.

    Nothing of a segmentation is calibrated; images for it are held back where they are asked for.
    """
    from gyrus.training.segmentation import DEFAULT_NETWORK

    if config.cal_fraction == SplitOptions.cal_fraction:
        config = replace(config, cal_fraction=0.0)
        logger.info("note: Nothing of a segmentation is calibrated: no images are held back for it.")
    if config.architecture == NetworkOptions.architecture:
        logger.info(
            "note: %s answers classes; the network for masks is %s.", config.architecture, DEFAULT_NETWORK
        )
        config = replace(config, architecture=DEFAULT_NETWORK)
    return config


def prepare_masks(config: TrainConfig) -> PreparedMasks:
    """Load ``config.source`` for masks, scan images and masks; notes are logged as they arise.

    Raises
    ------
    DataError
        When images and masks do not fit together, masks cannot be used, or nothing is marked anywhere.
    """
    geometry = geometry_of(config)
    prepared = prepare(config.source, config, cache_dir=config.cache_dir, image_size=geometry)
    for row in prepared.manifest:
        spacing_of(row)  # a spacing that is none would be told after the training
    classes = classes_of(prepared.manifest, config)
    masks = scan_masks(prepared.manifest, geometry, classes, color=config.color, cache_dir=config.cache_dir)
    manifest = masks.with_areas(prepared.manifest)
    if classes.kind == "label":  # classes that mark nothing anywhere are none
        classes = classes_of(manifest, config)
        masks = scan_masks(manifest, geometry, classes, color=config.color, cache_dir=config.cache_dir)
    marked = sum(row.facts[MARKED_PX] != "0" for row in manifest)
    if not marked:
        raise DataError(
            f"nothing is marked in any of the {len(manifest)} masks",
            path=manifest.root,
            fix="check the masks: a value other than 0 marks",
        )
    notes = [f"{marked} of {len(manifest)} masks mark something: {', '.join(classes.names)}."]
    manifest, labelled = _with_labels(manifest, config)
    notes += labelled
    for note in notes:
        logger.info("note: %s", note)
    return PreparedMasks(replace(prepared, manifest=manifest, notes=(*prepared.notes, *notes)), masks)


def same_masks(run: RunFolder, now: Manifest) -> None:
    """Refuse to go on with masks that mark more or less than those that a run began with.

    Raises
    ------
    DataError
        Naming the images.
    """
    before = {row.image_id: row.facts.get(MARKED_PX) for row in read_manifest(run.manifest)}
    changed = [row.image_id for row in now if before.get(row.image_id) != row.facts.get(MARKED_PX)]
    if changed:
        raise DataError(
            f"the masks are not those that {run.path} began with: {len(changed)} differ",
            details=changed,
            fix="bring them back as they were, or train anew in another folder",
        )


def _with_labels(manifest: Manifest, config: TrainConfig) -> tuple[Manifest, list[str]]:
    """Give images without a class one by their mask: so that both kinds are dealt to every split."""
    nameless = sum(not row.label for row in manifest)
    if not nameless:
        return manifest, []
    name = config.mask_name.strip()
    rows = [
        row if row.label else row.with_(label=name if row.facts[MARKED_PX] != "0" else f"no_{name}")
        for row in manifest
    ]
    return manifest.with_rows(rows), [
        f"The class of {nameless} images comes from the mask: {name} where it marks anything, else no_{name}."
    ]
