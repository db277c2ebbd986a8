"""Problems of single images: files that cannot be read, and pictures that are not what they seem."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from gyrus.auditing.problems import KINDS, Commands, Problem, counted
from gyrus.data.manifest import Manifest, Row
from gyrus.data.scanning import Skipped
from gyrus.imaging.damage import damage_of
from gyrus.imaging.nuisance import Nuisance
from gyrus.imaging.reading import IMAGE_SUFFIXES

_UNREADABLE = {
    "missing": ("file does not exist", "files do not exist"),
    "unreadable": ("file cannot be opened", "files cannot be opened"),
    "empty": ("file is empty (zero bytes)", "files are empty (zero bytes)"),
    "truncated": ("image is truncated: its end is missing", "images are truncated: their end is missing"),
    "corrupt": ("image is corrupt and cannot be decoded", "images are corrupt and cannot be decoded"),
    "too_large": ("file is larger than the limits allow", "files are larger than the limits allow"),
    "not_an_image": (
        "file has the ending of an image and is none", "files have the ending of an image and are none",
    ),
}  # fmt: skip
_ENDINGS = {
    "PNG": (".png",), "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"), "WEBP": (".webp",),
}  # fmt: skip
_SCANS = ("DICOM", "NIFTI")  # 16 bits are their own way
_BLANK_RANGE = 8  # grey levels between the darkest and brightest part of a blank image
_WHITE_MIDDLE = 0.4  # share of the middle that is pure white where 16 bits were cut to 8; 0.07 in real sets
_COLOURED = 0.002  # share of coloured pixels that a marking or a banner has; grey scans have none
_FEW = 0.2  # what more of the images have is the set's own way
_SCREEN_NAME = re.compile(
    r"screen[ _-]?(shot|cap|grab)|scr(ee)?nshot|bildschirm(foto|aufnahme)|capture d.?.cran"
    r"|captura de (pantalla|tela)|schermata|snipping|snip[ _-]?\d|снимок экрана|スクリーンショット"
    r"|截屏|截图|屏幕快照|螢幕",
    re.IGNORECASE,
)
_SCREENS = frozenset(
    {
        (800, 600), (1024, 768), (1280, 720), (1280, 800), (1280, 1024), (1366, 768), (1440, 900),
        (1536, 864), (1600, 900), (1680, 1050), (1920, 1080), (1920, 1200), (2048, 1536), (2560, 1080),
        (2560, 1440), (2560, 1600), (2880, 1800), (3440, 1440), (3840, 2160), (1280, 591), (1334, 750),
        (1600, 720), (1792, 828), (2208, 1242), (2340, 1080), (2400, 1080), (2436, 1125), (2532, 1170),
        (2556, 1179), (2688, 1242), (2778, 1284), (2796, 1290), (3200, 1440),
    }
)  # fmt: skip


def unreadable(skipped: Sequence[Skipped], root: Path, commands: Commands) -> list[Problem]:
    """Return the images that cannot be read, by what is wrong with them.

    Parameters
    ----------
    skipped : sequence of Skipped
        What the scan left out.
    root : Path
        Where their paths start.
    commands : Commands
        Named as what mends them.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for bad in skipped:
        # a file that was mended in the meantime is still not in the scan: it counts as corrupt
        files[damage_of(root / bad.path) or "corrupt"].append(bad.image_id)
    return [
        Problem(kind, f"{counted(len(files[kind]), *words)}.", tuple(files[kind]), (commands.fix(),))
        for kind, words in _UNREADABLE.items()
        if kind in files
    ]


def peculiar(
    manifest: Manifest, nuisance: Mapping[str, Nuisance], shown: Mapping[str, str], commands: Commands
) -> list[Problem]:
    """Return the readable images that are not what they seem.

    Parameters
    ----------
    manifest : Manifest
        Scanned.
    nuisance : mapping of str to Nuisance
        Facts by ``image_id``.
    shown : mapping of str to str
        Path of each image as the user can type it, by ``image_id``; empty where files must keep their names.
    commands : Commands
        Named as what mends them.
    """
    facts = [(row, nuisance[row.image_id]) for row in manifest.rows]
    blank = {row.image_id for row, fact in facts if fact.look_range <= _BLANK_RANGE}
    seen = [(row, fact) for row, fact in facts if row.image_id not in blank]
    white = {row.image_id for row, fact in seen if fact.centre_white >= _WHITE_MIDDLE}
    found = {
        "blank": _named(blank, facts),
        "turned_white": _named(white, facts),
        "sixteen_bit": [row.image_id for row, fact in facts if fact.bits == 16 and fact.format not in _SCANS],
        "transparent": [row.image_id for row, fact in facts if _has_alpha(row, fact)],
        "cmyk": [row.image_id for row, fact in facts if fact.mode == "CMYK"],
        "white_border": [
            row.image_id for row, fact in seen if fact.white_sides and row.image_id not in white
        ],
        "burnt_in": [row.image_id for row, _ in facts if row.facts.get("burnt_in") == "yes"],
        "mosaic": [row.image_id for row, _ in facts if row.facts.get("mosaic") == "yes"],
    }
    words = {
        "blank": ("image is blank: one grey level", "images are blank: one grey level each"),
        "turned_white": (
            "image is white in its middle: 16 bits were cut to 8",
            "images are white in their middle: 16 bits were cut to 8",
        ),
        "sixteen_bit": ("image has 16 bits a channel", "images have 16 bits a channel"),
        "transparent": ("image has transparent parts (RGBA)", "images have transparency (RGBA)"),
        "cmyk": ("image is stored in CMYK", "images are stored in CMYK"),
        "white_border": ("image has a white border", "images have a white border (on one side at least)"),
        "burnt_in": (
            "DICOM file says that text is burnt into its pixels",
            "DICOM files say that text is burnt into their pixels",
        ),
        "mosaic": ("image is a mosaic of many slices", "images are mosaics of many slices each"),
    }  # fmt: skip
    problems = [
        Problem(kind, f"{counted(len(ids), *words[kind])}.", tuple(ids), (_leaving_out(kind, commands),))
        for kind, ids in found.items()
        if ids
    ]
    return [*problems, *_screenshots(facts, commands), *_wrong_endings(facts, shown, commands)]


def _named(ids: Collection[str], facts: Sequence[tuple[Row, Nuisance]]) -> list[str]:
    return [row.image_id for row, _ in facts if row.image_id in ids]


def _has_alpha(row: Row, fact: Nuisance) -> bool:
    return fact.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in row.notes


def _leaving_out(kind: str, commands: Commands) -> str:
    return commands.fix(leave_out=None if KINDS[kind].left_out else kind)


def _screenshots(facts: Sequence[tuple[Row, Nuisance]], commands: Commands) -> list[Problem]:
    """Return what looks like a screenshot or a figure, with what gives it away."""
    clues: dict[str, list[str]] = {
        "called so by their name": [
            row.image_id for row, _ in facts if _SCREEN_NAME.search(PurePosixPath(row.path).stem)
        ],
        "called so in their header": [row.image_id for row, fact in facts if fact.screen_word],
        "of the size of a screen": _minority(
            [row.image_id for row, _ in facts if _is_screen(row)], len(facts)
        ),
        "with colour in a set of grey images": _minority(
            [row.image_id for row, fact in facts if fact.coloured >= _COLOURED], len(facts)
        ),
    }
    ids = _named({image_id for found in clues.values() for image_id in found}, facts)
    if not ids:
        return []
    listed = ", ".join(f"{len(found)} {clue}" for clue, found in clues.items() if found)
    what = counted(len(ids), "image looks like a screenshot", "images look like screenshots or figures")
    return [Problem("screenshot", f"{what}: {listed}.", tuple(ids), (_leaving_out("screenshot", commands),))]


def _minority(ids: list[str], total: int) -> list[str]:
    return ids if len(ids) <= _FEW * total else []


def _is_screen(row: Row) -> bool:
    width, height = row.width_px or 0, row.height_px or 0
    return (max(width, height), min(width, height)) in _SCREENS


def _wrong_endings(
    facts: Sequence[tuple[Row, Nuisance]], shown: Mapping[str, str], commands: Commands
) -> list[Problem]:
    """Return images whose ending names another format, and those whose ending names none."""
    wrong: dict[str, str] = {}
    none: dict[str, str] = {}
    for row, fact in facts:
        suffix = PurePosixPath(row.path).suffix.lower()
        if (
            fact.format in _ENDINGS and suffix not in _ENDINGS[fact.format]
        ):  # IDX files are told by their names
            (wrong if suffix in IMAGE_SUFFIXES else none)[row.image_id] = fact.format
    problems = []
    if wrong:
        what = counted(len(wrong), "image is of another format", "images are of another format")
        message = f"{what} than the ending says: {', '.join(sorted(set(wrong.values())))}."
        problems.append(Problem("wrong_ending", message, tuple(wrong), _renames(wrong, shown, commands)))
    if none:
        what = counted(len(none), "image has no ending of one", "images have no ending of one")
        message = f"{what}; other verbs pass over such files in a folder."
        problems.append(Problem("no_image_ending", message, tuple(none), _renames(none, shown, commands)))
    return problems


def _renames(format_of: Mapping[str, str], shown: Mapping[str, str], commands: Commands) -> tuple[str, ...]:
    """Return the commands that give files their right ending; in a manifest, that would lose them."""
    if not shown:
        return (commands.fix(),)
    taken = set(shown.values())
    return tuple(_rename(shown[image_id], _ENDINGS[kind][0], taken) for image_id, kind in format_of.items())


def _rename(path: str, ending: str, taken: set[str]) -> str:
    """Return the command that gives a file its right ending, under a name that is free."""
    stem = path[: len(path) - len(PurePosixPath(path).suffix)]
    number, target = 1, stem + ending
    while target in taken:
        number += 1
        target = f"{stem}-{number}{ending}"
    taken.add(target)
    return shlex.join(["mv", "-n", path, target])
