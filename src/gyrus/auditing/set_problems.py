"""Problems of a whole set: classes, splits, names, and what lies in its folder besides images."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from gyrus.auditing.problems import Commands, Problem, counted
from gyrus.data.class_names import spelling_key
from gyrus.data.files import Files
from gyrus.data.layouts import class_folders
from gyrus.data.manifest import SPLITS, Manifest, Row

_SHORTEST = 5  # letters of a name in which a slip of the pen is suspected; two slips in one of nine
_TWO_SLIPS = 9
_HEALTHY = frozenset({"no", "notumor", "notumour", "normal", "healthy", "control", "controls", "negative"})
_FILLERS = ("tumors", "tumours", "tumor", "tumour", "images", "class", "mri")
_LETTER = re.compile(r"[^\W\d_]")
_OPPOSITES = (("hypo", "hyper"), ("intra", "extra"), ("intra", "inter"))
_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir", ".ipynb_checkpoints")
_JUNK_NAMES = frozenset(name.casefold() for name in _JUNK)


def class_names(manifest: Manifest, joined: Mapping[str, str], commands: Commands) -> list[Problem]:
    """Return spellings of class names that were joined, and classes that may be one.

    Parameters
    ----------
    manifest : Manifest
        As it was found, the unreadable images included.
    joined : mapping of str to str
        See :class:`gyrus.data.Loaded`.
    commands : Commands
        Named as what mends them.
    """
    problems = []
    if joined:
        listed = ", ".join(f"{name!r} is {kept!r}" for name, kept in joined.items())
        what = counted(len(joined), "class name is a spelling", "class names are spellings")
        message = f"{what} of another: {listed}."
        problems.append(Problem("class_spelling", message, tuple(joined), (commands.fix(),)))
    counts = Counter(name for row in manifest.rows for name in manifest.names_of(row))
    for less, more in near_names(counts):
        message = f"Class {less!r} ({counts[less]} images) may be the class {more!r} ({counts[more]} images)."
        command = commands.fix(join=f"{more}={less}")
        problems.append(Problem("class_variant", message, (less, more), (command,)))
    return problems


def near_names(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return pairs of class names that may be one: the rarer first.

    Names differ by a slip of the pen, a plural or a filler (``glioma``, ``glioma_tumor``), or both mean that
    nothing was found (``no_tumor``, ``healthy``). Names that differ by a number (``grade_1``, ``grade_2``) or
    by a "no" are different.
    """
    names = sorted(counts, key=lambda name: (counts[name], name))
    return [
        (less, more)
        for place, less in enumerate(names)
        for more in names[place + 1 :]
        if _may_be_one(spelling_key(less), spelling_key(more))
    ]


def _may_be_one(one: str, other: str) -> bool:
    if {one, other} <= _HEALTHY:
        return True
    if _LETTER.sub("", one) != _LETTER.sub("", other):  # grade_1 is not grade_2, HER2+ not HER2-
        return False
    bare = _without_filler(one), _without_filler(other)
    if bare[0] == bare[1]:
        return True
    shorter, longer = sorted(bare, key=len)
    # what is put before a word changes its meaning: no tumour, nondemented, abnormal, atypical
    if len(shorter) < _SHORTEST or longer.endswith(shorter) or _opposite(*bare):
        return False
    return _slips(shorter, longer) <= (2 if len(shorter) >= _TWO_SLIPS else 1)


def _opposite(one: str, other: str) -> bool:
    return any(
        one.startswith(prefix) and other.startswith(against)
        for pair in _OPPOSITES
        for prefix, against in (pair, pair[::-1])
    )


def _slips(one: str, other: str) -> int:
    """Return how many letters must be put in, left out, replaced or swapped to make one name the other."""
    before, last = list[int](), list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, opposite in enumerate(other, start=1):
            costs = [line[-1] + 1, last[column] + 1, last[column - 1] + (letter != opposite)]
            if row > 1 and column > 1 and (letter, opposite) == (other[column - 2], one[row - 2]):
                costs.append(before[column - 2] + 1)
            line.append(min(costs))
        before, last = last, line
    return last[-1]


def _without_filler(key: str) -> str:
    for filler in _FILLERS:
        if key.endswith(filler) and len(key) > len(filler):
            return key.removesuffix(filler)
    return key.removesuffix("s") if len(key) > _SHORTEST else key


def absent_classes(manifest: Manifest, commands: Commands) -> list[Problem]:
    """Return the classes that do not stand in every split of the readable images."""
    splits = [split for split in SPLITS if any(row.split == split for row in manifest.rows)]
    if len(splits) < 2:
        return []
    where: dict[str, set[str]] = defaultdict(set)
    for row in manifest.rows:
        for name in manifest.names_of(row):
            if row.split:
                where[name].add(row.split)
    absent = {
        label: [split for split in splits if split not in present]
        for label, present in sorted(where.items())
        if len(present) < len(splits)
    }
    if not absent:
        return []
    listed = ", ".join(f"{label!r} has no image in {' and '.join(named)}" for label, named in absent.items())
    what = counted(len(absent), "class is absent from a split", "classes are absent from a split")
    return [Problem("class_in_one_split", f"{what}: {listed}.", tuple(absent), (commands.split_anew,))]


def empty_classes(files: Files, rows: Iterable[Row], root: str) -> list[Problem]:
    """Return the folders where a class is expected and no image lies.

    Parameters
    ----------
    files : Files
        What lies in the data folder.
    rows : iterable of Row
        Readable images.
    root : str
        The data folder as the user can type it.
    """
    folders = {name for name in files.empty if name}
    for name in (*files.images, *files.others):
        folders |= {parent.as_posix() for parent in PurePosixPath(name).parents} - {"."}
    filled = {parent.as_posix() for row in rows for parent in PurePosixPath(row.path).parents}
    empty = sorted(set(class_folders(folders)) - filled)
    if not empty:
        return []
    bare = set(files.empty)
    commands = tuple(shlex.join(["rmdir", f"{root}/{name}"]) for name in empty if name in bare)
    what = counted(len(empty), "folder has no readable image", "folders have no readable image")
    return [Problem("empty_class", f"{what}: {', '.join(empty)}.", tuple(empty), commands)]


def folder_problems(files: Files, root: str) -> list[Problem]:
    """Return what lies in the folder and is no data: system files, hidden files, links in circles."""
    junk = [name for name in files.hidden if _is_junk(name)]
    hidden = [name for name in files.hidden if not _is_junk(name)]
    problems = []
    if junk:
        what = counted(len(junk), "file of an operating system lies", "files of operating systems lie")
        problems.append(
            Problem("system_file", f"{what} among the images.", tuple(junk), _removals(junk, root))
        )
    if hidden:
        what = counted(len(hidden), "hidden file or folder is", "hidden files or folders are")
        problems.append(Problem("hidden_file", f"{what} passed over.", tuple(hidden)))
    if files.loops:
        what = counted(len(files.loops), "link leads", "links lead")
        commands = tuple(shlex.join(["rm", f"{root}/{name}"]) for name in files.loops)
        problems.append(
            Problem("link_loop", f"{what} back into the own folder.", tuple(files.loops), commands)
        )
    return problems


def _is_junk(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.casefold() in _JUNK_NAMES or last.startswith("._")


def _removals(junk: Sequence[str], root: str) -> tuple[str, ...]:
    """Return one command for each name that occurs, however often."""
    patterns = {
        ("._*" if name.rpartition("/")[2].startswith("._") else name.rpartition("/")[2]) for name in junk
    }
    return tuple(
        f"find {shlex.quote(root)} -name {shlex.quote(pattern)} -prune -exec rm -r {{}} +"
        for pattern in sorted(patterns)
    )


def name_problems(rows: Sequence[Row], shown: Mapping[str, str], commands: Commands) -> list[Problem]:
    """Return file names that occur several times, and such that one file system cannot tell apart."""
    same_stem = _together(rows, lambda row: PurePosixPath(row.path).stem)
    same_path = _together(rows, lambda row: row.path)
    problems = []
    if same_stem:
        repeated = tuple(row.image_id for members in same_stem for row in members)
        what = counted(len(same_stem), "file name occurs", "file names occur")
        message = f"{what} several times, in other folders or with other endings ({len(repeated)} images)."
        problems.append(Problem("duplicate_name", message, repeated, (commands.fix(),)))
    if same_path:
        clashing = tuple(row.image_id for members in same_path for row in members)
        what = counted(len(clashing), "path differs", "paths differ")
        message = f"{what} from another by upper and lower case or the spelling of accents alone."
        moves = tuple(command for members in same_path for command in _apart(members, shown))
        problems.append(Problem("name_clash", message, clashing, moves if shown else (commands.fix(),)))
    return problems


def _together(rows: Sequence[Row], name: Callable[[Row], str]) -> list[list[Row]]:
    """Return the images of different files whose names are the same but for case and accents' spelling."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[_plain(name(row))].append(row)
    return [found for found in members.values() if len({row.path for row in found}) > 1]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _apart(members: Sequence[Row], shown: Mapping[str, str]) -> tuple[str, ...]:
    """Return commands that number all but the first of files that clash."""
    commands = []
    for number, row in enumerate(members[1:], start=2):
        path = PurePosixPath(shown.get(row.image_id, row.path))
        target = path.with_name(f"{path.stem}-{number}{path.suffix}")
        commands.append(shlex.join(["mv", "-n", path.as_posix(), target.as_posix()]))
    return tuple(commands)
