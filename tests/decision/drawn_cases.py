"""Cases whose truth is drawn from known probabilities, so that the right calibration is known."""

from __future__ import annotations

import numpy as np

from gyrus.decision.activations import sigmoid, softmax
from gyrus.decision.cases import Cases, make_cases

CLASSES = ("glioma", "meningioma", "pituitary")


def drawn(n_patients=200, images=4, *, sharpened=1.0, bias=(0.0, 0.0, 0.0), spread=2.0, seed=0) -> Cases:
    """Cases whose honest logits were multiplied by ``sharpened`` after the truth was drawn from them.

    All images of a patient have the same class, drawn by the mean of the patient's probabilities.
    """
    random = np.random.default_rng(seed)
    n_classes = len(CLASSES)
    centre = np.repeat(random.normal(0, spread, (n_patients, n_classes)), images, axis=0)
    honest = centre + 0.0
    prob = softmax(honest)
    pick = (random.random(n_patients).repeat(images)[:, None] > prob.cumsum(axis=1)).sum(axis=1)
    labels = [[CLASSES[min(number, n_classes - 1)]] for number in pick]
    patients = [f"P{number // images}" for number in range(n_patients * images)]
    return make_cases(sharpened * honest + np.array(bias), labels, patients, CLASSES, subject_ids=patients)


def drawn_several(n=600, *, sharpened=1.0, seed=0) -> Cases:
    """The same for images that show any number of classes; an image a patient."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 2, (n, len(CLASSES)))
    shown = random.random(honest.shape) < sigmoid(honest)
    labels = [[name for name, seen in zip(CLASSES, row, strict=True) if seen] for row in shown]
    patients = [f"P{number}" for number in range(n)]
    return make_cases(sharpened * honest, labels, patients, CLASSES, task="multilabel", subject_ids=patients)
