"""Several classes an image, from the manifest to the answer: audit, split, train, evaluate, predict."""

import csv
import json
import warnings

import numpy as np
import pytest

import gyrus
from gyrus.bundles import read_bundle
from gyrus.data import read_manifest
from gyrus.errors import DataError, PredictionsError, UsageError
from gyrus.evaluation import read_predictions
from gyrus.metrics import UndefinedMetricWarning
from gyrus.phantom import Phantom, write_cohort

SMALL = {"architecture": "simple_cnn", "image_size": 32, "epochs": 2, "precision": "float32"}
TUMOUR, LEFT = "tumour", "left"


def facts_of(row, mask_of):
    """What an image shows, told from its mask: a tumour; whether its middle lies left of the image's."""
    if row.label == "no_tumor":
        return []
    _, columns = np.nonzero(mask_of(row))
    return [TUMOUR] + [LEFT] * bool(len(columns) and columns.mean() < 24)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A hand-written table of phantom slices with their facts; the sets are written in any order."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("several")
    drawn = write_cohort(folder / "own", Phantom(subjects=48, slices_per_subject=2, image_size=48))
    lines = ["path,label,subject_id"]
    for row in drawn:
        names = facts_of(row, lambda one: np.asarray(Image.open(drawn.root / one.mask)) > 0)
        label = "|".join(reversed(names)) or "|"
        lines.append(f"own/{row.path},{label},{row.subject_id}")
    path = folder / "facts.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def result(table, tmp_path_factory):
    """A tiny network, trained on the facts: its head on cached features, then the whole."""
    from safetensors.torch import save_file

    from gyrus.models import build

    start = tmp_path_factory.mktemp("start")
    save_file(build("simple_cnn", num_classes=2).state_dict(), start / "w.safetensors")
    recipe = start / "both-loops.toml"
    recipe.write_text('[[stage]]\nfree = "head"\nepochs = 2\n[[stage]]\nfree = "all"\nepochs = 2\n')
    options = {**SMALL, "weights": start / "w.safetensors", "recipe": str(recipe), "views": 1, "mixup": 0.2}
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("ignore", UndefinedMetricWarning)  # two epochs teach next to nothing
        patched.setenv("GYRUS_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("run") / "run"
        return gyrus.train(table, task="multilabel", out=out, test=True, **options)


def test_the_run_knows_its_task(result):
    manifest = read_manifest(result.run.manifest)
    assert manifest.task == "multilabel"
    assert manifest.classes == (LEFT, TUMOUR)
    assert {row.label for row in manifest} == {"|", TUMOUR, f"{LEFT}|{TUMOUR}"}
    card = read_bundle(result.run.bundle).card
    assert (card["task"], card["outputs"]["activation"]) == ("multilabel", "sigmoid")
    for split, stated in card["data"]["splits"].items():
        assert stated["images"] == len(manifest.select(split))
    ways = [stage["way"] for stage in card["provenance"]["training"]["stages"]]
    assert ways == ["on cached features", "through the trunk"]
    optimisation = card["provenance"]["optimisation"]
    train = manifest.select("train")
    shown = train.counts()["train"][TUMOUR]
    assert optimisation["loss"] == "binary cross-entropy"
    assert optimisation["class_weights"][TUMOUR] == pytest.approx((len(train) - shown) / shown, abs=1e-5)


def test_predictions_are_sigmoids_with_the_labels_of_the_manifest(result):
    predictions = read_predictions(result.run.predictions("test"))
    assert predictions.task == "multilabel"
    labels = {row.image_id: row.label for row in read_manifest(result.run.manifest)}
    assert predictions.labels == tuple(labels[name] for name in predictions.image_ids)
    assert np.abs(predictions.y_prob.sum(axis=1) - 1).max() > 1e-3
    with np.load(result.run.outputs("test")) as outputs:
        np.testing.assert_allclose(predictions.y_prob, 1 / (1 + np.exp(-outputs["logits"])), atol=1e-6)


def test_figures_are_those_of_the_predictions_file(result):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        anew = gyrus.evaluate(result.run.predictions("test")).evaluation
    stated = json.loads(result.run.evaluation("test").read_text())
    assert stated["task"] == "multilabel"
    for name in (LEFT, TUMOUR):
        assert set(stated["per_class"][name]) >= {"sensitivity", "specificity", "roc_auc"}
        assert stated["per_class"][name]["roc_auc"]["value"] == anew["per_class"][name]["roc_auc"]["value"]
        assert stated["pr_auc"]["per_class"][name]["value"] > 0


def test_pages_and_notebook_speak_of_sets(result):
    report, card = result.run.report.read_text(), result.run.model_card.read_text()
    assert "given exactly their classes" in report
    assert "each of left, tumour by itself" in card
    assert "PR-AUC" in card
    assert "always answering" not in card
    shown = result._repr_html_()
    assert "decisions right" in shown
    assert "specificity" in shown
    assert "all classes right" in result.to_text()


def test_metrics_hold_binary_losses_and_shares_of_decisions(result):
    with result.run.metrics.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["stage"] for row in rows] == ["stage 1"] * 2 + ["stage 2"] * 2
    for row in rows:
        assert 0 < float(row["val_loss"]) < 5
        # of two decisions an image, over whole images
        share = float(row["val_accuracy"]) * 2 * len(read_manifest(result.run.manifest).select("val"))
        assert share == pytest.approx(round(share), abs=1e-2)


def test_predict_names_every_class_from_one_half_on(result, table):
    manifest = read_manifest(result.run.manifest)
    answered = gyrus.predict([manifest.file_of(row) for row in manifest.rows[:4]], result.run.bundle)
    for entry in answered.predictions:
        names = [name for name, share in entry["probabilities"].items() if share >= 0.5]
        assert entry["shown"] == names
        assert entry["prediction"] == ("|".join(names) or "|")
        assert entry["heat_map"] is not None
    assert ("(none)" in answered.to_text()) == any(not entry["shown"] for entry in answered.predictions)


def test_a_bundle_verifies(result):
    assert gyrus.bundle("verify", result.run.bundle).exit_code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sampler": "balanced"}, "sampler balanced"),
        ({"cutmix": 1.0}, "cutmix"),
        ({"minority_augmentation": True}, "minority-augmentation"),
        ({"class_weights": "effective"}, "class-weights effective"),
        ({"binary_output": "one"}, "binary-output one"),
        ({"class_weights": "1,2,3"}, "3 numbers"),
    ],
)
def test_what_presumes_one_class_is_refused_before_anything_is_written(
    table, tmp_path, monkeypatch, options, said
):
    monkeypatch.setenv("GYRUS_CACHE", str(table.parent / "cache"))
    with pytest.raises(UsageError, match=said):
        gyrus.train(table, task="multilabel", out=tmp_path / "run", **SMALL, **options)
    assert not (tmp_path / "run").exists()


def test_without_the_task_a_joined_label_is_one_class_and_said_to_be(table, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("GYRUS_CACHE", str(table.parent / "cache"))
    with (
        caplog.at_level("INFO", logger="gyrus"),
        pytest.raises(DataError, match="joins classes") as caught,
    ):
        gyrus.train(table, out=tmp_path / "run", **SMALL)
    assert "each is taken for the name of one class" in caplog.text
    assert "--task multilabel" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def crossed(table, tmp_path_factory):
    """Two folds, really trained."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        patched.setenv("GYRUS_CACHE", str(table.parent / "cache"))
        out = tmp_path_factory.mktemp("crossed") / "cv"
        options = {**SMALL, "epochs": 1, "folds": 2, "val_fraction": 0.15, "cal_fraction": 0.0}
        return gyrus.crossval(table, task="multilabel", out=out, **options)


def test_a_cross_validation_answers_every_image_by_a_model_that_never_saw_its_patient(crossed):
    (pooled,) = crossed.pooled.predictions
    manifest = read_manifest(crossed.folder.manifest)
    assert (pooled.task, set(pooled.image_ids)) == ("multilabel", {row.image_id for row in manifest})
    for fold in range(2):
        rows = read_manifest(crossed.folder.run_of(0, fold).manifest).rows
        tested = {row.subject_id for row in rows if row.split == "test"}
        assert tested
        assert not tested & {row.subject_id for row in rows if row.split in ("train", "val")}
        shown = {label for row in rows if row.split == "test" for label in row.label.split("|")}
        assert {LEFT, TUMOUR} <= shown  # the folds are balanced by what images show
    assert read_predictions(crossed.folder.pooled).task == "multilabel"


def test_its_figures_are_those_of_the_pooled_file_fold_by_fold(crossed):
    figures, (pooled,) = crossed.evaluation, crossed.pooled.predictions
    right = (pooled.y_prob >= 0.5) == pooled.truth
    assert figures["exact_match"]["value"] == pytest.approx(right.all(axis=1).mean())
    for number, fold in enumerate(figures["folds"]["each"]):
        rows = np.array([name == str(number) for name in pooled.folds])
        assert fold["n_images"] == rows.sum()
        assert fold["exact_match"]["value"] == pytest.approx(right[rows].all(axis=1).mean())
        assert fold["decisions"]["value"] == pytest.approx(right[rows].mean())
    assert "given exactly their classes; the folds lie between" in crossed.to_text()
    assert "all classes right" in crossed.to_text()
    page = crossed.folder.report.read_text()
    assert "Fold by fold" in page
    for fold in range(2):  # an image with two classes is one image
        at = page.index(f">fold {fold}<")
        assert f">{figures['folds']['each'][fold]['n_images']}<" in page[at : at + 200]
    assert "decisions right" in page


def test_verbs_that_exchange_single_classes_refuse_by_name(table, result, tmp_path, monkeypatch):
    monkeypatch.setenv("GYRUS_CACHE", str(table.parent / "cache"))
    with pytest.raises(UsageError, match="the one class of an image"):
        gyrus.learn("leakage", table, task="multilabel", out=tmp_path / "leakage")
    with pytest.raises(PredictionsError, match="without DATA only"):
        gyrus.evaluate(result.run.predictions("test"), data=table, task="multilabel")
    with pytest.raises(UsageError, match="several classes an image"):
        gyrus.evaluate(result.run.bundle, data=table, task="multilabel")


def test_audit_split_and_doctor_read_sets(table, tmp_path, monkeypatch):
    monkeypatch.setenv("GYRUS_CACHE", str(table.parent / "cache"))
    audit = gyrus.audit(table, task="multilabel", out=tmp_path / "audit")
    assert audit.exit_code == 0
    divided = gyrus.split(table, task="multilabel", out=tmp_path / "split.csv")
    manifest = read_manifest(divided.path)
    assert manifest.task == "multilabel"
    assert sum(manifest.sizes().values()) == 96
    again = gyrus.split(divided.path, out=tmp_path / "again.csv")  # the table's own task is kept
    assert again.manifest.task == "multilabel"
    doctor = gyrus.doctor(table, task="multilabel")
    assert doctor.to_json()["classes"] == [LEFT, TUMOUR]
