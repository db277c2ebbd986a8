"""Data sets that come in a form of their own, made into a manifest."""

from gyrus.data.importers.imported import Imported, Importer, Place, place_of
from gyrus.data.importers.registry import IMPORTERS, importer_of

__all__ = ["IMPORTERS", "Imported", "Importer", "Place", "importer_of", "place_of"]
