"""What the values of masks mean: the classes of a segmentation, in their one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gyrus.config.masking import MaskKind, MaskOptions
from gyrus.data.manifest import Manifest, Row
from gyrus.data.table import read_table
from gyrus.errors import DataError, UsageError

MARKED_PX = "mask_px"
"""Fact column: how many pixels of the original mask are marked; written by a scan of the masks."""
MOST_CLASSES = 254


@dataclass(frozen=True, slots=True)
class MaskClasses:
    """The classes of a segmentation. The background is not one of them.

    Attributes
    ----------
    kind : {"binary", "label", "values"}
        How they are read from a mask; see :class:`gyrus.config.masking.MaskOptions`.
    names : tuple of str
        By name; the class ``names[i]`` has the number ``i + 1`` in every mask that gyrus reads or writes.
    values : mapping of int to str
        Of the kind ``values``: stored grey value -> name. Empty for the others.
    """

    kind: MaskKind
    names: tuple[str, ...]
    values: Mapping[int, str] | None = None

    def __post_init__(self) -> None:
        if not self.names:
            raise DataError("there is no class to segment: no mask marks anything")
        if len(self.names) > MOST_CLASSES:
            raise DataError(f"there are {len(self.names)} classes; masks hold {MOST_CLASSES} at most")

    @property
    def planes(self) -> int:
        """How many planes a network has for them: one with a sigmoid, or one each and the background's."""
        return 1 if len(self.names) == 1 else len(self.names) + 1

    def number_of(self, name: str) -> int:
        """Return the number of a class in masks, from 1."""
        return self.names.index(name) + 1

    def to_json(self) -> dict[str, Any]:
        """Return them as plain data."""
        values = None if self.values is None else {str(value): name for value, name in self.values.items()}
        return {"kind": self.kind, "names": list(self.names), "values": values}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> MaskClasses:
        """Return what :meth:`to_json` gave."""
        values = told.get("values")
        known = None if values is None else {int(value): str(name) for value, name in values.items()}
        return cls(told["kind"], tuple(told["names"]), known)


def classes_of(manifest: Manifest, options: MaskOptions) -> MaskClasses:
    """Return the classes that the masks of a data set hold.

    Of the kind ``label`` they are the labels of the images whose masks mark anything (as a scan of the masks
    found, column ``mask_px``); before a scan, of all images with a mask.

    Raises
    ------
    UsageError
        When options contradict each other, or ``mask_values`` cannot be read.
    DataError
        When there is no class.
    """
    options.check_masks()
    if options.mask_classes == "binary":
        return MaskClasses("binary", (options.mask_name.strip(),))
    if options.mask_classes == "values":
        values = _values(options.mask_values)
        return MaskClasses("values", tuple(sorted(set(values.values()))), values)
    marked = [row for row in manifest if row.mask and row.facts.get(MARKED_PX) != "0"]
    nameless = [row.image_id for row in marked if not row.label]
    if nameless:
        raise DataError(
            f"{len(nameless)} images with a mask have no class, and --mask-classes label takes it for that "
            "of what is marked",
            path=manifest.root,
            details=nameless,
            fix="fill in the column label (--label-column), or leave out --mask-classes",
        )
    return MaskClasses("label", tuple(sorted({row.label for row in marked})))


def class_of(row: Row, classes: MaskClasses) -> int:
    """Return the number that the marked pixels of a row's mask get, of the kinds ``binary`` and ``label``.

    Raises
    ------
    DataError
        When the row's label is no class.
    """
    if classes.kind == "binary":
        return 1
    if row.label not in classes.names:
        raise DataError(
            f"{row.image_id} is of class {row.label!r}, which is none of {', '.join(classes.names)}"
            if row.label
            else f"{row.image_id} has a mask and no class",
            fix="mend the column label",
        )
    return classes.number_of(row.label)


def _values(given: tuple[str, ...]) -> dict[int, str]:
    """Return grey value -> name from NAME=VALUE, or from a table."""
    if len(given) == 1 and given[0].lower().endswith((".csv", ".tsv")):
        return _table(Path(given[0]))
    pairs = []
    for text in given:
        name, mark, value = text.rpartition("=")
        if not mark:
            raise UsageError(
                f"mask_values holds {text!r}; expected NAME=VALUE",
                fix="for example --mask-values edema=1 core=2",
            )
        pairs.append((value, name, text))
    return _checked(pairs, None)


def _table(path: Path) -> dict[int, str]:
    if not path.is_file():
        raise DataError("does not exist", path=path, fix="check --mask-values")
    table = read_table(path)
    absent = [column for column in ("value", "name") if column not in table.columns]
    if absent:
        raise DataError(
            f"has no column {' and '.join(absent)}; its columns are {', '.join(table.columns)}",
            path=path,
            fix="a table of mask values has the columns value and name",
        )
    return _checked(
        [(record.cells["value"], record.cells["name"], f"line {record.line}") for record in table.records],
        path,
    )


def _checked(pairs: list[tuple[str, str, str]], path: Path | None) -> dict[int, str]:
    found: dict[int, str] = {}
    for value, name, where in pairs:
        name, value = name.strip(), value.strip()
        if value == "0":  # a table may name the background
            continue
        if not name or not (value.isdecimal() and value.isascii() and int(value) <= 65535):
            raise UsageError(
                f"{where}: expected a name and a whole number from 1 to 65535, got {name!r} and {value!r}",
                path=path,
            )
        if found.setdefault(int(value), name) != name:
            raise UsageError(f"{where}: the value {value} is {found[int(value)]} already", path=path)
    if not found:
        raise UsageError("mask_values name no class", path=path, fix="0 is the background; name another")
    return found
