"""Predictions -> figures with intervals. No torch, no image, no plot."""

from gyrus.evaluation.evaluate import evaluate_predictions
from gyrus.evaluation.predictions import Predictions, read_predictions, write_predictions
from gyrus.evaluation.table import format_evaluation

__all__ = [
    "Predictions",
    "evaluate_predictions",
    "format_evaluation",
    "read_predictions",
    "write_predictions",
]
