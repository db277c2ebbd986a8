"""Label suspects: a case worked by hand, planted errors, and what is refused."""

import csv

import numpy as np
import pytest

from gyrus.errors import DataError, UsageError
from gyrus.evaluation.label_suspects import COLUMNS, find_label_suspects, write_label_suspects
from gyrus.evaluation.predictions import Predictions


def predictions_of(labels, y_prob, classes=("a", "b"), **more) -> Predictions:
    names = tuple(f"{number}.png" for number in range(len(labels)))
    return Predictions(
        image_ids=names, subject_ids=("",) * len(names), labels=tuple(labels), classes=tuple(classes),
        y_prob=np.array(y_prob, dtype=np.float64), **more,
    )  # fmt: skip


def test_a_case_worked_by_hand() -> None:
    # a is confidently predicted from (0.9 + 0.7 + 0.2) / 3 = 0.6, b from (0.8 + 0.6 + 0.1) / 3 = 0.5
    found = find_label_suspects(
        predictions_of(
            ["a", "a", "a", "b", "b", "b"],
            [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6], [0.9, 0.1]],
        )
    )
    np.testing.assert_allclose(found.thresholds, [0.6, 0.5])
    assert found.confident.tolist() == [[2, 1], [1, 2]]
    assert [(s.image_id, s.label, s.suggested) for s in found.suspects] == [
        ("5.png", "b", "a"), ("2.png", "a", "b"),
    ]  # fmt: skip
    assert found.suspects[0].margin == pytest.approx(0.8)
    assert found.estimated_wrong == pytest.approx(2.0)  # a third of each three


def test_an_image_of_no_confident_class_is_no_suspect_and_scales_the_estimate() -> None:
    # a from 0.8, b from (0.9 + 0.9 + 0.45 + 0.45) / 4 = 0.675: the last two reach neither
    found = find_label_suspects(
        predictions_of(
            ["a", "a", "b", "b", "b", "b"],
            [[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.1, 0.9], [0.55, 0.45], [0.55, 0.45]],
        )
    )
    assert found.suspects == ()
    assert found.confident.tolist() == [[1, 0], [0, 2]]
    assert found.estimated_wrong == 0.0


def test_planted_errors_are_found_among_calibrated_answers() -> None:
    """Recall and false alarms with a model that is right 95 % of the time, 8 % of the labels turned."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 3000)
    logits = rng.normal(size=(3000, 3)) * 1.2
    logits[np.arange(3000), truth] += 4.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    turned = rng.random(3000) < 0.08
    labels = np.where(turned, (truth + rng.integers(1, 3, 3000)) % 3, truth)
    found = find_label_suspects(predictions_of([f"c{k}" for k in labels], probabilities, ("c0", "c1", "c2")))
    suspects = {int(item.image_id.removesuffix(".png")) for item in found.suspects}
    planted = set(np.flatnonzero(turned).tolist())
    assert len(suspects & planted) / len(planted) > 0.8
    assert len(suspects - planted) / (3000 - len(planted)) < 0.03
    first = [int(item.image_id.removesuffix(".png")) for item in found.suspects[:100]]
    assert np.mean([number in planted for number in first]) > 0.95
    assert found.estimated_wrong == pytest.approx(len(planted), rel=0.25)


def test_right_labels_and_a_sure_model_give_no_suspect() -> None:
    y_prob = np.eye(3)[[0, 1, 2] * 5] * 0.9 + 0.1 / 3
    found = find_label_suspects(predictions_of(["a", "b", "c"] * 5, y_prob, ("a", "b", "c")))
    assert found.suspects == ()
    assert "none among 15 images" in found.to_text()


def test_a_class_without_labels_is_never_suggested() -> None:
    found = find_label_suspects(predictions_of(["a", "b"], [[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]], "abc"))
    assert np.isnan(found.thresholds[2])
    assert {item.suggested for item in found.suspects} <= {"a", "b"}
    assert found.to_json()["thresholds"][2] is None


def test_unlabelled_images_are_left_out() -> None:
    found = find_label_suspects(predictions_of(["a", "", "b"], [[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]))
    assert found.images == 2


def test_no_label_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="no image has a label"):
        find_label_suspects(predictions_of(["", ""], [[0.9, 0.1], [0.1, 0.9]]))


def test_several_labels_an_image_are_refused() -> None:
    with pytest.raises(UsageError, match="one label an image"):
        find_label_suspects(predictions_of(["a|b"], [[0.9, 0.8]], task="multilabel"))


def test_the_table_has_a_line_a_suspect(tmp_path) -> None:
    found = find_label_suspects(
        predictions_of(["a", "a", "b", "b"], [[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.2, 0.8]])
    )
    write_label_suspects(found, tmp_path / "suspects.csv")
    with (tmp_path / "suspects.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["image_id"], row["suggested"]) for row in rows] == [("1.png", "b")]
