"""Hand-made histories: each shows one thing, and it is named with its numbers; sound ones pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gyrus.evaluation.diagnosis import diagnose


def history(
    train: Sequence[float | None],
    val: Sequence[float | None],
    train_accuracy: Sequence[float | None] | float = 0.95,
    val_accuracy: Sequence[float | None] | float = 0.93,
) -> list[dict[str, Any]]:
    n = len(train)
    columns = [
        column if isinstance(column, Sequence) else [column] * n for column in (train_accuracy, val_accuracy)
    ]
    return [
        {
            "epoch": float(i + 1), "train_loss": train[i], "val_loss": val[i],
            "train_accuracy": columns[0][i], "val_accuracy": columns[1][i],
            "learning_rate": 6e-4 * (1 - i / n), "seconds": 1.0,
        }
        for i in range(n)
    ]  # fmt: skip


def figures(matrix: list[list[int]]) -> dict[str, Any]:
    """The part of an evaluation that a diagnosis reads."""
    counts = np.array(matrix)
    support = counts.sum(axis=1)
    present = support > 0
    return {
        "classes": list("abcdef"[: len(matrix)]),
        "confusion_matrix": matrix,
        "accuracy": {"value": float(np.trace(counts) / counts.sum())},
        "balanced_accuracy": {"value": float((np.diag(counts)[present] / support[present]).mean())},
        "majority_baseline": {
            "label": "abcdef"[int(support.argmax())],
            "accuracy": float(support.max() / support.sum()),
        },
    }


SOUND = history(
    [1.0, 0.6, 0.4, 0.3, 0.25, 0.22, 0.21, 0.2], [0.9, 0.6, 0.45, 0.36, 0.32, 0.305, 0.302, 0.301]
)


def kinds(*args: Any, **options: Any) -> list[str]:
    return [finding.kind for finding in diagnose(*args, **options)]


def test_a_sound_training_is_called_sound_with_its_numbers() -> None:
    (finding,) = diagnose(SOUND, figures([[40, 2], [3, 35]]), epochs=8)
    assert finding.kind == "sound"
    assert "0.301, in epoch 8 of 8" in finding.evidence
    assert finding.advice == ()


def test_no_history_says_nothing() -> None:
    assert diagnose([]) == ()


def test_overfitting_by_a_rising_validation_loss() -> None:
    rows = history([1.0, 0.5, 0.3, 0.2, 0.1, 0.05], [0.8, 0.5, 0.4, 0.45, 0.5, 0.6])
    (finding,) = diagnose(rows)
    assert finding.kind == "overfitting"
    assert "after epoch 3 the validation loss rose from 0.400 to 0.600" in finding.evidence
    assert "the training loss fell from 0.300 to 0.050" in finding.evidence
    assert any("--dropout" in line for line in finding.advice)


def test_overfitting_by_the_gap_of_the_accuracies() -> None:
    rows = history(
        [1.0, 0.5, 0.3, 0.2, 0.1], [0.8, 0.6, 0.5, 0.46, 0.455], [0.5, 0.7, 0.9, 0.97, 0.995], 0.86
    )
    (finding,) = diagnose(rows)
    assert finding.kind == "overfitting"
    assert "99.5" in finding.evidence
    assert "86.0" in finding.evidence


def test_underfitting() -> None:
    rows = history([1.3, 1.2, 1.15, 1.14, 1.135], [1.3, 1.21, 1.17, 1.16, 1.158], 0.52, 0.5)
    (finding,) = diagnose(rows)
    assert finding.kind == "underfitting"
    assert "only 52.0\N{NO-BREAK SPACE}% of the training images" in finding.evidence


def test_oscillating_validation_loss() -> None:
    rows = history([1.0, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4], [0.9, 0.5, 0.8, 0.45, 0.75, 0.4, 0.42])
    (finding,) = diagnose(rows)
    assert finding.kind == "oscillating"
    assert "turns 5 times in 7 epochs, between 0.400 and 0.900" in finding.evidence
    assert any("2.0e-04" in line for line in finding.advice)  # a third of the peak of 6e-4


@pytest.mark.parametrize("last", [None, math.nan, math.inf])
def test_a_loss_that_is_no_number_any_more(last: float | None) -> None:
    rows = history([0.9, 0.8, last], [0.9, 0.8, last])
    assert kinds(rows)[0] == "learning_rate_too_high"
    assert "the loss of epoch 3 is no number" in diagnose(rows)[0].evidence


def test_a_jump_of_the_training_loss_is_a_learning_rate_too_high() -> None:
    rows = history([1.0, 0.5, 1.4, 0.9, 0.7, 0.6], [1.0, 0.55, 0.54, 0.53, 0.525, 0.524], 0.9, 0.89)
    (finding,) = diagnose(rows)
    assert finding.kind == "learning_rate_too_high"
    assert "0.500 at its lowest before, 1.400 in epoch 3" in finding.evidence


def test_small_noise_of_the_training_loss_is_none() -> None:
    rows = history([1.0, 0.3, 0.05, 0.09, 0.04, 0.03], [0.9, 0.5, 0.4, 0.36, 0.355, 0.354])
    assert kinds(rows) == ["sound"]


def test_stopped_too_early_only_when_the_epochs_were_used_up() -> None:
    rows = history([1.0, 0.8, 0.6, 0.5, 0.4], [1.0, 0.8, 0.65, 0.55, 0.48], 0.9, 0.88)
    (finding,) = diagnose(rows, epochs=5)
    assert finding.kind == "stopped_too_early"
    assert "from 0.650 to 0.480" in finding.evidence
    assert finding.advice == ("Train longer: --epochs 10.",)
    assert kinds(rows, epochs=20) == ["sound"]  # patience or the user ended it


def test_nothing_is_left_to_learn_when_all_training_images_are_right() -> None:
    rows = history([0.5, 0.1, 0.05, 0.02], [0.6, 0.5, 0.45, 0.4], 0.999, 0.95)
    assert kinds(rows, epochs=4) == ["sound"]


def test_a_class_that_is_never_found() -> None:
    (finding,) = diagnose(SOUND, figures([[40, 2, 0], [3, 35, 0], [5, 6, 1]]))
    assert finding.kind == "class_collapse"
    assert "1 of 12 images of c were found" in finding.evidence


def test_four_images_are_too_few_to_call_a_class_lost() -> None:
    assert kinds(SOUND, figures([[40, 2, 0], [3, 35, 0], [2, 2, 0]])) == ["sound"]


def test_one_answer_for_everything_is_collapse_and_no_better_than_guessing() -> None:
    found = diagnose(SOUND, figures([[60, 0], [40, 0]]))
    assert [finding.kind for finding in found] == ["no_better_than_guessing", "class_collapse"]
    assert "60.0\N{NO-BREAK SPACE}% right, 60.0\N{NO-BREAK SPACE}% by always answering a" in found[0].evidence
    assert "100.0\N{NO-BREAK SPACE}% of the answers are a" in found[1].evidence
    assert "0 of 40 images of b" in found[1].evidence


def test_rare_classes_found_do_not_count_as_guessing() -> None:
    """Accuracy below the majority's share, but both classes are told apart."""
    assert "no_better_than_guessing" not in kinds(SOUND, figures([[80, 15], [1, 4]]))


def test_one_class_only_says_nothing_about_classes() -> None:
    assert kinds(SOUND, figures([[9, 0], [0, 0]])) == ["sound"]


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_few_epochs_are_too_short(epochs: int) -> None:
    found = diagnose(SOUND[:epochs])
    assert [finding.kind for finding in found] == ["too_short"]
    assert found[0].evidence.startswith(f"{epochs} epoch")


def test_without_validation_there_is_nothing_to_judge_by() -> None:
    assert kinds(history([1.0, 0.5, 0.4, 0.3], [None] * 4)) == ["too_short"]


def test_real_curves_of_a_small_backbone_on_cheng() -> None:
    """Eleven epochs of MobileNetV2 from ImageNet weights, measured in this project."""
    train = [0.517, 0.177, 0.136, 0.080, 0.046, 0.081, 0.044, 0.022, 0.013, 0.008, 0.010]
    val = [0.551, 0.465, 0.438, 0.505, 0.621, 0.311, 0.511, 0.756, 0.635, 0.655, 0.623]
    rows = history(train, val, [0.9] * 5 + [0.9717] + [0.99] * 5, [0.8] * 5 + [0.8958] + [0.85] * 5)
    assert kinds(rows, epochs=12) == ["overfitting", "oscillating"]
