"""``gyrus split``: a manifest whose splits share no patient and no copy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.auditing import Audit, audit_manifest
from gyrus.config import SplitConfig
from gyrus.config.build import build
from gyrus.data import Manifest, make_split, write_manifest
from gyrus.errors import LeakageError, UsageError
from gyrus.verbs.prepare import prepare
from gyrus.verbs.tables import counts_table


@dataclass(frozen=True, slots=True)
class SplitOutcome:
    """The manifest that was written."""

    path: Path
    manifest: Manifest
    audit: Audit
    moved: int
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """4 when a split was kept that leaks (``--split auto``), else 0."""
        return LeakageError.exit_code if self.audit.verdict == "leaking" else 0

    def to_json(self) -> dict[str, Any]:
        """Return counts by split and class, images moved, and the verdict."""
        return {
            "path": str(self.path),
            "counts": self.manifest.counts(),
            "moved": self.moved,
            "verdict": self.audit.verdict,
            "sentence": self.audit.sentence,
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """Return the table of counts and the verdict."""
        return "\n".join(
            [
                f"wrote {self.path}",
                counts_table(self.manifest),
                f"moved: {self.moved} images",
                self.audit.sentence,
            ]
        )


def run(config: SplitConfig) -> SplitOutcome:
    """Split ``config.source`` and write the manifest."""
    if config.out.exists() and not config.overwrite:
        raise UsageError(
            "exists already", path=config.out, fix="name another with --out, or give --overwrite"
        )
    if config.repair:
        config = replace(config, split="repair")
    prepared = prepare(config.source, config, cache_dir=config.cache_dir)
    split_result = make_split(prepared.manifest, config)
    manifest = split_result.manifest
    write_manifest(manifest, config.out)
    return SplitOutcome(
        path=config.out,
        manifest=manifest,
        audit=audit_manifest(manifest, prepared.related),
        moved=len(split_result.moved),
        notes=(*prepared.notes, *split_result.notes),
    )


def split(source: Path | str, **options: Any) -> SplitOutcome:
    """Split a folder or manifest by patients; options as in :class:`gyrus.config.SplitConfig`."""
    return run(build(SplitConfig, source=source, **options))
