"""Many images: layouts, manifest, scan with its caches, groups and splits."""

from gyrus.data.groups import link_groups
from gyrus.data.load import Loaded, load
from gyrus.data.manifest import Manifest, Row, read_manifest, write_manifest
from gyrus.data.splits import SplitResult, make_folds, make_split

__all__ = [
    "Loaded",
    "Manifest",
    "Row",
    "SplitResult",
    "link_groups",
    "load",
    "make_folds",
    "make_split",
    "read_manifest",
    "write_manifest",
]
