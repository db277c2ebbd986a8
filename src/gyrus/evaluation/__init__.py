"""Predictions -> figures with intervals. No torch, no image, no plot."""

from gyrus.evaluation.evaluate import evaluate_predictions
from gyrus.evaluation.folds import pool_folds
from gyrus.evaluation.joining import join_manifest
from gyrus.evaluation.predictions import Predictions, read_predictions, write_predictions
from gyrus.evaluation.subgroups import format_subgroups, subgroups
from gyrus.evaluation.table import format_evaluation
from gyrus.evaluation.twin_free import format_twin_free, twin_free

__all__ = [
    "Predictions",
    "evaluate_predictions",
    "format_evaluation",
    "format_subgroups",
    "format_twin_free",
    "join_manifest",
    "pool_folds",
    "read_predictions",
    "subgroups",
    "twin_free",
    "write_predictions",
]
