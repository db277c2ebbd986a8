"""The doctor: every problem of a data set by name, and a manifest without them. It never touches an image."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gyrus.auditing.image_problems import peculiar, unreadable
from gyrus.auditing.mask_problems import mask_problems
from gyrus.auditing.problems import GRADES, KINDS, Commands, Problem, counted
from gyrus.auditing.set_problems import (
    absent_classes,
    class_names,
    empty_classes,
    folder_problems,
    name_problems,
)
from gyrus.config.options import DataOptions
from gyrus.data import Loaded, Manifest, Row, load, scan
from gyrus.data.files import Files, list_files, natural_key
from gyrus.data.layouts import in_mask_folder, out_of_place
from gyrus.data.loading import manifest_in
from gyrus.data.mask_pairs import masks_beside
from gyrus.data.side_table import tables_beside
from gyrus.errors import DataError, LayoutError
from gyrus.imaging.damage import BEGINNING_BYTES, image_format

DOCTOR_COLUMN = "doctor"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a data set.

    Attributes
    ----------
    problems : tuple of Problem
        The gravest first.
    images : int
        Images looked at, the unreadable included.
    manifest : Manifest or None
        The readable ones, scanned; None when the arrangement of the folder is not known.
    notes : tuple of str
        What was decided on the way, in sentences.
    """

    problems: tuple[Problem, ...]
    images: int
    manifest: Manifest | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """Images, and what the listing of their folder told; no listing where a table names them."""

    manifest: Manifest
    loaded: Loaded | None
    files: Files | None
    problems: tuple[Problem, ...]


def diagnose(
    source: Path,
    options: DataOptions,
    commands: Commands,
    *,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> Diagnosis:
    """Look for every kind of problem in a folder or manifest.

    Parameters
    ----------
    source : Path
        A folder or a table.
    options : DataOptions
        How to read it.
    commands : Commands
        Named as what mends a problem.
    cache_dir : Path, optional
        Where facts about images are remembered.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    DataError
        When there is no image to look at, or a table cannot be read.
    """
    found = _find(source, options)
    scanned = scan(
        found.manifest, on_bad_file="list", color=options.color, cache_dir=cache_dir, progress=progress
    )
    shown = {}
    if found.files is not None:  # files that a table names must keep their names
        shown = {row.image_id: f"{commands.source}/{row.path}" for row in found.manifest.rows}
    problems = [
        *found.problems,
        *unreadable(scanned.skipped, found.manifest.root, commands),
        *peculiar(scanned.manifest, scanned.nuisance, shown, commands),
        *name_problems(found.manifest.rows, shown, commands),
    ]
    if found.files is not None:
        problems += folder_problems(found.files, commands.source)
    if found.loaded is not None:
        problems += class_names(found.manifest, found.loaded.joined, commands)
        problems += absent_classes(scanned.manifest, commands)
        problems += mask_problems(scanned.manifest, options, commands)
        if found.files is not None:
            problems += empty_classes(found.files, scanned.manifest.rows, commands.source)
    misplaced = sum(len(problem.files) for problem in found.problems if problem.kind == "out_of_place")
    return Diagnosis(
        problems=_sorted(problems),
        images=len(found.manifest) + misplaced,
        manifest=scanned.manifest if found.loaded is not None else None,
        notes=(*(found.loaded.notes if found.loaded is not None else ()), *scanned.notes),
    )


def clean(diagnosis: Diagnosis, leave_out: Sequence[str] = ()) -> Manifest:
    """Return a manifest of the images that are readable, not blank, in a class, and none of ``leave_out``.

    What else was found about an image stands in the column ``doctor``.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of a known arrangement.
    leave_out : sequence of str
        Further kinds of problem whose images are left out.

    Raises
    ------
    DataError
        When the arrangement is not known, or no image is left.
    """
    if diagnosis.manifest is None:
        problem = next(problem for problem in diagnosis.problems if problem.kind == "layout")
        raise LayoutError(problem.message, path=problem.files[0], fix=KINDS["layout"].remedy)
    out = {kind for kind, described in KINDS.items() if described.left_out} | set(leave_out)
    kinds_of: dict[str, list[str]] = {}
    for problem in diagnosis.problems:
        if KINDS[problem.kind].of_images:
            for image_id in problem.files:
                kinds_of.setdefault(image_id, []).append(problem.kind)
    rows = [
        _remarked(row, kinds_of.get(row.image_id, []))
        for row in diagnosis.manifest.rows
        if not out.intersection(kinds_of.get(row.image_id, []))
    ]
    if not rows:
        raise DataError(
            "no image is left",
            path=diagnosis.manifest.root,
            fix="gyrus doctor without --fix tells the reasons",
        )
    return diagnosis.manifest.with_rows(rows)


def _remarked(row: Row, kinds: Sequence[str]) -> Row:
    facts = {name: value for name, value in row.facts.items() if name != DOCTOR_COLUMN}
    if kinds:
        facts[DOCTOR_COLUMN] = " ".join(kinds)
    return row.with_(facts=facts)


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    order = {kind: place for place, kind in enumerate(KINDS)}
    return tuple(sorted(problems, key=lambda problem: (GRADES.index(problem.grade), order[problem.kind])))


def _find(source: Path, options: DataOptions) -> _Found:
    """Recognise the data; what keeps their arrangement from being known becomes a problem."""
    if not source.is_dir() or manifest_in(source)[0] is not None:
        loaded = load(source, options)
        return _Found(loaded.manifest, loaded, None, ())
    files = list_files(source)
    images = sorted([*files.images, *_unnamed_images(source, files)], key=natural_key)
    from_table = options.subjects is not None and options.label_column is not None
    lost = set(out_of_place(images, labels_from_table=from_table))
    taken = replace(files, images=[name for name in images if name not in lost], empty=[])
    problems = [_out_of_place(source, sorted(lost, key=natural_key))] if lost else []
    try:
        loaded = load(source, options, files=taken)
    except LayoutError as error:
        if not taken.images:
            raise
        images = [name for name in taken.images if not in_mask_folder(name)]
        beside = masks_beside(images)
        rows = tuple(Row(image_id=name, path=name) for name in images if name not in beside)
        problems.append(_unknown_layout(source, error))
        return _Found(Manifest(rows, source.absolute()), None, files, tuple(problems))
    return _Found(loaded.manifest, loaded, files, tuple(problems))


def _unnamed_images(source: Path, files: Files) -> list[str]:
    """Return the files that begin like an image and do not end like one."""
    found = []
    for name in files.others:
        try:
            with (source / name).open("rb") as stream:
                start = stream.read(BEGINNING_BYTES)
        except OSError:
            continue  # a file that cannot be opened is not known to be an image
        if image_format(start):
            found.append(name)
    return found


def _out_of_place(source: Path, lost: Sequence[str]) -> Problem:
    what = counted(len(lost), "image lies in no class folder", "images lie in no class folder")
    commands = tuple(shlex.join(["mv", "-n", f"{source}/{name}", f"{source}/CLASS/"]) for name in lost)
    return Problem("out_of_place", f"{what}.", tuple(lost), commands)


def _unknown_layout(source: Path, error: LayoutError) -> Problem:
    message = f"The arrangement of the folder is not known: it {error.message} ({error.fix})."
    tables = ["gyrus", "doctor", str(source), "--subjects", "", "--on", "COLUMN", "--label-column", "COLUMN"]
    commands = []
    for name in tables_beside(source):
        tables[4] = f"{source}/{name}"
        commands.append(shlex.join(tables))
    return Problem("layout", message, (str(source),), tuple(commands))
