"""Anybody's predictions beside their images, from the file to the twin-free score."""

import numpy as np
import pytest

import gyrus
from gyrus.data import read_manifest, write_manifest
from gyrus.errors import DataError, PredictionsError, UsageError
from gyrus.evaluation import Predictions, write_predictions
from gyrus.phantom import Faults, Phantom, write_cohort

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """Class folders below Training and Testing, as the public sets come; 20 test images are copies."""
    folder = tmp_path_factory.mktemp("leaking") / "data"
    faults = Faults(byte_copies=8, pixel_copies=6, mirrored_copies=6)
    manifest = write_cohort(
        folder, Phantom(subjects=40, slices_per_subject=2, image_size=64), faults, split="subject",
        anonymous=True,
    )  # fmt: skip
    return folder, manifest


def answers(manifest, right, labels=True):
    """Predictions for the test images; ``right`` says of a row whether it is answered rightly."""
    rows = [row for row in manifest if row.split == "test"]
    y_prob = np.full((len(rows), 4), 0.05)
    for number, row in enumerate(rows):
        true = CLASSES.index(row.label)
        y_prob[number, true if right(row) else (true + 1) % 4] = 0.85
    return Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=("",) * len(rows),
        labels=tuple(row.label if labels else "" for row in rows),
        classes=CLASSES,
        y_prob=y_prob,
    )


@pytest.fixture
def written(leaking, tmp_path):
    """The file of a model that has learned its training images by heart, and nothing else."""
    path = tmp_path / "predictions.csv"
    write_predictions(answers(leaking[1], lambda row: bool(row.facts["fault_of"]), labels=False), path)
    return path


def test_a_model_that_knows_only_copies_is_unmasked(leaking, written):
    folder, manifest = leaking
    result = gyrus.evaluate(written, data=folder, bootstrap_samples=0)
    block = result.evaluation["twin_free"]
    copies = {row.image_id for row in manifest if row.facts["fault_of"]}
    assert {twin["image_id"] for twin in block["twins"]} == copies
    assert block["reasons"]["identical bytes"] == 8
    assert block["reasons"]["identical pixels"] == 6
    assert block["reasons"]["look-alike"] == 6
    assert block["twins_only"]["accuracy"]["value"] == 1.0
    assert block["without_twins"]["accuracy"]["value"] == 0.0
    total = sum(row.split == "test" for row in manifest)
    assert block["sentence"].startswith(
        f"Your {100 * 20 / total:.1f} % is 0.0 % without twins: 20 of {total}"
    )
    assert block["sentence"] in result.to_text()


def test_labels_are_taken_from_the_folders(leaking, written):
    evaluation = gyrus.evaluate(written, data=leaking[0], bootstrap_samples=0).evaluation
    assert evaluation["n_unlabelled"] == 0
    assert any("labels are taken from the data" in note for note in evaluation["data_notes"])


def test_without_data_nothing_is_known_of_twins(leaking, tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(answers(leaking[1], lambda row: True), path)
    result = gyrus.evaluate(path, bootstrap_samples=0)
    assert "cannot be told" in result.evaluation["twin_free"]["sentence"]
    assert "gyrus evaluate predictions.csv DATA" in result.to_text()


def test_training_images_elsewhere(leaking, written, tmp_path):
    """The test images alone, as a folder of their own, beside the training images as another."""
    folder, _ = leaking
    renamed = tmp_path / "own.csv"
    renamed.write_text(written.read_text().replace("Testing/", ""))
    evaluation = gyrus.evaluate(
        renamed, data=folder / "Testing", training=folder / "Training", bootstrap_samples=0
    ).evaluation
    assert evaluation["twin_free"]["n_twins"] == 20
    assert not evaluation["patients_in_both"]["known"]
    bare = gyrus.evaluate(renamed, data=folder / "Testing", bootstrap_samples=0).evaluation
    assert "--training" in bare["twin_free"]["sentence"]


def test_pooled_folds(leaking, tmp_path):
    folder, _ = leaking
    out = tmp_path / "folds.csv"
    gyrus.split(folder, out=out, split="new", seed=3)
    manifest = read_manifest(out)
    folded = [row.with_(fold=number % 5, split="") for number, row in enumerate(manifest)]
    write_manifest(manifest.with_rows(folded), out)
    everything = answers(manifest.with_rows(row.with_(split="test") for row in manifest), lambda row: True)
    path = tmp_path / "pooled.csv"
    write_predictions(everything, path)
    evaluation = gyrus.evaluate(path, data=out, out_of_fold=True, bootstrap_samples=0).evaluation
    assert evaluation["twin_free"]["known"]
    assert evaluation["twin_free"]["n_twins"] > 0


def test_subgroups_are_shown(leaking, written):
    text = gyrus.evaluate(written, data=leaking[0], bootstrap_samples=0, min_images=5).to_text()
    assert "not divided by" in text


def test_class_names_can_be_mapped(leaking, written, tmp_path):
    path = tmp_path / "renamed.csv"
    path.write_text(written.read_text().replace("p:no_tumor", "p:healthy"))
    with pytest.raises(DataError, match="no_tumor") as caught:
        gyrus.evaluate(path, data=leaking[0])
    assert "--label-map no_tumor=CLASS" in str(caught.value.fix)
    told = gyrus.evaluate(path, data=leaking[0], label_map=["no_tumor=healthy"], bootstrap_samples=0)
    assert told.evaluation["classes"] == ["glioma", "healthy", "meningioma", "pituitary"]
    with pytest.warns(UserWarning, match="healthy"):
        fewer = gyrus.evaluate(path, data=leaking[0], label_map=["no_tumor="], bootstrap_samples=0).evaluation
    assert fewer["n_images"] < told.evaluation["n_images"]
    assert fewer["per_class"]["healthy"]["support"] == 0


def test_results_are_written(leaking, written, tmp_path):
    gyrus.evaluate(written, data=leaking[0], bootstrap_samples=0, out=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "predictions.csv", "manifest.csv", "evaluation.json", "report.html",
    }  # fmt: skip


def test_images_that_are_not_there_are_named_by_line(leaking, written, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(written.read_text().replace("Testing/", "test/"))
    with pytest.raises(PredictionsError) as caught:
        gyrus.evaluate(path, data=leaking[0])
    assert caught.value.details[0].startswith("line 2: test/")
    assert "(the data have Testing/" in caught.value.details[0]
    assert "as in 'Testing/" in str(caught.value.fix)


def test_a_run_folder_is_not_mistaken(leaking, written):
    with pytest.raises(UsageError, match="--test"):
        gyrus.evaluate(written, test=True)
    with pytest.raises(DataError, match="no finished run"):
        gyrus.evaluate(leaking[0], data=leaking[0])


def test_several_labels_an_image_cannot_be_joined(leaking, tmp_path):
    path = tmp_path / "several.csv"
    path.write_text("image_id,task,label,p:a,p:b\ni,multilabel,a|b,0.9,0.8\nj,multilabel,a,0.9,0.1\n")
    with pytest.raises(PredictionsError, match="several labels"):
        gyrus.evaluate(path, data=leaking[0])
