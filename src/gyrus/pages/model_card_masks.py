"""What a model card says of a segmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gyrus.evaluation.segmentation_text import spread

SHARES = (("dice", "Dice"), ("iou", "IoU"), ("precision", "precision"), ("recall", "recall"),
          ("surface_dice", "surface Dice"))  # fmt: skip
Cell = Mapping[str, Any] | str


def mask_use(classes: str) -> str:
    """Return what the model answers, and what not."""
    return (
        f"- It draws where {classes} is in an image; an empty mask says that it sees none, not that there is "
        "none."
    )


def mask_metrics(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines on what was measured; none without a segmentation's figures."""
    if not results:
        return []
    first = next(iter(results.values()))
    unit = first["unit"]
    return [
        "- Dice, IoU, precision, recall, the share of the border within "
        f"{first['tolerance']:g} {unit} (surface Dice) and the 95 % Hausdorff distance in {unit}, over "
        "images that show the class; those without it count for false alarms.",
        f"- {100 * first['confidence']:g} % intervals over {first['clustered_by']}: slices of one patient "
        "are not independent.",
    ]


def mask_rows(result: Mapping[str, Any]) -> tuple[Sequence[str], list[list[Cell]]]:
    """Return the head and the rows of the table of classes; cells are text, or shares with their interval."""
    head = ("class", "images", "missed", *(title for _, title in SHARES), f"HD95, {result['unit']}")
    rows: list[list[Cell]] = [
        [name, f"{block['images']['present']:,}", f"{block['images']['missed']:,}",
         *(block[key] for key, _ in SHARES), spread(block["hd95"])]
        for name, block in result["per_class"].items()
    ]  # fmt: skip
    return head, rows
