import numpy as np
import pytest

from gyrus.errors import PredictionsError
from gyrus.evaluation import Predictions, pool_folds, read_predictions
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.repeats import (
    format_repeats,
    in_common,
    mean_of_repeats,
    repeat_figures,
    write_pooled,
)

CLASSES = ("a", "b", "c")


def answers(rng, patients=30, slices=3, skill=1.5):
    """Pooled predictions of one repeat: patients in two folds, some right and some wrong."""
    label_of = np.arange(patients) % 3
    order = rng.permutation(patients)
    folds = []
    for part in np.array_split(order, 2):
        ids, subjects, labels, scores = [], [], [], []
        for patient in part.tolist():
            shift = rng.normal(size=3)
            for number in range(slices):
                score = rng.normal(size=3) + shift
                score[label_of[patient]] += skill
                ids.append(f"P{patient:02d}/{number}")
                subjects.append(f"P{patient:02d}")
                labels.append(CLASSES[label_of[patient]])
                scores.append(np.exp(score) / np.exp(score).sum())
        folds.append(Predictions(tuple(ids), tuple(subjects), tuple(labels), CLASSES, np.array(scores)))
    return pool_folds(folds)


@pytest.fixture(scope="module")
def repeats():
    rng = np.random.default_rng(3)
    return [answers(rng) for _ in range(4)]


def test_the_mean_is_the_mean_and_the_spread_that_of_the_values(repeats):
    block = repeat_figures(repeats)
    for metric in ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc"):
        values = [one[metric]["value"] for one in block["each"]]
        assert block["mean"][metric]["value"] == pytest.approx(np.mean(values))
        assert block["sd"][metric] == pytest.approx(np.std(values, ddof=1))
    assert block["n_images"] == 90
    assert block["n_left_out"] == 0
    assert [one["repeat"] for one in block["each"]] == [0, 1, 2, 3]


def test_the_mean_accuracy_is_that_of_all_answers_and_clusters_by_patient(repeats):
    """Stacked, each patient has four answers an image; the influence of a patient is the same."""
    stacked = Predictions(
        *(tuple(value for one in repeats for value in getattr(one, name))
          for name in ("image_ids", "subject_ids", "labels")),
        CLASSES,
        np.concatenate([one.y_prob for one in repeats]),
    )  # fmt: skip
    expected = Figures(stacked, 0.95).linear("accuracy")
    figures = [Figures(one, 0.95) for one in in_common(repeats)]
    mean = mean_of_repeats([one.linear("accuracy") for one in figures])
    assert mean.value == pytest.approx(expected.value)
    np.testing.assert_allclose(mean.influence, expected.influence, atol=1e-12)
    assert mean.freedom == pytest.approx(expected.freedom)


def test_a_repeat_given_twice_tells_nothing_new(repeats):
    """The mean of one repeat and itself has the interval of the one: repeats add no patients."""
    alone = Figures(in_common([repeats[0]])[0], 0.95).accuracy()
    block = repeat_figures([repeats[0], repeats[0]])
    for name in ("value", "low", "high", "clusters"):
        assert block["mean"]["accuracy"][name] == pytest.approx(alone[name])
    assert block["sd"]["accuracy"] == 0


def test_images_that_a_repeat_lacks_are_left_out_of_all(repeats):
    part = repeats[1].take(np.arange(10, len(repeats[1])))
    block = repeat_figures([repeats[0], part])
    assert (block["n_images"], block["n_left_out"]) == (80, 10)
    missing = set(repeats[1].image_ids[:10])
    kept = repeats[0].take(np.flatnonzero([name not in missing for name in repeats[0].image_ids]))
    assert block["each"][0]["accuracy"]["value"] == pytest.approx(Figures(kept, 0.95).accuracy()["value"])


def test_repeats_of_other_images_are_refused(repeats):
    halves = [repeats[0].take(np.arange(45)), repeats[0].take(np.arange(45, 90))]
    with pytest.raises(PredictionsError, match="every repeat"):
        repeat_figures(halves)


def test_one_repeat_has_no_block(repeats):
    assert repeat_figures(repeats[:1]) is None
    assert format_repeats(None) == ""


def test_the_text_names_mean_and_range(repeats):
    block = repeat_figures(repeats)
    shown = format_repeats(block)
    assert shown.startswith("4 repeats: ")
    values = [100 * one["accuracy"]["value"] for one in block["each"]]
    assert f"between {min(values):.1f} and {max(values):.1f} %" in shown
    assert len(shown.splitlines()) == 1 + 1 + 4 + 2


def test_the_pooled_file_holds_every_answer_with_fold_and_repeat(repeats, tmp_path):
    write_pooled(repeats[:1], tmp_path / "one.csv")
    read = read_predictions(tmp_path / "one.csv")
    assert read.image_ids == repeats[0].image_ids
    assert read.folds == repeats[0].folds
    assert read.group_ids == repeats[0].group_ids
    np.testing.assert_allclose(read.y_prob, repeats[0].y_prob, rtol=1e-8)
    write_pooled(repeats, tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert lines[0] == "image_id,subject_id,label,group_id,fold,repeat,p:a,p:b,p:c"
    assert len(lines) == 1 + 4 * 90
    assert {line.split(",")[5] for line in lines[1:]} == {"0", "1", "2", "3"}
    with pytest.raises(PredictionsError, match="stands already"):  # no file of one answer an image
        read_predictions(tmp_path / "all.csv")
