"""Predictions joined to their images."""

from pathlib import Path

import numpy as np
import pytest

from gyrus.data.manifest import Manifest, Row
from gyrus.errors import PredictionsError
from gyrus.evaluation import join_manifest, read_predictions
from gyrus.evaluation.joining import cluster_of, line_numbers

ROWS = (
    Row("A/1.png", "A/1.png", "a", "P1", "column", "train"),
    Row("A/2.png", "A/2.png", "a", "P2", "column", "test"),
    Row("B/3.png", "B/3.png", "b", "", "", "test", pixel_hash="q"),
    Row("B/4.png", "B/4.png", "b", "cheng:7", "recovered", "test"),
)
MANIFEST = Manifest(ROWS, Path("data"))


@pytest.fixture
def written(tmp_path):
    def write(*lines):
        path = tmp_path / "predictions.csv"
        path.write_text("image_id,subject_id,label,p:a,p:b\n" + "\n".join(lines) + "\n")
        return read_predictions(path), path

    return write


def test_labels_patients_and_groups_come_from_the_data(written):
    predictions, path = written("B/3.png,,,0.4,0.6", "A/2.png,,a,0.9,0.1", "B/4.png,,,0.5,0.5")
    joined = join_manifest(predictions, MANIFEST, path)
    assert joined.predictions.labels == ("b", "a", "b")
    assert joined.predictions.subject_ids == ("", "P2", "cheng:7")
    assert joined.predictions.group_ids == ("pixels:q", "subject:P2", "subject:cheng:7")
    np.testing.assert_array_equal(joined.predictions.y_prob, predictions.y_prob)
    assert "2 of 3 labels are taken from the data." in joined.notes


def test_missing_answers_are_said(written):
    predictions, path = written("A/2.png,,,0.9,0.1")
    joined = join_manifest(predictions, MANIFEST, path)
    assert "2 of the 3 images of the split test have no prediction." in joined.notes


def test_unknown_images_are_named_with_their_lines_and_what_may_be_meant(written):
    predictions, path = written("A/2.png,,,0.9,0.1", '"x\ny.png",,,0.5,0.5', "3.png,,,0.9,0.1")
    with pytest.raises(PredictionsError) as caught:
        join_manifest(predictions, MANIFEST, path)
    assert caught.value.details == ["line 4: x\ny.png", "line 5: 3.png (the data have B/3.png)"]
    assert "A/1.png" in str(caught.value.fix)


def test_labels_that_contradict_the_data_are_named_with_their_lines(written):
    predictions, path = written("A/2.png,,b,0.9,0.1", "B/3.png,,b,0.5,0.5")
    with pytest.raises(PredictionsError, match="1 of 2 images has another label") as caught:
        join_manifest(predictions, MANIFEST, path)
    assert caught.value.details == ["line 2: A/2.png: label is 'b', the data say 'a'"]


def test_patients_that_contradict_the_data(written):
    predictions, path = written("A/2.png,P9,a,0.9,0.1")
    with pytest.raises(PredictionsError, match="another subject_id"):
        join_manifest(predictions, MANIFEST, path)


def test_a_recovered_patient_gives_way_to_the_files_own(written):
    predictions, path = written("B/4.png,mine,b,0.5,0.5")
    joined = join_manifest(predictions, MANIFEST, path)
    assert joined.predictions.subject_ids == ("mine",)


def test_groups_that_the_file_gives_are_kept(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,group_id,p:a,p:b\nA/2.png,mine,0.5,0.5\nB/3.png,,0.5,0.5\n")
    joined = join_manifest(read_predictions(path), MANIFEST, path)
    assert joined.predictions.group_ids == ("mine", "pixels:q")


def test_line_numbers_count_lines_inside_cells(written):
    _, path = written('"a\nb",,,0.5,0.5', "c,,,0.5,0.5")
    assert line_numbers(path) == {"a\nb": 3, "c": 4}


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"subject_id": "P", "copy_group": "g"}, "subject:P"),
        ({"copy_group": "g", "pixel_hash": "p"}, "look:g"),
        ({"pixel_hash": "p", "sha256": "s"}, "pixels:p"),
        ({"sha256": "s"}, "bytes:s"),
        ({}, "image:i"),
    ],
)
def test_what_an_image_is_not_independent_of(facts, name):
    assert cluster_of(Row(image_id="i", path="i", **facts)) == name
