"""A cohort with planted faults, audited; the fixtures of the page's tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.auditing import Related, audit_manifest, relate
from gyrus.data import Manifest, load, scan
from gyrus.pages import AuditContext
from gyrus.phantom import Faults, Phantom, write_cohort

FAULTS = Faults(
    shared_subjects=2, byte_copies=2, pixel_copies=2, mirrored_copies=3, rotated_copies=3, wrong_labels=1
)


@dataclass(frozen=True)
class Audited:
    """A manifest with its audit."""

    manifest: Manifest
    audit: dict[str, Any]
    related: Related

    def context(self, **changes: Any) -> AuditContext:
        options: dict[str, Any] = {
            "title": "planted",
            "audit": {**self.audit, "notes": ["a note"], "skipped": []},
            "manifest": self.manifest,
            "source": "data/brain mri",
            "related": self.related,
        }
        return AuditContext(**{**options, **changes})


def audited(folder: Path, faults: Faults | None = FAULTS, split: Any = "subject") -> Audited:
    """Write, scan and audit a small cohort."""
    write_cohort(folder, Phantom(subjects=16, slices_per_subject=2, image_size=64), faults, split=split)
    scanned = scan(load(folder).manifest, cache_dir=folder.parent / "cache", progress=False)
    related = relate(scanned.manifest, scanned.looks)
    return Audited(related.manifest, audit_manifest(related.manifest, related).to_json(), related)
