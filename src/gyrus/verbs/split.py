"""``gyrus split``: a manifest whose splits share no patient and no copy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.auditing import Audit, audit_manifest
from gyrus.config import SplitConfig
from gyrus.config.build import build
from gyrus.data import Manifest, make_split, write_manifest
from gyrus.data.export_folder import check_export_target
from gyrus.data.nested import make_nested_folds
from gyrus.data.split_export import export_split
from gyrus.errors import LeakageError, UsageError
from gyrus.verbs.prepare import prepare
from gyrus.verbs.tables import counts_table

logger = logging.getLogger("gyrus")


@dataclass(frozen=True, slots=True)
class SplitOutcome:
    """The manifest that was written.

    Attributes
    ----------
    path, manifest : Path, Manifest
        The file, and what is in it.
    audit : Audit
        Of the split (with ``all_folds`` the gravest of all folds).
    moved : int
        Images that a repair put elsewhere.
    exported : Path or None
        Folder in another tool's shape.
    done : tuple of str
        How the split was made, and its shares.
    notes : tuple of str
        All that was said on the way, ``done`` included.
    """

    path: Path
    manifest: Manifest
    audit: Audit
    moved: int
    exported: Path | None
    done: tuple[str, ...]
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
            "exported": None if self.exported is None else str(self.exported),
            "verdict": self.audit.verdict,
            "sentence": self.audit.sentence,
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """Return the table of counts, how it was made, and the verdict."""
        lines = [f"wrote {self.path}", counts_table(self.manifest), *self.done]
        if self.exported is not None:
            lines.append(f"exported to {self.exported}")
        return "\n".join([*lines, self.audit.sentence])


def run(config: SplitConfig) -> SplitOutcome:
    """Split ``config.source`` and write the manifest."""
    if config.out.exists() and not config.overwrite:
        raise UsageError(
            "exists already", path=config.out, fix="name another with --out, or give --overwrite"
        )
    if config.repair:
        config = replace(config, split="repair")
    target = _export_target(config)
    unused = _unused(config)
    prepared = prepare(config.source, config, cache_dir=config.cache_dir)
    if config.all_folds:
        nested = make_nested_folds(prepared.manifest, config)
        manifest, done, moved = nested.manifest, nested.notes, 0
        audits = [audit_manifest(fold.manifest, prepared.related) for fold in nested.folds]
        audit = next((found for found in audits if found.verdict == "leaking"), audits[0])
    else:
        made = make_split(prepared.manifest, config)
        manifest, done, moved = made.manifest, made.notes, len(made.moved)
        audit = audit_manifest(manifest, prepared.related)
    write_manifest(manifest, config.out)
    if config.export is not None and target is not None:
        done = (*done, *export_split(manifest, config.export, target, copy=config.copy))
    return SplitOutcome(
        path=config.out,
        manifest=manifest,
        audit=audit,
        moved=moved,
        exported=target,
        done=done,
        notes=(*unused, *prepared.notes, *done),
    )


def _unused(config: SplitConfig) -> tuple[str, ...]:
    """Return, and tell, which option has no effect."""
    if config.fold is not None or config.all_folds or config.folds == SplitConfig.folds:
        return ()
    note = f"--folds {config.folds} is not used, because neither --fold nor --all-folds is asked for."
    logger.info("note: %s", note)
    return (note,)


def _export_target(config: SplitConfig) -> Path | None:
    """Return the folder to export to; one that is not empty is refused before the images are read."""
    if config.export is None:
        return None
    target = config.export_to
    if target is None:
        target = config.out.with_name(f"{config.out.stem}-{config.export}")
    check_export_target(target)
    return target


def split(source: Path | str, **options: Any) -> SplitOutcome:
    """Split a folder or manifest by patients; options as in :class:`gyrus.config.SplitConfig`."""
    return run(build(SplitConfig, source=source, **options))
