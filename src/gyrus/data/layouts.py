"""Recognising how images are arranged in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gyrus.data.files import Files, natural_key, shown
from gyrus.data.manifest import SPLITS, Row
from gyrus.data.mask_pairs import masks_beside
from gyrus.data.side_table import tables_beside
from gyrus.errors import LayoutError

SPLIT_OF = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "cal": "cal", "calibration": "cal", "test": "test", "testing": "test",
}  # fmt: skip
_IMAGE_FOLDERS = frozenset({"images", "image", "imgs"})
_MASK_FOLDER = "masks"
_SHOWN = 10
KNOWN_LAYOUTS = (
    "known arrangements: CLASS/image; Training/CLASS/image and Testing/CLASS/image (or train, val, cal,"
    " test); a folder images/ with a table (--subjects TABLE.csv --on COLUMN --label-column COLUMN);"
    " a manifest (CSV); pairs of IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte; or .gz)"
)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Images of a folder with what their places tell.

    Attributes
    ----------
    layout : str
        ``class folders``, ``yes/no folders``, ``split folders``, ``images and table`` or ``IDX files``.
    rows : tuple of Row
        With path, class and split.
    class_depth : int
        How many folders above an image tell split and class.
    notes : tuple of str
        Sentences for the user.
    """

    layout: str
    rows: tuple[Row, ...]
    class_depth: int
    notes: tuple[str, ...]


def arrange(folder: Path, files: Files, *, labels_from_table: bool) -> Arrangement:
    """Recognise the arrangement of ``files`` below ``folder``.

    Raises
    ------
    LayoutError
        When there are no images, or their arrangement is none of the known ones; says what was found.
    """
    listed = [name for name in files.images if not in_mask_folder(name)]
    if not listed:
        raise _no_images(folder, files)
    beside = masks_beside(listed)
    images = [name for name in listed if name not in beside]
    masked = bool(beside) or len(listed) < len(files.images)
    tops = {_top(name) for name in images if "/" in name}
    splits = {top: split for top in tops if (split := SPLIT_OF.get(top.casefold()))}
    if splits:
        arrangement = _by_split(folder, images, files, splits, labels_from_table)
    elif labels_from_table:
        arrangement = _by_table(images, tops)
    else:
        arrangement = _by_class(folder, images, files, tops, masked=masked)
    rows, mask_notes = _with_masks(arrangement.rows, files)
    if beside:
        rows, mask_notes = _with_masks_beside(rows, beside), [*mask_notes, _beside_note(beside)]
    notes = (*arrangement.notes, *mask_notes, *_left_aside(files, {_top(row.path) for row in rows}))
    return Arrangement(arrangement.layout, rows, arrangement.class_depth, notes)


def out_of_place(images: Sequence[str], *, labels_from_table: bool) -> list[str]:
    """Return the images that keep an arrangement from being recognised: those that lie in no class folder.

    Parameters
    ----------
    images : sequence of str
        Paths below the data folder.
    labels_from_table : bool
        Whether a table tells the classes.
    """
    images = [name for name in images if not in_mask_folder(name)]
    beside = masks_beside(images)
    images = [name for name in images if name not in beside]
    splits = {_top(name) for name in images if "/" in name and _top(name).casefold() in SPLIT_OF}
    if splits:
        depth = 1 if labels_from_table else 2
        return [name for name in images if _top(name) not in splits or name.count("/") < depth]
    loose = [name for name in images if "/" not in name]
    return [] if labels_from_table or len(loose) == len(images) else loose


def class_folders(folders: Iterable[str]) -> list[str]:
    """Return those of the folders that can be class folders, by their place alone."""
    inner = [
        name for name in folders if name and _top(name).casefold() not in (_MASK_FOLDER, *_IMAGE_FOLDERS)
    ]
    if any(_top(name).casefold() in SPLIT_OF for name in inner):
        return [name for name in inner if name.count("/") == 1 and _top(name).casefold() in SPLIT_OF]
    return [name for name in inner if "/" not in name]


def in_mask_folder(name: str) -> bool:
    """Tell whether a path below the data folder is that of a mask."""
    return _top(name).casefold() == _MASK_FOLDER


def _top(name: str) -> str:
    return name.partition("/")[0]


def _by_split(
    folder: Path, images: list[str], files: Files, splits: dict[str, str], labels_from_table: bool
) -> Arrangement:
    outside = [name for name in images if _top(name) not in splits]
    if outside:
        raise LayoutError(
            f"has the folders {', '.join(sorted(splits))}, and {len(outside)} images outside them",
            path=folder,
            details=outside,
            fix="move these images into a split or out of the data folder",
        )
    depth = 1 if labels_from_table else 2
    unclassed = [name for name in images if name.count("/") < depth]
    if unclassed:
        raise LayoutError(
            f"{len(unclassed)} images lie in a split but in no class folder",
            path=folder,
            details=unclassed,
            fix="arrange them as Training/CLASS/image",
        )
    _refuse_empty(
        folder,
        [name for name in files.empty if _top(name).casefold() in SPLIT_OF and name.count("/") < depth],
    )
    rows = tuple(
        Row(image_id=name, path=name, split=splits[_top(name)],
            label="" if labels_from_table else name.split("/")[1])
        for name in images
    )  # fmt: skip
    counts = Counter(row.split for row in rows)
    totals = ", ".join(f"{top}/ is {splits[top]}" for top in sorted(splits, key=natural_key))
    shares = ", ".join(f"{split} {counts[split]}" for split in SPLITS if counts[split])
    note = f"The folders give a split ({totals}): {shares} images."
    return Arrangement("split folders", rows, depth, (note,))


def _by_table(images: list[str], tops: set[str]) -> Arrangement:
    folders = [top for top in tops if top.casefold() in _IMAGE_FOLDERS]
    chosen = [name for name in images if not folders or _top(name) in folders]
    notes = []
    if len(chosen) < len(images):
        aside = [name for name in images if _top(name) not in folders]
        notes.append(f"{len(aside)} images outside {folders[0]}/ are left aside: {shown(aside, _SHOWN)}.")
    rows = tuple(Row(image_id=name, path=name) for name in chosen)
    return Arrangement("images and table", rows, 1 if folders else 0, tuple(notes))


def _by_class(folder: Path, images: list[str], files: Files, tops: set[str], *, masked: bool) -> Arrangement:
    loose = [name for name in images if "/" not in name]
    if not tops or (len(tops) == 1 and next(iter(tops)).casefold() in _IMAGE_FOLDERS):
        raise _needs_table(folder, len(images), masked=masked)
    if loose:
        raise LayoutError(
            f"has class folders ({', '.join(sorted(tops))}), and {len(loose)} images outside them",
            path=folder,
            details=loose,
            fix="move these images into a class folder or out of the data folder",
        )
    if len(tops) == 1 and all(name.count("/") >= 2 for name in images):
        inner = next(iter(tops))
        raise LayoutError(
            f"holds a single folder, {inner!r}, with further folders in it",
            path=folder,
            fix=f"if the data lie in that one, give {folder / inner} as the source",
        )
    _refuse_empty(folder, [name for name in files.empty if name and "/" not in name])
    rows = tuple(Row(image_id=name, path=name, label=_top(name)) for name in images)
    layout = "yes/no folders" if {top.casefold() for top in tops} == {"yes", "no"} else "class folders"
    return Arrangement(layout, rows, 1, ())


def _refuse_empty(folder: Path, empty: list[str]) -> None:
    if empty:
        raise LayoutError(
            f"has empty folders where images are expected: {', '.join(empty)}",
            path=folder,
            fix="fill them or remove them",
        )


def _no_images(folder: Path, files: Files) -> LayoutError:
    endings = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in files.others)
    found = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(_SHOWN))
    return LayoutError(
        f"holds no images (PNG, JPEG, TIFF, BMP, WebP, DICOM, NIfTI); it holds {found or 'no files'}",
        path=folder,
        fix=f"gyrus import {folder}" if _may_be_imported(files) else KNOWN_LAYOUTS,
    )


def _may_be_imported(files: Files) -> bool:
    """Tell whether files that are no images look like a set in a form of its own."""
    return any(
        PurePosixPath(name).suffix.lower() in (".mat", ".parquet") or name.endswith("batches.meta")
        for name in files.others
    )


def _needs_table(folder: Path, count: int, *, masked: bool) -> LayoutError:
    tables = tables_beside(folder)
    fix = KNOWN_LAYOUTS
    if tables:
        fix = f"--subjects {folder / tables[0]} --on COLUMN --label-column COLUMN tells their classes"
    if masked:
        fix = f"to train for the masks that lie there: --task segment; for classes: {fix}"
    return LayoutError(f"holds {count} images, but nothing tells their classes", path=folder, fix=fix)


def _with_masks(rows: tuple[Row, ...], files: Files) -> tuple[tuple[Row, ...], list[str]]:
    """Find masks: ``masks/NAME`` for ``images/NAME``, ``masks/CLASS/NAME`` for ``CLASS/NAME``."""
    masks = {
        _bare(name.partition("/")[2]): name for name in files.images if in_mask_folder(name) and "/" in name
    }
    if not masks:
        return rows, []
    found = tuple(row.with_(mask=masks.get(_mask_key(row.path), "")) for row in rows)
    count = sum(bool(row.mask) for row in found)
    return found, [f"The folder masks/ is no class; {count} of {len(rows)} images have a mask in it."]


def _with_masks_beside(rows: tuple[Row, ...], beside: Mapping[str, str]) -> tuple[Row, ...]:
    """Give each image the mask beside it; none where there are several, which would have to be joined."""
    several = Counter(beside.values())
    mask_of = {image: mask for mask, image in beside.items() if several[image] == 1}
    return tuple(row if row.mask else row.with_(mask=mask_of.get(row.path, "")) for row in rows)


def _beside_note(beside: Mapping[str, str]) -> str:
    return (
        f"{len(beside)} files are called as masks of images beside them, and are no images: "
        f"{shown(list(beside), _SHOWN)}. --task segment trains for such masks."
    )


def _mask_key(path: str) -> str:
    inner = path.partition("/")[2] if _top(path).casefold() in _IMAGE_FOLDERS else path
    return _bare(inner)


def _bare(name: str) -> str:
    """Return a path without its ending, ``.nii.gz`` being one."""
    return (
        PurePosixPath(name.removesuffix(".gz") if name.endswith(".nii.gz") else name)
        .with_suffix("")
        .as_posix()
    )


def _left_aside(files: Files, used: set[str]) -> list[str]:
    notes = []
    others = [name for name in files.others if PurePosixPath(name).suffix.lower() not in (".csv", ".tsv")]
    if files.hidden:
        notes.append(
            f"{len(files.hidden)} hidden or system files are ignored: {shown(files.hidden, _SHOWN)}."
        )
    if others:
        notes.append(f"{len(others)} files that are no images are ignored: {shown(others, _SHOWN)}.")
    imageless = sorted({_top(name) for name in others if "/" in name} - used)
    if imageless:
        notes.append(f"Folders without images are no classes: {', '.join(imageless)}.")
    if files.loops:
        notes.append(f"Links that lead in circles are not followed: {', '.join(files.loops)}.")
    return notes
