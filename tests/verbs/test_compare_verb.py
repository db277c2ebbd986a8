"""``gyrus compare`` on runs and files."""

import json
import shutil

import numpy as np
import pytest

import gyrus
from gyrus.cli import main
from gyrus.data import read_manifest
from gyrus.errors import DataError, PredictionsError, UsageError
from gyrus.evaluation import read_predictions, write_predictions
from gyrus.runs import RunFolder, count_looks


@pytest.fixture
def pair(run, tmp_path):
    """Two runs side by side: the second answers as the labels say."""
    folders = []
    for name in ("first", "second"):
        shutil.copytree(run.path, tmp_path / name)
        folders.append(RunFolder(tmp_path / name))
    file = folders[1].predictions("val")
    predictions = read_predictions(file)
    right = np.where(predictions.y_true[:, None] == np.arange(4), 0.7, 0.1)
    predictions.y_prob[:] = right
    write_predictions(predictions, file)
    return folders


def test_runs_are_named_by_their_folders_and_have_twin_free_figures(pair):
    result = gyrus.compare(*(folder.path for folder in pair), bootstrap_samples=200)
    (tests,) = result.comparison["pairs"]
    assert (tests["better"], tests["worse"]) == ("second", "first")
    assert tests["told"]
    assert tests["sentence"].startswith("second is better than first by ")
    for line in result.comparison["leaderboard"]:
        assert line["without_twins"] == line["accuracy"]  # a clean split
    assert "accuracy without twins" in result.to_text()
    assert result.test_looks is None


def test_files_and_runs_can_be_mixed(pair, tmp_path):
    shutil.copy(pair[0].predictions("val"), tmp_path / "other.csv")
    result = gyrus.compare(pair[1].path, tmp_path / "other.csv", bootstrap_samples=200)
    assert {line["name"] for line in result.comparison["leaderboard"]} == {"second", "other"}
    assert "cannot be told" in result.to_text()


def test_files_of_one_name_are_told_apart(pair):
    files = [folder.predictions("val") for folder in pair]
    result = gyrus.compare(*files, bootstrap_samples=200)
    names = {line["name"] for line in result.comparison["leaderboard"]}
    assert names == {"first/predictions/predictions-val", "second/predictions/predictions-val"}


def test_other_images_are_refused_with_both_lists(pair):
    with pytest.raises(PredictionsError, match="of them are the same") as caught:
        gyrus.compare(pair[0].predictions("val"), pair[1].predictions("cal"))
    assert len(caught.value.details) == 2


def test_the_test_set_needs_predictions_and_a_look_is_counted(pair):
    paths = [folder.path for folder in pair]
    with pytest.raises(DataError) as caught:
        gyrus.compare(*paths, test=True)
    assert f"gyrus evaluate {paths[0]} --test" in str(caught.value.fix)
    for folder in pair:
        shutil.copy(folder.predictions("val"), folder.predictions("test"))
    result = gyrus.compare(*paths, test=True, bootstrap_samples=200)
    fingerprint = read_manifest(pair[0].manifest).fingerprint
    assert result.test_looks == count_looks(pair[0].ledger, fingerprint) == 1
    assert "who chooses a model by it" in result.to_text()


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        (["a.csv"], {}, "two or more"),
        (["a.csv", "a.csv"], {}, "named twice"),
        (["a.csv", "b.csv"], {"test": True}, "run folders"),
        (["a.csv", "b.csv"], {"metric": "luck"}, "accuracy"),
        (["a.csv", "b.csv"], {"power": 1.0}, "power"),
        (["a.csv", "b.csv"], {"bootstrap_samples": 3}, "bootstrap_samples"),
    ],
)
def test_wrong_usage(names, options, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        gyrus.compare(*(tmp_path / name for name in names), **options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PredictionsError, match="cannot be read"):
        gyrus.compare(tmp_path / "a.csv", tmp_path / "b.csv")


def test_the_command_line_prints_one_object(pair, capsys):
    code = main(["compare", *(str(folder.path) for folder in pair), "--json", "--bootstrap-samples", "200"])
    assert code == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["pairs"][0]["better"] == "second"
    assert printed["test_looks"] is None
