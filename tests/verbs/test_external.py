"""A bundle on external images."""

import json
import shutil

import numpy as np
import pytest

import gyrus
import tiny_bundle
from gyrus.data import read_manifest, write_manifest
from gyrus.errors import DataError, LayoutError, ManifestError, UsageError
from gyrus.evaluation import read_predictions
from gyrus.inference import Predictor, read_outputs

# an untrained network never answers some class
pytestmark = pytest.mark.filterwarnings("ignore:undefined")
LABEL_MAP = ",".join(f"{name}_class={name}" for name in tiny_bundle.CLASSES)


@pytest.fixture(scope="module")
def result(run, external, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "external"
    return gyrus.evaluate(run.path, data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0, out=out)


def test_the_answers_are_the_bundles_own_on_the_raw_files(result, run, external):
    written = read_predictions(result.folder / "predictions.csv")
    assert written.image_ids == (*external.new, *external.copied)
    answers = Predictor.load(run.bundle).predict([external.folder / name for name in written.image_ids])
    np.testing.assert_allclose(written.y_prob, [answer.probabilities for answer in answers], atol=1e-7)
    assert written.labels[0] in tiny_bundle.CLASSES
    right = np.mean(written.y_true == written.y_pred)
    assert result.evaluation["accuracy"]["value"] == pytest.approx(right)


def test_copies_of_training_images_are_found_and_taken_out(result, external):
    block = result.evaluation["twin_free"]
    twins = {twin["image_id"]: twin for twin in block["twins"]}
    assert set(twins) == set(external.copied)
    assert [twins[name]["reason"] for name in external.copied] == [
        "identical bytes", "identical bytes", "look-alike", "look-alike",
    ]  # fmt: skip
    assert twins[external.copied[2]]["other_id"] == f"training:{external.train[2].image_id}"
    assert block["n_left"] == len(external.new)


def test_tables_by_site_and_scanner(result):
    dimensions = {item["name"]: item for item in result.evaluation["subgroups"]["dimensions"]}
    assert {group["value"] for group in dimensions["source folder"]["groups"]} == {"siteA", "siteB"}
    assert {group["value"] for group in dimensions["scanner"]["groups"]} == {"X", "Y", "Z"}
    sizes = {group["value"]: group for group in dimensions["image size"]["groups"]}
    assert sizes["48 x 48 px"]["accuracy"] is None  # four copies are too few
    assert sizes["60 x 60 px"]["n_images"] == 64


def test_patients_in_both_are_compared(result):
    block = result.evaluation["patients_in_both"]
    assert block["known"]
    assert block["patients"] == []
    assert "The patient of 4 of these images is unknown" in block["sentence"]


def test_drift_is_measured_against_the_runs_held_out_images(result):
    block = result.evaluation["drift"]
    assert block["known"]
    assert "cal" in block["reference"]
    assert block["n_external"] == 68


def test_the_text_and_the_json_hold_everything(result):
    text = result.to_text()
    for words in ("without twins", "by scanner", "source folder", "lie farther", "unknown", "wrote"):
        assert words in text
    evaluation = json.loads((result.folder / "evaluation.json").read_text())
    assert evaluation["model"]["name"] == "first"
    assert read_outputs(result.folder / "outputs.npz").logits.shape == (68, 4)
    assert len(read_manifest(result.folder / "manifest.csv")) == 68


def test_a_bundle_alone_says_what_cannot_be_told(run, external, tmp_path):
    shutil.copy(run.bundle, tmp_path / "model.gyrus")
    evaluation = gyrus.evaluate(
        tmp_path / "model.gyrus", data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0
    ).evaluation
    for name in ("twin_free", "patients_in_both", "drift"):
        assert not evaluation[name]["known"]
        assert "cannot be told" in evaluation[name]["sentence"]
    assert "--training" in evaluation["patients_in_both"]["sentence"]


@pytest.mark.parametrize("given", [lambda run: run.manifest, lambda run: run.path], ids=["table", "run"])
def test_training_can_be_named(run, external, tmp_path, given):
    shutil.copy(run.bundle, tmp_path / "model.gyrus")
    evaluation = gyrus.evaluate(
        tmp_path / "model.gyrus", data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0,
        training=given(run),
    ).evaluation  # fmt: skip
    assert evaluation["twin_free"]["n_twins"] == 4


def test_a_manifest_of_another_training_is_not_taken(run, external, tmp_path):
    shutil.copy(run.bundle, tmp_path / "model.gyrus")
    manifest = read_manifest(run.manifest)
    write_manifest(manifest.with_rows(manifest.rows[1:]), tmp_path / "manifest.csv")
    evaluation = gyrus.evaluate(
        tmp_path / "model.gyrus", data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0
    ).evaluation
    assert "is not the manifest that the bundle was trained on" in evaluation["twin_free"]["sentence"]


def test_training_images_that_are_gone_are_compared_by_their_hashes(run, external, tmp_path):
    manifest = read_manifest(run.manifest)
    lost = manifest.with_rows(row.with_(path=f"nowhere/{number}.png") for number, row in enumerate(manifest))
    write_manifest(lost, tmp_path / "train.csv")
    evaluation = gyrus.evaluate(
        run.path, data=external.table, label_map=[LABEL_MAP], bootstrap_samples=0,
        training=tmp_path / "train.csv",
    ).evaluation  # fmt: skip
    assert evaluation["twin_free"]["reasons"]["identical bytes"] == 2
    assert evaluation["twin_free"]["n_twins"] == 2
    assert any("compared by their hashes" in note for note in evaluation["data_notes"])


def test_patients_of_both_sets_are_named(run, external, tmp_path):
    trained = next(row for row in read_manifest(run.manifest) if row.split == "train")
    text = external.table.read_text().replace(",E0\n", f",{trained.subject_id}\n")
    table = external.table.with_name("shared.csv")
    table.write_text(text)
    evaluation = gyrus.evaluate(run.path, data=table, label_map=[LABEL_MAP], bootstrap_samples=0).evaluation
    (shared,) = evaluation["patients_in_both"]["patients"]
    assert shared["subject_id"] == trained.subject_id
    assert shared["images"] == 2
    assert trained.subject_id in evaluation["patients_in_both"]["sentence"]
    assert evaluation["twin_free"]["reasons"]["the same patient"] == 2


def test_classes_that_the_model_does_not_know_are_named_with_a_way_out(run, external):
    with pytest.raises(DataError) as caught:
        gyrus.evaluate(run.path, data=external.table)
    assert "glioma_class" in caught.value.message
    assert "--label-map glioma_class=glioma,meningioma_class=meningioma" in str(caught.value.fix)


def test_coarser_labels_and_classes_left_out(run, external):
    told = "glioma_class=glioma|meningioma,meningioma_class=glioma|meningioma,no_tumor_class=no_tumor"
    evaluation = gyrus.evaluate(
        run.path, data=external.table, label_map=[told, "pituitary_class="], bootstrap_samples=0
    ).evaluation
    assert evaluation["classes"] == ["glioma or meningioma", "no_tumor", "pituitary"]
    assert evaluation["per_class"]["pituitary"]["support"] == 0
    assert evaluation["n_images"] < 68
    assert any("Left out, as told: pituitary_class" in note for note in evaluation["data_notes"])


def test_an_empty_external_set(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError) as caught:
        gyrus.evaluate(run.path, data=tmp_path / "empty")
    assert caught.value.path == str(tmp_path / "empty")
    (tmp_path / "empty.csv").write_text("path,label\n")
    with pytest.raises(ManifestError, match="header but no rows"):
        gyrus.evaluate(run.path, data=tmp_path / "empty.csv")
    with pytest.raises(DataError, match="does not exist"):
        gyrus.evaluate(run.path, data=tmp_path / "nowhere")


def test_images_without_labels(run, external, tmp_path):
    lines = external.table.read_text().splitlines()
    bare = external.table.with_name("bare.csv")
    bare.write_text("\n".join(",".join([*line.split(",")[:2], "", "", ""]) for line in lines[1:]))
    bare.write_text("image_id,path,label,scanner,subject_id\n" + bare.read_text() + "\n")
    with pytest.raises(DataError, match="no label that the model knows"):
        gyrus.evaluate(run.path, data=bare)


def test_a_class_that_is_absent_is_said(run, external):
    lines = external.table.read_text().splitlines()
    part = external.table.with_name("part.csv")
    part.write_text("\n".join(line for line in lines if ",pituitary_class," not in line) + "\n")
    told = ",".join(entry for entry in LABEL_MAP.split(",") if not entry.startswith("pituitary"))
    with pytest.warns(UserWarning, match="pituitary"):
        evaluation = gyrus.evaluate(run.path, data=part, label_map=[told], bootstrap_samples=0).evaluation
    assert any("pituitary" in note for note in evaluation["notes"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "holds no images"),
        ({"training": "x"}, "--training"),
        ({"test": True, "data": "x"}, "--test"),
        ({"out_of_fold": True, "data": "x"}, "--out-of-fold"),
        ({"min_images": 0}, "min_images"),
        ({"confidence": 1.5}, "confidence"),
    ],
)
def test_wrong_usage(run, options, words):
    with pytest.raises(UsageError, match=words):
        gyrus.evaluate(run.bundle, **options)
