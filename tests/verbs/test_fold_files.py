"""Several predictions files: told from DATA, named, pooled, and held against the other folds' images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gyrus
from gyrus.config import EvaluateConfig
from gyrus.data import read_manifest
from gyrus.errors import DataError, LeakageError, PredictionsError, UsageError
from gyrus.evaluation import Predictions, write_predictions
from gyrus.verbs.fold_files import fold_names, sort_out

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
pytestmark = pytest.mark.filterwarnings("ignore:undefined")


@pytest.fixture(scope="module")
def folds(cohort, tmp_path_factory):
    """Three files of a cross-validation on the cohort; every fifth image is answered wrongly."""
    rows = list(read_manifest(cohort / "manifest.csv"))
    place = tmp_path_factory.mktemp("folds")
    paths = []
    for number in range(3):
        part = [row for row in rows if int(row.subject_id[1:]) % 3 == number]
        y_prob = np.full((len(part), 4), 0.05)
        for index, row in enumerate(part):
            y_prob[index, (CLASSES.index(row.label) + (index % 5 == 0)) % 4] = 0.85
        path = place / f"fold-{number}" / "test.csv"
        write_predictions(
            Predictions(
                tuple(row.image_id for row in part), ("",) * len(part), ("",) * len(part), CLASSES, y_prob
            ),
            path,
        )
        paths.append(path)
    return paths


def test_files_of_folds_are_pooled_with_the_data(folds, cohort):
    evaluation = gyrus.evaluate(
        folds[0], data=folds[1], more=[folds[2], cohort], bootstrap_samples=0
    ).evaluation
    assert evaluation["n_images"] == 96
    assert evaluation["n_clusters"] == evaluation["n_subjects"] == 48
    block = evaluation["folds"]
    assert [fold["fold"] for fold in block["each"]] == ["fold-0", "fold-1", "fold-2"]
    assert [fold["n_subjects"] for fold in block["each"]] == [16, 16, 16]
    # each image is held against those of the other folds, without being told (--out-of-fold)
    assert evaluation["twin_free"]["known"]
    assert evaluation["twin_free"]["n_twins"] == 0


def test_a_pooled_file_keeps_its_folds(folds, cohort, tmp_path):
    once = gyrus.evaluate(folds[0], data=folds[1], more=[folds[2], cohort], bootstrap_samples=0, out=tmp_path)
    again = gyrus.evaluate(tmp_path / "predictions.csv", bootstrap_samples=0)
    assert again.evaluation["folds"] == once.evaluation["folds"]
    assert again.evaluation["accuracy"] == once.evaluation["accuracy"]


def test_patients_in_two_files_are_a_leak(tmp_path):
    rows = ["image_id,subject_id,label,p:a,p:b"]
    for number, patients in enumerate((("P1", "P2"), ("P3", "P2"))):
        lines = [f"{number}{patient},{patient},a,.8,.2" for patient in patients]
        (tmp_path / f"f{number}.csv").write_text("\n".join([*rows, *lines]) + "\n")
    with pytest.raises(LeakageError, match="1 patient stands in several folds") as caught:
        gyrus.evaluate(tmp_path / "f0.csv", data=tmp_path / "f1.csv")
    assert caught.value.details == ["P2: f0, f1"]
    assert caught.value.exit_code == 4


def test_an_image_that_the_data_do_not_have_is_named_by_file_and_line(folds, cohort, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text(folds[1].read_text().replace("glioma/", "gliom/", 1))
    with pytest.raises(PredictionsError, match="1 of 96 images is not among the 96") as caught:
        gyrus.evaluate(folds[0], data=bad, more=[folds[2], cohort])
    assert caught.value.details[0].startswith(f"{bad}, line ")


def test_what_is_no_predictions_file_may_only_stand_last(folds, cohort):
    with pytest.raises(UsageError, match="no columns p:CLASS") as caught:
        gyrus.evaluate(folds[0], data=cohort, more=[folds[1]])
    assert "DATA stands last" in str(caught.value.fix)
    with pytest.raises(UsageError, match="given twice"):
        gyrus.evaluate(folds[0], data=folds[0])
    with pytest.raises(DataError, match="does not exist"):
        gyrus.evaluate(folds[0], data=folds[1], more=[Path("nowhere")])


def test_options_that_need_data_are_checked_when_the_data_are_known(folds):
    config = EvaluateConfig(source=folds[0], data=folds[1], out_of_fold=True)
    with pytest.raises(UsageError, match="--out-of-fold cannot be used without DATA"):
        sort_out(config)
    files, told = sort_out(replace(config, out_of_fold=False))
    assert files == (folds[0], folds[1])
    assert told.data is None


def test_one_of_several_files_may_not_hold_several_folds(folds, tmp_path):
    both = tmp_path / "both.csv"
    both.write_text("image_id,label,fold,p:a,p:b\n1,a,0,.8,.2\n2,b,1,.2,.8\n")
    with pytest.raises(UsageError, match="holds several folds"):
        gyrus.evaluate(both, data=folds[1])


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("runs/fold0/predictions/test.csv", "runs/fold1/predictions/test.csv"), ["fold0", "fold1"]),
        (("a.csv", "b.csv"), ["a", "b"]),
        (("x/a.csv", "y/b.csv"), ["x/a", "y/b"]),
        (("a.csv", "x/a.csv"), ["a", "x/a"]),
    ],
)
def test_names_are_what_differs(paths, names):
    assert fold_names([Path(path) for path in paths]) == names
