"""A split in the shapes that other tools read: class folders, CSV tables, YOLO, MONAI's data list.

Images are linked, not copied, unless copies are asked for. The target appears whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Literal

from gyrus.data.export_folder import ExportFolder, check_export_target, relative_path
from gyrus.data.manifest import SPLITS, Manifest, Row
from gyrus.errors import DataError

ExportFormat = Literal["folders", "csv", "yolo", "monai-json"]
MONAI_LISTS = {"train": "training", "val": "validation", "cal": "calibration", "test": "testing"}
_TABLE_COLUMNS = ("path", "label", "subject_id", "image_id", "fold")


def export_split(
    manifest: Manifest, kind: ExportFormat, target: Path, *, copy: bool = False
) -> tuple[str, ...]:
    """Write the used images of a manifest in the shape of another tool.

    ``folders``: ``SPLIT/CLASS/image``. ``csv``: a table a split, paths relative to it. ``yolo``: as
    ``folders`` (Ultralytics' shape for classification), or, where the manifest has boxes, ``images/SPLIT``,
    ``labels/SPLIT`` and ``data.yaml`` (for detection). ``monai-json``: ``datalist.json`` with ``training``,
    ``validation``, ``calibration`` and ``testing``, labels as numbers in the order of the class names.

    Parameters
    ----------
    manifest : Manifest
        With a split.
    kind : {"folders", "csv", "yolo", "monai-json"}
    target : Path
        New or empty folder.
    copy : bool
        Copy the images instead of linking them; tables name the copies then.

    Returns
    -------
    tuple of str
        Sentences for the user.

    Raises
    ------
    UsageError
        When the target holds something.
    DataError
        When no image has a split, a class name can be no folder, or a box lies outside its image.
    StorageError
        When the folder cannot be written, or the system makes no links.
    """
    check_export_target(target)
    rows = [row for row in manifest if row.split]
    if not rows:
        raise DataError("no image has a split; there is nothing to export", path=manifest.root)
    if manifest.several and kind != "csv":
        raise DataError(
            f"{kind} gives an image one class; these images may show several (task multilabel)",
            path=manifest.root,
            fix="--export csv",
        )
    used = manifest.with_rows(rows)
    export = ExportFolder(used, target.absolute(), copy=copy)
    with export.building() as folder:
        notes = _WRITERS[kind](export, folder)
    unused = len(manifest) - len(rows)
    if unused:
        notes = (*notes, f"{unused} images without a split are left out.")
    return notes


def _write_folders(export: ExportFolder, folder: Path) -> tuple[str, ...]:
    names = export.names(export.class_folder)
    for row in export.manifest:
        export.place(row, folder, names[row.image_id])
    return (f"{len(names)} images {_how(export)} as SPLIT/CLASS/image.",)


def _write_tables(export: ExportFolder, folder: Path) -> tuple[str, ...]:
    copies = export.names(lambda row: f"images/{row.split}")
    written = []
    for split in SPLITS:
        rows = [row for row in export.manifest if row.split == split]
        if not rows:
            continue
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_TABLE_COLUMNS)
        for row in rows:
            path = export.path_in_table(row, folder, copies)
            fold = "" if row.fold is None else row.fold
            writer.writerow([path, row.label, row.subject_id, row.image_id, fold])
        (folder / f"{split}.csv").write_text(buffer.getvalue(), encoding="utf-8")
        written.append(f"{split}.csv ({len(rows)})")
    return (f"Tables {', '.join(written)}; paths are relative to them.",)


def _write_yolo(export: ExportFolder, folder: Path) -> tuple[str, ...]:
    if not any(row.boxes for row in export.manifest):
        notes = _write_folders(export, folder)
        return (*notes, "There are no boxes: this is YOLO's shape for classification.")
    number_of = {name: number for number, name in enumerate(export.manifest.classes)}
    names = export.names(lambda row: f"images/{row.split}")
    for row in export.manifest:
        export.place(row, folder, names[row.image_id])
        label = folder / PurePosixPath("labels", *PurePosixPath(names[row.image_id]).parts[1:]).with_suffix(
            ".txt"
        )
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(_yolo_lines(row, number_of.get(row.label, 0), export), encoding="utf-8")
    present = {row.split for row in export.manifest}
    # JSON is YAML, and quotes whatever a path or a name may hold
    lines = [f"{split}: images/{split}" for split in SPLITS if split in present]
    lines += ["names:", *(f"  {number}: {json.dumps(name)}" for name, number in number_of.items())]
    (folder / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return (f"{len(names)} images {_how(export)} in YOLO's shape for detection (data.yaml).",)


def _yolo_lines(row: Row, number: int, export: ExportFolder) -> str:
    """Return ``class x_centre y_centre width height`` a box, as shares of the image's size."""
    if not row.boxes:
        return ""
    if not (row.width_px and row.height_px):
        raise DataError(f"{row.image_id} has no size; scan the manifest first", path=export.manifest.root)
    lines = []
    for box in row.boxes.split(";"):
        try:
            x0, y0, x1, y1 = (float(value) for value in box.split())
        except ValueError as error:
            raise DataError(
                f"box {box!r} of {row.image_id} is not x0 y0 x1 y1", path=export.manifest.root
            ) from error
        if not (0 <= x0 < x1 <= row.width_px and 0 <= y0 < y1 <= row.height_px):
            raise DataError(
                f"box {box!r} of {row.image_id} lies outside its {row.width_px} x {row.height_px} pixels",
                path=export.manifest.root,
            )
        shares = (
            (x0 + x1) / 2 / row.width_px, (y0 + y1) / 2 / row.height_px,
            (x1 - x0) / row.width_px, (y1 - y0) / row.height_px,
        )  # fmt: skip
        lines.append(" ".join([str(number), *(f"{share:.6f}" for share in shares)]))
    return "\n".join(lines) + "\n"


def _write_monai(export: ExportFolder, folder: Path) -> tuple[str, ...]:
    manifest = export.manifest
    number_of = {name: number for number, name in enumerate(manifest.classes)}
    copies = export.names(lambda row: f"images/{row.split}")
    lists: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in manifest:
        entry: dict[str, object] = {
            "image": export.path_in_table(row, folder, copies),
            "label": number_of.get(row.label, -1),
            "class": row.label,
            "image_id": row.image_id,
            "subject_id": row.subject_id,
        }
        if row.mask:
            entry["mask"] = relative_path((manifest.root / row.mask).resolve(), export.target).as_posix()
        if row.fold is not None:
            entry["fold"] = row.fold
        lists[MONAI_LISTS[row.split]].append(entry)
    described = {
        "name": manifest.root.name,
        "labels": {str(number): name for name, number in number_of.items()},
        "numTraining": len(lists["training"]),
        "numTest": len(lists["testing"]),
        **{key: lists[key] for key in MONAI_LISTS.values() if lists[key]},
    }
    text = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
    (folder / "datalist.json").write_text(text, encoding="utf-8")
    return ("datalist.json for monai.data.load_decathlon_datalist(…, is_segmentation=False).",)


_WRITERS: dict[str, Callable[[ExportFolder, Path], tuple[str, ...]]] = {
    "folders": _write_folders,
    "csv": _write_tables,
    "yolo": _write_yolo,
    "monai-json": _write_monai,
}


def _how(export: ExportFolder) -> str:
    return "copied" if export.copy else "linked"
