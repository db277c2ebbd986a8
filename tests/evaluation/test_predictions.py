"""The predictions file."""

import numpy as np
import pytest

from gyrus.errors import PredictionsError
from gyrus.evaluation import Predictions, read_predictions, write_predictions
from gyrus.evaluation.predictions import check_probabilities

CLASSES = ("glioma", "meningioma", "pituitary")


def predictions(**changes):
    fields = {
        "image_ids": ("a.png", "b,2.png", 'ç "q".png'),
        "subject_ids": ("P1", "P1", ""),
        "labels": ("glioma", "", "pituitary"),
        "classes": CLASSES,
        "y_prob": np.array([[0.7, 0.2, 0.1], [1 / 3, 1 / 3, 1 / 3], [0, 1e-12, 1 - 1e-12]]),
    }
    return Predictions(**{**fields, **changes})


def test_what_is_written_is_read(tmp_path):
    before, path = predictions(), tmp_path / "p.csv"
    write_predictions(before, path)
    after = read_predictions(path)
    assert after.image_ids == before.image_ids
    assert after.subject_ids == before.subject_ids
    assert after.labels == before.labels
    assert after.group_ids == before.group_ids
    assert after.y_prob == pytest.approx(before.y_prob, rel=1e-8)
    assert "group_id" not in path.read_text(encoding="utf-8").splitlines()[0]


def test_groups_of_copies_travel_with_the_file(tmp_path):
    before, path = predictions(group_ids=("g1", "g1", "g1")), tmp_path / "p.csv"
    write_predictions(before, path)
    assert read_predictions(path).group_ids == ("g1", "g1", "g1")


def test_groups_are_patients_or_else_images():
    assert predictions().group_ids == ("subject:P1", "subject:P1", 'image:ç "q".png')


def test_true_and_answered_classes():
    rows = predictions()
    assert rows.y_true.tolist() == [0, -1, 2]
    assert rows.y_pred.tolist() == [0, 0, 2]


def test_rows_are_taken_by_number():
    taken = predictions().take(np.array([2, 0]))
    assert taken.image_ids == ('ç "q".png', "a.png")
    assert taken.y_prob[1] == pytest.approx([0.7, 0.2, 0.1])
    assert taken.group_ids == ('image:ç "q".png', "subject:P1")


def test_classes_of_a_file_are_sorted_with_their_columns(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,p:b,p:a\nx,0.9,0.1\n", encoding="utf-8")
    rows = read_predictions(path)
    assert rows.classes == ("a", "b")
    assert rows.y_prob.tolist() == [[0.1, 0.9]]
    assert rows.labels == ("",)


def test_a_files_byte_order_mark_and_further_columns_do_no_harm(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("\ufeffimage_id,model,p:a,p:b\nx,v1,0.5,0.5\n", encoding="utf-8")
    assert read_predictions(path).image_ids == ("x",)


HEADER = "image_id,label,p:a,p:b\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("image_id,p:a\nx,1\n", "one p:CLASS column per class"),
        ("image_id,p:a,p:b,p:a\nx,1,0,1\n", "columns twice: p:a"),
        (HEADER, "no rows"),
        (HEADER + "x,a,0.5,abc\n", "line 2: a probability is not a number"),
        (HEADER + "x,a,0.5,nan\n", "line 2: a probability is NaN"),
        (HEADER + "x,a,0.5,inf\n", "infinite"),
        (HEADER + "x,a,1.5,-0.5\n", "outside 0…1"),
        (HEADER + "x,a,0.5,0.6\n", "sum to 1.1, not 1"),
        (HEADER + "x,a,0.5\n", "fewer cells"),
        (HEADER + "x,a,0.5,0.5,1\n", "more cells"),
        (HEADER + ",a,0.5,0.5\n", "image_id is empty"),
        (HEADER + "x,a,0.5,0.5\ny,a,1,0\nx,b,0,1\n", "line 4: image_id 'x' stands already in line 2"),
        (HEADER + "x,c,0.5,0.5\n", "label 'c' has no column p:c"),
        (HEADER + '"x,a,0.5,0.5\n', "not a CSV file"),
    ],
)
def test_bad_files_are_refused_with_line_numbers(tmp_path, text, words):
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_bad_lines_are_named_at_once(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(HEADER + "x,a,2,0\ny,a,1,0\nz,a,0,nan\n", encoding="utf-8")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(path)
    assert [line.split(":")[0] for line in caught.value.details] == ["line 2", "line 4"]


def test_a_missing_file_and_foreign_bytes(tmp_path):
    with pytest.raises(PredictionsError, match="cannot be read"):
        read_predictions(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00image")
    with pytest.raises(PredictionsError, match="not a CSV file in UTF-8"):
        read_predictions(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ("glioma",)}, "labels has 1"),
        ({"subject_ids": ()}, "subject_ids has 0"),
        ({"group_ids": ("g",)}, "group_ids has 1"),
        ({"y_prob": np.ones((3, 2)) / 2}, r"y_prob has the shape \(3, 2\)"),
        ({"labels": ("glioma", "", "Pituitary")}, "labels Pituitary are none of the classes"),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes, words):
    with pytest.raises(PredictionsError, match=words):
        predictions(**changes)


@pytest.mark.parametrize("row", [[0.7, 0.2, 0.2], [np.nan, 0.5, 0.5], [-0.1, 0.6, 0.5], [3.1, 0.2, -1.0]])
def test_rows_that_are_no_probabilities_are_named(row):
    y_prob = np.array([[0.7, 0.2, 0.1], row, [0, 0, 1]])
    with pytest.raises(PredictionsError) as caught:
        check_probabilities(predictions(y_prob=y_prob))
    assert [line.split(":")[0] for line in caught.value.details] == ["b,2.png"]
    assert "softmax" in str(caught.value)
