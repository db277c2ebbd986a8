"""The folder of a cross-validation: a run for every fold, and what was finished."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from gyrus.config import CrossvalConfig
from gyrus.errors import DataError, UsageError
from gyrus.runs import RunFolder
from gyrus.runs.atomic import to_json, write_json
from gyrus.runs.folder import ResultFolder
from gyrus.runs.lock import LOCK_NAME

VERB = "crossval"
# may differ from call to call: they change where and how fast, or add repeats, but no fold that is finished
_FREE = frozenset(
    {"out", "json", "repeats", "jobs", "source", "cache_dir", "workers", "pin_memory", "checkpoint_minutes"}
)


@dataclass(frozen=True, slots=True)
class CrossvalFolder(ResultFolder):
    """Names of the files of a cross-validation."""

    @property
    def progress(self) -> Path:
        """Which folds are finished, which failed."""
        return self.path / "progress.json"

    @property
    def pooled(self) -> Path:
        """Out-of-fold predictions of all folds and repeats."""
        return self.path / "predictions-pooled.csv"

    @property
    def evaluation(self) -> Path:
        """The pooled figures."""
        return self.path / "evaluation.json"

    @property
    def suspects(self) -> Path:
        """Images whose label is contradicted by the model that had not seen them."""
        return self.path / "label-suspects.html"

    def run_of(self, repeat: int, fold: int) -> RunFolder:
        """Return the run of a fold; the further repeats lie in folders of their own."""
        parent = self.path / f"repeat-{repeat}" if repeat else self.path
        return RunFolder(parent / f"fold-{fold}")

    def log_of(self, repeat: int, fold: int) -> Path:
        """Return the log of a fold that is trained in a process of its own; it lies beside its run."""
        run = self.run_of(repeat, fold).path
        return run.with_name(f"{run.name}.log")

    def predictions_of(self, repeat: int) -> Path:
        """Return the place of one repeat's predictions, where there are several."""
        return self.path / f"predictions-repeat-{repeat}.csv"


@dataclass(slots=True)
class Progress:
    """What became of the folds.

    Attributes
    ----------
    finished : dict
        Title of a fold -> ``{"run", "fingerprint" (of its manifest), "digest" (of its bundle), "seconds"}``.
    failed : dict
        Title of a fold -> ``{"error", "exit_code"}``, in the last call.
    counted : list of str
        Deals of patients to folds whose look is in the ledger.
    """

    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, dict[str, Any]] = field(default_factory=dict)
    counted: list[str] = field(default_factory=list)

    def write(self, folder: CrossvalFolder) -> None:
        """Write ``progress.json``."""
        write_json(folder.progress, asdict(self))


def read_progress(folder: CrossvalFolder) -> Progress:
    """Return what is finished; nothing where the cross-validation begins."""
    return Progress(**_read(folder.progress)) if folder.progress.is_file() else Progress()


def check_folder(config: CrossvalConfig) -> None:
    """Refuse a folder that holds something else, or folds that were trained with other options.

    Raises
    ------
    UsageError
        Naming the options that differ.
    DataError
        When its files are damaged.
    """
    if config.out is None:
        return
    folder = CrossvalFolder(config.out)
    if not folder.config.is_file():
        if not _only_locked(config.out):
            RunFolder(config.out).check_free()
        return
    stored, wanted = _read(folder.config), described(config)
    if stored.get("verb") != VERB:
        raise UsageError(
            "is a run, and no cross-validation", path=folder.path, fix="name another folder with --out"
        )
    defaults = {f.name: json.loads(to_json(f.default)) for f in fields(config) if f.name != "source"}
    names = [name for name in wanted if name not in _FREE]
    changed = [
        f"{name}: {_told(stored.get(name, defaults.get(name)))} there, {_told(wanted[name])} asked for"
        for name in names
        if stored.get(name, defaults.get(name)) != wanted[name]
    ]
    if changed:
        raise UsageError(
            "holds folds that were trained with other options",
            path=folder.path,
            details=changed,
            fix="give the same options to go on, or name another folder with --out",
        )


def _only_locked(path: Path) -> bool:
    """Tell whether a cross-validation that has written nothing yet holds, or held, the folder."""
    return path.is_dir() and [entry.name for entry in path.iterdir()] == [LOCK_NAME]


def described(config: CrossvalConfig) -> dict[str, Any]:
    """Return the options as ``config.json`` holds them."""
    described: dict[str, Any] = json.loads(to_json({"verb": VERB, **asdict(config)}))
    return described


def _told(value: Any) -> str:
    return "none" if value is None else to_json(value, indent=None)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is damaged: {error}", path=path, fix="name another folder with --out") from error
    if not isinstance(value, dict):
        raise DataError("is damaged: expected a JSON object", path=path, fix="name another folder with --out")
    return value
