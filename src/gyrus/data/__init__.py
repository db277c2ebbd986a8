"""Many images: layouts, manifest, scan with its caches, groups and splits."""

from gyrus.data.load import Loaded, load
from gyrus.data.manifest import Manifest, Row, read_manifest, write_manifest

__all__ = ["Loaded", "Manifest", "Row", "load", "read_manifest", "write_manifest"]
