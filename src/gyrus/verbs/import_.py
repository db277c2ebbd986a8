"""``gyrus import``: a manifest of a data set that comes in a form of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config import ImportConfig
from gyrus.config.build import build
from gyrus.data import Manifest, write_manifest
from gyrus.data.building import Building
from gyrus.data.downloading import fetch
from gyrus.data.importers import importer_of, place_of
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.manifest import read_manifest
from gyrus.errors import DataError, UsageError
from gyrus.verbs.tables import counts_table


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """The manifest that was written.

    Attributes
    ----------
    path, manifest : Path, Manifest
        The file, and what is in it.
    kind : str
        What the source was taken for.
    images : Path or None
        Folder of images that had to be written; None where gyrus reads all of them where they lie.
    written : int
        How many files that folder holds.
    notes : tuple of str
        What was read, and how.
    """

    path: Path
    manifest: Manifest
    kind: str
    images: Path | None
    written: int
    notes: tuple[str, ...]
    exit_code: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return counts by split and class, and what was written where."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "task": self.manifest.task,
            "rows": len(self.manifest),
            "subjects": len({row.subject_id for row in self.manifest if row.subject_id}),
            "counts": self.manifest.counts(),
            "images": None if self.images is None else str(self.images),
            "written": self.written,
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """Return what was written, the table of counts, and the notes."""
        lines = [f"wrote {self.path}: {len(self.manifest)} images ({self.kind})", counts_table(self.manifest)]
        if self.images is not None:
            lines.append(f"wrote {self.written} files into {self.images}")
        return "\n".join([*lines, *self.notes, f"next: gyrus audit {self.path}"])


def run(config: ImportConfig) -> ImportOutcome:
    """Recognise ``config.source``, read it, and write the manifest."""
    target = config.images or config.out.with_name(f"{config.out.stem}-images")
    _check_targets(config, target)
    fetched = () if config.download is None else fetch(config.download, config.source)
    place = place_of(config.source)
    importer = importer_of(place, config.kind)
    with ExitStack() as stack:
        folder = stack.enter_context(Building(target))
        store = ImageStore(folder, target)
        imported = importer.read(place, store, config)
        if not imported.rows:
            raise DataError("holds no images", path=config.source)
        manifest = Manifest(imported.rows, place.folder, imported.task)
    if not store.count:
        target.rmdir()  # it stayed empty: gyrus reads everything where it lies
    write_manifest(manifest, config.out)
    return ImportOutcome(
        path=config.out,
        manifest=read_manifest(config.out),
        kind=importer.name,
        images=target if store.count else None,
        written=store.count,
        notes=(*fetched, *imported.notes),
    )


def _check_targets(config: ImportConfig, target: Path) -> None:
    if config.out.exists() and not config.overwrite:
        raise UsageError(
            "exists already", path=config.out, fix="name another with --out, or give --overwrite"
        )
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(
            "exists already and is not empty", path=target, fix="remove it, or name another with --images"
        )


def import_(source: Path | str, **options: Any) -> ImportOutcome:
    """Import a data set; options as in :class:`gyrus.config.ImportConfig`."""
    return run(build(ImportConfig, source=source, **options))
