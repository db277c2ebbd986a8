"""What is fitted on is checked: logits, not probabilities; whole rows; finite numbers."""

import numpy as np
import pytest
from drawn_cases import CLASSES

from gyrus.decision.activations import softmax
from gyrus.decision.cases import make_cases
from gyrus.errors import DataError

LABELS = [[CLASSES[number % 3]] for number in range(12)]
PATIENTS = [str(number // 2) for number in range(12)]


def logits():
    return np.random.default_rng(0).normal(0, 2, (12, 3))


def test_probabilities_are_not_taken_for_logits():
    with pytest.raises(DataError, match="a calibration is fitted on logits"):
        make_cases(softmax(logits()), LABELS, PATIENTS, CLASSES)
    # logits of a network that has hardly learnt: a training ends well with them
    assert len(make_cases(np.full((12, 3), 0.2), LABELS, PATIENTS, CLASSES, task="multilabel")) == 12
    assert len(make_cases(np.log(softmax(logits())), LABELS, PATIENTS, CLASSES)) == 12


def test_rows_that_do_not_fit_or_are_not_finite_are_refused():
    with pytest.raises(DataError, match=r"shape \(12, 2\); expected \(12, 3\)"):
        make_cases(logits()[:, :2], LABELS, PATIENTS, CLASSES)
    broken = logits()
    broken[3, 1] = np.nan
    with pytest.raises(DataError, match="1 rows of logits are not finite"):
        make_cases(broken, LABELS, PATIENTS, CLASSES)


def test_patients_are_counted_only_where_all_are_known():
    assert make_cases(logits(), LABELS, PATIENTS, CLASSES, subject_ids=PATIENTS).subjects == 6
    unknown = make_cases(logits(), LABELS, PATIENTS, CLASSES, subject_ids=["", *PATIENTS[1:]])
    assert unknown.subjects is None
    assert unknown.unit == "images"
    part = make_cases(logits(), LABELS, PATIENTS, CLASSES, subject_ids=PATIENTS).take(np.arange(4))
    assert (part.subjects, part.groups.tolist()) == (2, [0, 0, 1, 1])
    assert part.absent() == []
    assert part.take(np.arange(2)).absent() == ["pituitary"]
