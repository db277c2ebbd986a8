"""Recognise what a SOURCE is: a run, a bundle, a predictions file."""

from __future__ import annotations

from pathlib import Path

from gyrus import box
from gyrus.errors import DataError, UsageError
from gyrus.runs import RunFolder
from gyrus.verbs.crossval_folder import CrossvalFolder


def bundle_of(source: Path) -> Path:
    """Return the bundle that a path names: itself, or the one in a run folder.

    Raises
    ------
    DataError
        When there is neither.
    """
    if source.is_dir():
        bundle = RunFolder(source).bundle
        if not bundle.is_file():
            raise DataError(
                "is a folder without model.gyrus", path=source, fix="name a bundle or a run folder"
            )
        return bundle
    if not source.exists():
        raise DataError("does not exist", path=source, fix="name a bundle (model.gyrus) or a run folder")
    return source


def model_of(given: Path | None) -> Path:
    """Return the bundle that a path names, or the model in the box for None.

    Raises
    ------
    DataError
        When the path names none.
    UsageError
        When there is none in the box either.
    """
    return box.path() if given is None else bundle_of(given)


def run_of(source: Path) -> RunFolder:
    """Return the run folder at ``source``.

    Raises
    ------
    DataError
        When it is not one, or a training that did not finish.
    UsageError
        When it is a cross-validation, which holds several.
    """
    refuse_crossval(source)
    run = RunFolder(source)
    missing = [path.name for path in (run.config, run.manifest, run.bundle) if not path.is_file()]
    if missing:
        raise DataError(
            f"is no finished run: {', '.join(missing)} is missing",
            path=source,
            fix="name a folder made by gyrus train",
        )
    return run


def refuse_crossval(source: Path) -> None:
    """Refuse the folder of a cross-validation where one run, or one set of masks, is asked for.

    Raises
    ------
    UsageError
        Naming what can be taken instead.
    """
    folder = CrossvalFolder(source)
    if folder.progress.is_file():
        raise UsageError(
            "is a cross-validation: its pooled figures stand in evaluation.json and report.html",
            path=source,
            fix=f"one fold is a run: {source / 'fold-0'}; to measure the pooled answers anew: gyrus evaluate "
            f"{folder.pooled} DATA; to compare masks name evaluation.json, else predictions-pooled.csv",
        )


def is_bundle(source: Path) -> bool:
    """Tell whether a file is a bundle: by its ending, or because it begins as an archive does."""
    if source.suffix == ".gyrus":
        return True
    try:
        with source.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False
