"""Many images: layouts, manifest, scan with its caches, groups and splits."""

from gyrus.data.groups import link_groups
from gyrus.data.loading import Loaded, load
from gyrus.data.manifest import Manifest, Row, read_manifest, write_manifest
from gyrus.data.pixel_cache import PixelCache
from gyrus.data.scanning import Scan, Skipped, scan
from gyrus.data.splits import make_split

__all__ = [
    "Loaded",
    "Manifest",
    "PixelCache",
    "Row",
    "Scan",
    "Skipped",
    "link_groups",
    "load",
    "make_split",
    "read_manifest",
    "scan",
    "write_manifest",
]
