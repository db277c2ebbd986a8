"""``gyrus audit``: who stands on both sides of a split."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gyrus.auditing import Audit, audit_manifest
from gyrus.config import AuditConfig
from gyrus.config.build import build
from gyrus.data import Skipped, write_manifest
from gyrus.errors import LeakageError
from gyrus.runs.atomic import write_json
from gyrus.verbs.prepare import prepare


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What ``gyrus audit`` found."""

    audit: Audit
    notes: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    @property
    def exit_code(self) -> int:
        """4 when the split leaks, else 0."""
        return LeakageError.exit_code if self.audit.verdict == "leaking" else 0

    def to_json(self) -> dict[str, Any]:
        """Return verdict, findings, notes and skipped files."""
        return {
            **self.audit.to_json(),
            "notes": list(self.notes),
            "skipped": [asdict(item) for item in self.skipped],
        }

    def to_text(self) -> str:
        """Return the verdict and the findings as lines."""
        return self.audit.to_text()


def run(config: AuditConfig) -> AuditResult:
    """Audit ``config.source``."""
    prepared = prepare(config.source, config, cache_dir=config.cache_dir)
    checked = audit_manifest(prepared.manifest, prepared.related)
    result = AuditResult(checked, prepared.notes, prepared.skipped)
    if config.out is not None:
        write_json(config.out / "audit.json", result.to_json())
        write_manifest(prepared.manifest, config.out / "manifest.csv")
    return result


def audit(source: Path | str, **options: Any) -> AuditResult:
    """Audit a folder or manifest; options as in :class:`gyrus.config.AuditConfig`.

    Returns
    -------
    AuditResult
        ``result.audit.verdict`` is ``clean``, ``leaking`` or ``unknowable``; a leak raises nothing here.
    """
    return run(build(AuditConfig, source=source, **options))
