"""A folder that gyrus reads as it is: its arrangement written down as a manifest."""

from __future__ import annotations

from gyrus.config.importing import ImportOptions
from gyrus.config.options import DataOptions
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported, Importer, Place
from gyrus.data.loading import load


def _recognises(place: Place) -> bool:
    return place.source.is_dir() and bool(place.names)


def _read(place: Place, store: ImageStore, options: ImportOptions) -> Imported:
    volumes = DataOptions(plane=options.plane, slices=options.slices)
    loaded = load(place.source, volumes)
    root = loaded.manifest.root
    rows = tuple(
        row.with_(path=(root / row.path).as_posix(), mask=(root / row.mask).as_posix() if row.mask else "")
        for row in loaded.manifest
    )
    notes = (f"Recognised as {loaded.layout}; gyrus reads these images where they lie.", *loaded.notes)
    return Imported(rows, notes, loaded.manifest.task)


FOLDER = Importer("folder", "any folder that gyrus reads as it is", _recognises, _read)
