"""The kinds of problem that ``gyrus doctor`` knows, and how each is mended."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, Literal

Grade = Literal["error", "warning", "info"]
GRADES: tuple[Grade, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes
    ----------
    grade : {"error", "warning", "info"}
        An ``error`` stops training or spoils it.
    left_out : bool
        Whether ``--fix`` leaves these images out unless told otherwise.
    of_images : bool
        Whether it is about single images, which ``--leave-out`` can name.
    remedy : str
        What to do, as the end of the sentence "to mend: …".
    """

    grade: Grade
    left_out: bool
    of_images: bool
    remedy: str


def _unreadable(remedy: str) -> Kind:
    return Kind("error", True, True, remedy)


KINDS: dict[str, Kind] = {
    "missing": _unreadable("bring the files back, or go on without them"),
    "unreadable": _unreadable("give yourself permission to read them, or go on without them"),
    "empty": _unreadable("copy them again, or go on without them"),
    "truncated": _unreadable("copy them again from their source, or go on without them"),
    "corrupt": _unreadable("copy them again from their source, or go on without them"),
    "too_large": _unreadable("store them smaller, or go on without them"),
    "not_an_image": _unreadable("convert them to PNG where they hold an image, or go on without them"),
    "layout": Kind("error", False, False, "arrange the folder in a known way"),
    "out_of_place": Kind("error", True, False, "move them into a class folder, or go on without them"),
    "empty_class": Kind("error", False, False, "fill the folder, or remove it"),
    "class_in_one_split": Kind("error", False, False, "make a new split in which every class has its share"),
    "bad_mask": Kind("error", True, True, "mend these masks, or go on without their images"),
    "nothing_marked": Kind("error", False, False, "check the masks, and the folder that they come from"),
    "turned_white": Kind(
        "warning", True, True,
        "export them again from their 16-bit source (what lay above 255 is lost), or go on without them",
    ),
    "blank": Kind("warning", True, True, "go on without them"),
    "wrong_ending": Kind("warning", False, True, "rename them; gyrus reads them by their content"),
    "no_image_ending": Kind(
        "warning", False, True, "rename them, or take them in as they are, which --fix does"
    ),
    "name_clash": Kind("warning", False, False, "rename them before they are copied to Windows or macOS"),
    "class_variant": Kind("warning", False, False, "join them if they are one class"),
    "white_border": Kind(
        "warning", False, True, "crop them in their source; a network sees the border first; or go on without"
    ),
    "burnt_in": Kind(
        "warning", False, True, "look whether the text names the patient, or the class; go on without them"
    ),
    "mosaic": Kind("warning", False, True, "convert them to NIfTI, which has the slices one by one"),
    "screenshot": Kind("warning", False, True, "look at them; go on without those that are no plain slices"),
    "class_spelling": Kind("info", False, False, "--fix writes the joined names; nothing else to do"),
    "duplicate_name": Kind(
        "info", False, False,
        "--fix writes a manifest in which an image is called by its whole path, so that none is mixed up",
    ),
    "sixteen_bit": Kind(
        "info", False, True,
        "gyrus reads them through a window; other tools turn them white: store them as 8 bits for those",
    ),
    "transparent": Kind("info", False, True, "gyrus puts them on black; check that this is their background"),
    "cmyk": Kind("info", False, True, "gyrus converts them; made for print: check where they come from"),
    "system_file": Kind("info", False, False, "they are ignored; remove them"),
    "hidden_file": Kind("info", False, False, "they are ignored; rename those that are data"),
    "link_loop": Kind("info", False, False, "they are not followed; remove the links"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commands:
    """What the user can type, for the data at hand.

    Attributes
    ----------
    source : str
        The data as the user named them.
    flags : tuple of str
        Options that say how they are read, but for joins of classes.
    joins : tuple of str
        Joins of classes that were given.
    """

    source: str
    flags: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()

    def fix(self, *, leave_out: str | None = None, join: str | None = None) -> str:
        """Return the command that writes a clean manifest, with one further kind left out or class joined."""
        words = ["gyrus", "doctor", self.source, *self.flags, *_joins(self.joins, join)]
        words += ["--fix", "--out", "clean.csv"]
        return shlex.join([*words, "--leave-out", leave_out] if leave_out else words)

    @property
    def split_anew(self) -> str:
        """The command that writes a manifest with a new split."""
        words = ["gyrus", "split", self.source, *self.flags, *_joins(self.joins, None)]
        return shlex.join([*words, "--split", "new", "--out", "split.csv"])


def _joins(given: tuple[str, ...], further: str | None) -> list[str]:
    joins = [*given, *([further] if further else [])]
    return ["--join-classes", *joins] if joins else []


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem with every place where it occurs.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    message : str
        A sentence with the number.
    files : tuple of str
        The images, files, folders or classes concerned, all of them.
    commands : tuple of str
        What can be pasted into a shell to mend it.
    """

    kind: str
    message: str
    files: tuple[str, ...]
    commands: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        """How grave it is."""
        return KINDS[self.kind].grade

    def to_json(self) -> dict[str, Any]:
        """Return the problem as a JSON-able dict."""
        return {
            "kind": self.kind,
            "grade": self.grade,
            "message": self.message,
            "count": len(self.files),
            "files": list(self.files),
            "remedy": KINDS[self.kind].remedy,
            "commands": list(self.commands),
        }


def counted(number: int, one: str, many: str) -> str:
    """Return ``1 file is …`` or ``7 files are …`` from the words after the number."""
    return f"{number} {one if number == 1 else many}"
