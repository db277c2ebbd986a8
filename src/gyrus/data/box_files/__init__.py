"""Boxes from files: COCO, YOLO, Pascal VOC, CSV, the manifest, masks."""

from gyrus.data.box_files.box_list import BoxList, Listed, Marked
from gyrus.data.box_files.joining import Joined, join_boxes
from gyrus.data.box_files.reading import Reading, read_boxes

__all__ = ["BoxList", "Joined", "Listed", "Marked", "Reading", "join_boxes", "read_boxes"]
