"""``gyrus doctor``: every flaw of a data set by name, and what mends it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.auditing import Diagnosis, Problem, clean, diagnose
from gyrus.auditing.problems import GRADES, KINDS, Commands
from gyrus.auditing.set_problems import absent_classes
from gyrus.config import DoctorConfig
from gyrus.config.build import build, nearest
from gyrus.data import Manifest, write_manifest
from gyrus.errors import DataError, UsageError
from gyrus.verbs.command_line import data_flags

_FILES_SHOWN = 5
_COMMANDS_SHOWN = 3
_WORDS = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("remark", "remarks")}


@dataclass(frozen=True, slots=True)
class Written:
    """The clean manifest.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    left_out : mapping of str to int
        Images that are not in it, by kind of problem; one with several counts for each.
    unsolved : tuple of Problem
        Errors that it still has.
    """

    path: Path
    manifest: Manifest
    left_out: dict[str, int]
    unsolved: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """What ``gyrus doctor`` found, and what it wrote."""

    diagnosis: Diagnosis
    written: Written | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found, the gravest first."""
        return self.diagnosis.problems

    @property
    def exit_code(self) -> int:
        """3 when there are errors (with ``--fix``: in what was written), else 0."""
        unsolved = self.problems if self.written is None else self.written.unsolved
        return DataError.exit_code if any(problem.grade == "error" for problem in unsolved) else 0

    def to_json(self) -> dict[str, Any]:
        """Return problems with all files and commands, and what was written."""
        readable = self.diagnosis.manifest
        return {
            "images": self.diagnosis.images,
            "classes": [] if readable is None else list(readable.classes),
            "problems": [problem.to_json() for problem in self.problems],
            "notes": list(self.diagnosis.notes),
            "written": None
            if self.written is None
            else {
                "path": str(self.written.path),
                "images": len(self.written.manifest),
                "classes": list(self.written.manifest.classes),
                "left_out": self.written.left_out,
                "unsolved": [problem.to_json() for problem in self.written.unsolved],
            },
        }

    def to_text(self) -> str:
        """Return the problems as lines; long lists are cut."""
        lines = [self._summary()]
        for problem in self.problems:
            lines += ["", *_lines(problem)]
        if self.written is not None:
            lines += ["", *self._written_lines(self.written)]
        return "\n".join(lines)

    def _summary(self) -> str:
        counts = Counter(problem.grade for problem in self.problems)
        listed = ", ".join(
            f"{counts[grade]} {_WORDS[grade][counts[grade] != 1]}" for grade in GRADES if counts[grade]
        )
        images = f"{self.diagnosis.images} images were looked at"
        return f"{images}: {listed}." if listed else f"{images}; nothing is wrong with the files."

    def _written_lines(self, written: Written) -> list[str]:
        lines = [f"wrote {written.path}: {len(written.manifest)} of {self.diagnosis.images} images"]
        if written.left_out:
            listed = ", ".join(f"{kind} {count}" for kind, count in written.left_out.items())
            lines.append(f"left out: {listed}")
        for problem in written.unsolved:
            lines += [f"still there: {problem.message}", *(f"  $ {command}" for command in problem.commands)]
        return lines


def run(config: DoctorConfig) -> DoctorResult:
    """Examine ``config.source``; with ``config.fix`` write a clean manifest."""
    _check(config)
    commands = Commands(
        source=str(config.source),
        flags=tuple(data_flags(replace(config, join_classes=()))),
        joins=config.join_classes,
    )
    diagnosis = diagnose(config.source, config, commands, cache_dir=config.cache_dir)
    if config.out is None:
        return DoctorResult(diagnosis)
    manifest = clean(diagnosis, config.leave_out)
    write_manifest(manifest, config.out)
    after = replace(commands, source=str(config.out), flags=(), joins=())
    written = Written(
        path=config.out,
        manifest=manifest,
        left_out=_left_out(diagnosis, manifest),
        unsolved=tuple(absent_classes(manifest, after)),
    )
    return DoctorResult(diagnosis, written)


def doctor(source: Path | str, **options: Any) -> DoctorResult:
    """Examine a folder or manifest; options as in :class:`gyrus.config.DoctorConfig`.

    Returns
    -------
    DoctorResult
        ``result.problems`` names every file; nothing is raised for them.
    """
    return run(build(DoctorConfig, source=source, **options))


def _check(config: DoctorConfig) -> None:
    """Refuse wrong names before any image is read."""
    known = [kind for kind, described in KINDS.items() if described.of_images]
    for kind in config.leave_out:
        if kind not in known:
            raise UsageError(
                f"--leave-out {kind!r} is no kind of problem of an image{nearest(kind, known)}",
                fix=f"it can be {', '.join(known)}",
            )
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise UsageError(
            "exists already", path=config.out, fix="name another with --out, or give --overwrite"
        )


def _left_out(diagnosis: Diagnosis, manifest: Manifest) -> dict[str, int]:
    kept = {row.image_id for row in manifest.rows}
    counts = {
        problem.kind: sum(name not in kept for name in problem.files)
        for problem in diagnosis.problems
        if KINDS[problem.kind].of_images or problem.kind == "out_of_place"
    }
    return {kind: count for kind, count in counts.items() if count}


def _lines(problem: Problem) -> list[str]:
    lines = [f"{problem.grade}: {problem.message}"]
    lines += _cut([f"- {name}" for name in problem.files], _FILES_SHOWN)
    lines.append(f"  to mend: {KINDS[problem.kind].remedy}")
    return lines + _cut([f"  $ {command}" for command in problem.commands], _COMMANDS_SHOWN)


def _cut(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return [*lines[:most], f"{indent}- … and {len(lines) - most} more in --json"]
