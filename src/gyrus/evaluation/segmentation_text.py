"""The figures of masks as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.evaluation.text import aligned, defined, long_figure, percent, short_figure

_COLUMNS = ("dice", "iou", "precision", "recall", "surface_dice")


def format_segmentation(result: Mapping[str, Any]) -> str:
    """Return counts, the table by class, patients, objects by size, and folds."""
    whose = "unknown patients" if result["n_subjects"] is None else _patients_told(result["n_subjects"])
    head = (
        f"{result['n_images']} images of {whose}; in brackets: {100 * result['confidence']:g} % interval "
        f"over {result['clustered_by']}"
    )
    parts = [
        head,
        f"mean Dice {long_figure(result['mean']['dice'])}, IoU {long_figure(result['mean']['iou'])}",
        aligned(_by_class(result)),
        *(_class(name, block, result) for name, block in result["per_class"].items()),
    ]
    if result["folds"]:
        parts.append(_folds(result["folds"]))
    return "\n\n".join([*parts, *result["notes"]])


def size(value: Any, unit: str) -> str:
    """Return ``12.3 mm``, or ``undefined``."""
    return f"{value:.3g} {unit}" if defined(value) else "undefined"


def spread(one: Mapping[str, Any], unit: str = "") -> str:
    """Return ``4.21 mm [3.10, 5.70]`` for what is no share."""
    tail = f" {unit}" if unit else ""
    if not defined(one["value"]):
        return "undefined"
    known = f"{number(one['value'])}{tail}"
    return known if not defined(one["low"]) else f"{known} [{number(one['low'])}, {number(one['high'])}]"


def number(value: float) -> str:
    """Return a number with about three digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def extent(one: Mapping[str, Any], unit: str) -> str:
    """Return the sizes of a row of a table by size: ``12 to 160 px``."""
    area = "px" if unit == "px" else "mm²"
    low, high = number(one["low"]), number(one["high"])
    return f"{low} {area}" if low == high else f"{low} to {high} {area}"


def _by_class(result: Mapping[str, Any]) -> list[list[str]]:
    unit = result["unit"]
    rows = [["class, in %", "Dice", "IoU", "precision", "recall", "surface Dice", f"HD95, {unit}",
             f"ASD, {unit}", "images", "missed"]]  # fmt: skip
    for name, block in result["per_class"].items():
        rows.append(
            [name, *(short_figure(block[column]) for column in _COLUMNS), spread(block["hd95"]),
             spread(block["average_distance"]), str(block["images"]["present"]),
             str(block["images"]["missed"])]
        )  # fmt: skip
    return rows


def _class(name: str, block: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    unit, images, empty = result["unit"], block["images"], block["empty"]
    lines = [f"{name}"]
    lines.append(
        f"  all pixels together: Dice {short_figure(block['pixels']['dice'])}, IoU "
        f"{short_figure(block['pixels']['iou'])}; median HD95 {size(block['hd95_median'], unit)} (misses are "
        "infinite)"
    )
    if images["empty"]:
        lines.append(
            f"  {images['empty']} images without it: something drawn on {empty['n_false']} "
            f"({short_figure(empty['false_alarms'])})"
        )
    lines += _patients(block["patients"])
    objects = block["objects"]
    lines.append(
        f"  {_objects(objects['n'])}: found {short_figure(objects['found'])} (half or more of its pixels)"
        if result["found_share"] == 0.5
        else f"  {_objects(objects['n'])}: found {short_figure(objects['found'])} "
        f"({percent(result['found_share'])} % or more of its pixels)"
    )
    lines[-1] += f", {number(objects['false_per_image']['value'])} false ones an image"
    for row in block["by_object_size"]:
        lines.append(
            f"    {extent(row, unit)}: {_objects(row['objects'])}, found {short_figure(row['found'])}, of "
            f"their pixels {short_figure(row['covered'])}"
        )
    return "\n".join(lines)


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def _patients_told(count: int) -> str:
    return "1 patient" if count == 1 else f"{count} patients"


def _patients(block: Mapping[str, Any] | None) -> list[str]:
    if not block:
        return []
    lines = [f"  {_patients_told(block['n'])}, slices together: Dice {short_figure(block['dice'])}"]
    volume = block["volume"]
    if volume:
        lines.append(
            f"  volume of {_patients_told(volume['n'])}: off by {spread(volume['size_mm3'], 'mm³')}, bias "
            f"{spread(volume['bias_mm3'], 'mm³')} (true mean {number(volume['true_mm3'])} mm³)"
        )
    return lines


def _folds(block: Mapping[str, Any]) -> str:
    rows = [["fold", "Dice", "images", "patients"]]
    for one in block["each"]:
        mark = " (worst)" if one["fold"] == block["worst"] else ""
        dice = "undefined" if one["dice"] is None else short_figure(one["dice"])
        rows.append([f"{one['fold']}{mark}", dice, str(one["n_images"]), str(one["n_clusters"])])
    return aligned(rows)
