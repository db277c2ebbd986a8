"""The kinds of data sets that can be imported, and which of them a place holds."""

from __future__ import annotations

from gyrus.data.importers.brats import BRATS
from gyrus.data.importers.carvana import CARVANA
from gyrus.data.importers.cheng import CHENG
from gyrus.data.importers.cifar import CIFAR
from gyrus.data.importers.coco import COCO
from gyrus.data.importers.imported import Importer, Place
from gyrus.data.importers.lgg import LGG
from gyrus.data.importers.parquet import PARQUET
from gyrus.data.importers.plain_folder import FOLDER
from gyrus.errors import LayoutError, UsageError

IMPORTERS: dict[str, Importer] = {
    importer.name: importer for importer in (CHENG, LGG, CARVANA, CIFAR, BRATS, COCO, PARQUET, FOLDER)
}  # in the order in which they are asked; the last takes what gyrus reads anyway


def importer_of(place: Place, kind: str = "auto") -> Importer:
    """Return the importer that recognises a place, or the one that is named.

    Raises
    ------
    LayoutError
        When none does.
    UsageError
        When the named one does not exist.
    """
    if kind != "auto":
        if kind not in IMPORTERS:
            raise UsageError(f"kind {kind!r} is none of {', '.join(IMPORTERS)}")
        return IMPORTERS[kind]
    for importer in IMPORTERS.values():
        if importer.recognises(place):
            return importer
    known = "; ".join(importer.what for importer in IMPORTERS.values())
    raise LayoutError(
        f"holds no data set that is known ({len(place.names)} files)",
        path=place.source,
        details=place.names[:5],
        fix=f"say what it is with --kind; known: {known}",
    )
