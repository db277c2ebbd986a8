"""From logits to probabilities, in 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def softmax(logits: npt.NDArray[Any]) -> FloatArray:
    """Return probabilities (…, n_classes) of logits, in 64 bits so that they sum to 1 within 1e-15."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def sigmoid(logits: npt.NDArray[Any]) -> FloatArray:
    """Return the probability of each logit by itself, in 64 bits."""
    exact = logits.astype(np.float64)
    decay = np.exp(-np.abs(exact))  # never overflows
    return np.asarray(np.where(exact >= 0, 1.0, decay) / (1.0 + decay))


PROBABILITIES = {"softmax": softmax, "sigmoid": sigmoid}
"""By the activation that a card names."""

TASK_ACTIVATIONS = {"classify": "softmax", "multilabel": "sigmoid", "segment": "sigmoid"}
"""What makes probabilities of logits, by task; of a segmentation each class is a question of its own."""
