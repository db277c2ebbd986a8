"""The figures of boxes as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from gyrus.evaluation.text import aligned, defined, plain_figure, short_figure

NAMES = {"iou": "IoU", "centre": "centre inside", "iobb": "IoBB"}


def format_detections(result: Mapping[str, Any]) -> str:
    """Return counts, the table by threshold, COCO's figures, scans and patients, operating points."""
    coco = result["coco"]
    counts = (
        f"{result['lesions']} lesions in {result['images']} images ({result['scans']} scans, "
        f"{result['patients']} patients), {result['predicted_boxes']} predicted boxes"
    )
    sizes = [
        f"{one['size']} {100 * one['recall']:.1f} ({one['lesions']})"
        if defined(one["recall"])
        else f"{one['size']} none"
        for one in coco["recall_by_size"]
    ]
    parts = [
        counts,
        aligned(_by_threshold(result)),
        f"Shares in per cent, with {100 * result['confidence']:g} % intervals over patients. FROC score: "
        "mean sensitivity at 1/8 to 8 false alarms a scan. A further box on a found lesion "
        f"{'is left out' if result['duplicates'] == 'ignore' else 'is a false alarm'} (for average precision "
        "it is always a false alarm).",
        f"mAP (IoU 0.50 to 0.95, COCO): {short_figure(coco['mean_average_precision'])}\n"
        f"recall by size of lesion (IoU 0.50 to 0.95): {', '.join(sizes)}",
        *(_level(level, result["levels"][level]) for level in ("scan", "patient")),
        _points(result["thresholds"][len(result["thresholds"]) // 2], result),
    ]
    classes = [row for block in result["thresholds"] for row in _class_rows(block, result)]
    if classes:
        parts.append(
            aligned([["class", "lesions", "rule", "FROC score", "at 1", "at 2", "AP"], *classes], left=(0, 2))
        )
    return "\n\n".join(parts)


def rule(result: Mapping[str, Any], threshold: float) -> str:
    """Return what counts as found: ``IoU 0.3``."""
    name = NAMES[result["criterion"]]
    return name if result["criterion"] == "centre" else f"{name} {threshold:g}"


def rate(value: float) -> str:
    """Return 0.125 as ``1/8``."""
    return str(Fraction(value).limit_denominator(16))


def _by_threshold(result: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    blocks = result["thresholds"]
    rows = [["found when", *(rule(result, block["threshold"]) for block in blocks)]]
    rows.append(["FROC score", *(short_figure(block["froc"]["score"]) for block in blocks)])
    for place, at in enumerate(blocks[0]["froc"]["at"]):
        cells = [short_figure(block["froc"]["at"][place]["sensitivity"]) for block in blocks]
        rows.append([f"sensitivity at {rate(at['rate'])} a scan", *cells])
    rows.append(["found at all", *(short_figure(block["found_at_all"]) for block in blocks)])
    rows.append(["average precision", *(short_figure(block["average_precision"]) for block in blocks)])
    return rows


def _level(name: str, level: Mapping[str, Any]) -> str:
    kind = f"{name}s with and without a lesion ({level['positive']} of {level['n']})"
    if not defined(level["roc_auc"]["value"]):
        return f"{kind}: cannot be told apart, for {'all have' if level['positive'] else 'none has'} one"
    return f"{kind}: ROC-AUC of the best box {plain_figure(level['roc_auc'])}"


def _points(block: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    rows = [["at most", "score from", "false alarms", "lesions found", "scans: sens.", "spec."]]
    for point in block["operating_points"]:
        score = f"{point['score']:.4g}" if point["score"] != float("inf") else "none"
        rows.append(
            [f"{rate(point['at_most'])} a scan", score, f"{point['false_alarms']:.3f}",
             short_figure(point["sensitivity"]), short_figure(point["scan"]["sensitivity"]),
             short_figure(point["scan"]["specificity"])]
        )  # fmt: skip
    return f"operating points ({rule(result, block['threshold'])})\n{aligned(rows)}"


def _class_rows(block: Mapping[str, Any], result: Mapping[str, Any]) -> list[list[str]]:
    return [
        [row["name"], str(row["lesions"]), rule(result, block["threshold"]), short_figure(row["score"]),
         short_figure(row["sensitivity_at_1"]), short_figure(row["sensitivity_at_2"]),
         short_figure(row["average_precision"])]
        for row in block["by_class"]
    ]  # fmt: skip
