"""Masks: how well what was drawn agrees with what is there. Arrays in, numbers out; NumPy only."""

from gyrus.metrics.segmentation.case import ClassCase, measure_case
from gyrus.metrics.segmentation.distance import squared_distances
from gyrus.metrics.segmentation.means import mean_of, plain_interval, positive_interval
from gyrus.metrics.segmentation.objects import Objects, measure_objects
from gyrus.metrics.segmentation.overlap import Overlap, overlaps
from gyrus.metrics.segmentation.surface import SurfaceDistances, surface, surface_distances

__all__ = [
    "ClassCase",
    "Objects",
    "Overlap",
    "SurfaceDistances",
    "mean_of",
    "measure_case",
    "measure_objects",
    "overlaps",
    "plain_interval",
    "positive_interval",
    "squared_distances",
    "surface",
    "surface_distances",
]
