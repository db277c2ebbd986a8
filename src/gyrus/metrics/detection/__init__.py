"""Boxes: how many lesions are found, at how many false alarms. Arrays in, numbers out; NumPy only."""

from gyrus.metrics.detection.average_precision import average_precision, coco_figures
from gyrus.metrics.detection.boxes import box_iou
from gyrus.metrics.detection.case_level import operating_point
from gyrus.metrics.detection.cohort import Cohort
from gyrus.metrics.detection.froc import froc_curve
from gyrus.metrics.detection.from_maps import boxes_from_heat, boxes_from_mask
from gyrus.metrics.detection.matching import match
from gyrus.metrics.detection.resampled import froc_intervals, precision_intervals
from gyrus.metrics.detection.suppression import suppress

__all__ = [
    "Cohort",
    "average_precision",
    "box_iou",
    "boxes_from_heat",
    "boxes_from_mask",
    "coco_figures",
    "froc_curve",
    "froc_intervals",
    "match",
    "operating_point",
    "precision_intervals",
    "suppress",
]
