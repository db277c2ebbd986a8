"""Figures of classifiers: arrays in, numbers out. An undefined figure is NaN, warned about once."""

from gyrus.metrics.classification import Scores, scores_of
from gyrus.metrics.confusion import confusion_matrix
from gyrus.metrics.intervals import Interval, ratio_interval, wilson_interval
from gyrus.metrics.resampling import cluster_weights, percentile_interval
from gyrus.metrics.roc import RocCurve, auc, roc_curve
from gyrus.metrics.undefined import UndefinedMetricWarning

__all__ = [
    "Interval",
    "RocCurve",
    "Scores",
    "UndefinedMetricWarning",
    "auc",
    "cluster_weights",
    "confusion_matrix",
    "percentile_interval",
    "ratio_interval",
    "roc_curve",
    "scores_of",
    "wilson_interval",
]
