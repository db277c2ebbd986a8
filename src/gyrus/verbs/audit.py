"""``gyrus audit``: who stands on both sides of a split."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gyrus.auditing import Audit
from gyrus.config import AuditConfig
from gyrus.config.build import build
from gyrus.data import Skipped, write_manifest
from gyrus.errors import LeakageError, UsageError
from gyrus.pages import AuditContext, write_audit_page, write_badge
from gyrus.pages.notebook import findings_list, place, verdict_box
from gyrus.runs import environment
from gyrus.runs.atomic import write_json
from gyrus.verbs.command_line import data_flags
from gyrus.verbs.prepare import Prepared, prepare

PAGE = "audit.html"


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What ``gyrus audit`` found."""

    audit: Audit
    notes: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    folder: Path | None = None

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
        """Return the verdict and the findings as lines, and where the page lies."""
        text = self.audit.to_text()
        return text if self.folder is None else f"{text}\n\nopen    {self.folder / PAGE}"

    def _repr_html_(self) -> str:
        """Return the verdict and the findings for a notebook."""
        parts = [verdict_box(self.audit.verdict, self.audit.sentence)]
        parts.append(findings_list(self.audit.to_json()["findings"]))
        if self.folder is not None:
            parts.append(place("page", self.folder / PAGE))
        return "".join(parts)


def run(config: AuditConfig) -> AuditResult:
    """Audit ``config.source``.

    Raises
    ------
    UsageError
        When the folder for the page is that of the data, or holds a manifest or audit of something else.
    """
    if config.out is not None:
        _check_free(config.out, config.source)
    prepared = prepare(config.source, config, cache_dir=config.cache_dir)
    checked = prepared.audit(prepared.manifest)
    result = AuditResult(checked, prepared.notes, prepared.skipped, config.out)
    if config.out is not None:
        _write(config, config.out, prepared, result)
    return result


def _check_free(folder: Path, source: Path) -> None:
    """Refuse to write over what no audit wrote, such as a run's manifest or that of the data."""
    if folder.resolve() == source.resolve():
        raise UsageError(
            "is the folder of the data themselves; a manifest in it would be read in their place",
            path=folder,
            fix="name another folder with --out",
        )
    foreign = [name for name in ("manifest.csv", "audit.json") if (folder / name).exists()]
    if foreign and not (folder / PAGE).exists():
        raise UsageError(
            f"holds {' and '.join(foreign)}, but no {PAGE}: it is not the folder of an audit",
            path=folder,
            fix="name another folder with --out",
        )


def _write(config: AuditConfig, folder: Path, prepared: Prepared, result: AuditResult) -> None:
    found = result.to_json()
    write_json(folder / "audit.json", found)
    write_manifest(prepared.manifest, folder / "manifest.csv")
    write_badge(found, folder / "badge.svg")
    context = AuditContext(
        title=config.source.resolve().name,
        audit=found,
        manifest=prepared.manifest,
        source=str(config.source),
        options=data_flags(config),
        color=config.color,
        environment=environment(),
        related=prepared.related,
    )
    write_audit_page(context, folder / PAGE)


def audit(source: Path | str, **options: Any) -> AuditResult:
    """Audit a folder or manifest; options as in :class:`gyrus.config.AuditConfig`.

    Returns
    -------
    AuditResult
        ``result.audit.verdict`` is ``clean``, ``leaking`` or ``unknowable``; a leak raises nothing here.
    """
    return run(build(AuditConfig, source=source, **options))
