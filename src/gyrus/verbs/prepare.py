"""The first steps that audit, split and train share: recognise the data and look at every image once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gyrus.auditing import Audit, Related, audit_manifest, find_shortcuts, relate
from gyrus.config import DataOptions
from gyrus.config.inputs import InputOptions
from gyrus.data import Manifest, PixelCache, Skipped, load, scan
from gyrus.imaging.geometry import Geometry, geometry_of
from gyrus.imaging.nuisance import Nuisance

logger = logging.getLogger("gyrus")

PHANTOM_NOTE = (
    "These patients are synthetic: the figures show how gyrus works and say nothing about real scans."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scanned data set.

    Attributes
    ----------
    manifest : Manifest
        Rows with hashes, sizes, groups of look-alikes and recovered patients, without the images that could
        not be read.
    notes : tuple of str
        What was decided on the way, in sentences.
    skipped : tuple of Skipped
        Images left out, each with its reason.
    pixels : PixelCache or None
        Decoded images at the training size, when asked for.
    related : Related
        How the images' looks relate; the audit names pairs with it.
    nuisance : mapping of str to Nuisance
        Facts of each file by ``image_id``; the audit looks for shortcuts in them.
    """

    manifest: Manifest
    notes: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    pixels: PixelCache | None
    related: Related
    nuisance: Mapping[str, Nuisance]

    def audit(self, manifest: Manifest) -> Audit:
        """Audit :attr:`manifest`, or one made from it by a split, with all that is known of its images."""
        shortcuts = find_shortcuts(manifest, self.nuisance, self.related.looks_of(manifest))
        return audit_manifest(manifest, self.related, shortcuts)


def cached_geometry(options: InputOptions) -> Geometry | None:
    """Return how images are brought to squares for the pixel cache; None where there shall be none."""
    return None if options.no_cache else geometry_of(options)


def prepare(
    source: Path,
    options: DataOptions,
    *,
    cache_dir: Path | None,
    image_size: int | Geometry | None = None,
) -> Prepared:
    """Load ``source`` and scan it; notes are logged as they arise."""
    loaded = load(source, options)
    for note in loaded.notes:
        logger.info("note: %s", note)
    scanned = scan(
        loaded.manifest,
        on_bad_file=options.on_bad_file,
        color=options.color,
        image_size=image_size,
        cache_dir=cache_dir,
    )
    for note in scanned.notes:
        logger.info("note: %s", note)
    for skipped in scanned.skipped:
        logger.info("skipped: %s: %s", skipped.path, skipped.reason)
    related = relate(scanned.manifest, scanned.looks)
    for note in related.notes:
        logger.info("note: %s", note)
    notes = (*loaded.notes, *scanned.notes, *related.notes)
    if all(row.subject_source == "phantom" for row in related.manifest):
        notes = (PHANTOM_NOTE, *notes)
    return Prepared(related.manifest, notes, scanned.skipped, scanned.pixels, related, scanned.nuisance)
