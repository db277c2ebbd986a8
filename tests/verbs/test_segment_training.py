"""``gyrus train`` and ``gyrus crossval`` for masks, from a folder to the report."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gyrus.bundles import read_bundle
from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.data import read_manifest
from gyrus.data.masks import read_mask
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import Predictions, write_predictions
from gyrus.evaluation.mask_predictions import MaskPredictions, mask_file_name, write_mask_predictions
from gyrus.phantom import Phantom, write_cohort
from gyrus.runs import RunFolder
from gyrus.verbs import crossval, train
from gyrus.verbs.segment_prepare import segment_config

TINY = {
    "task": "segment",
    "image_size": 32,
    "epochs": 1,
    "precision": "float32",
    "device": "cpu",
    "batch_size": 16,
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """16 synthetic patients, two slices each."""
    folder = tmp_path_factory.mktemp("cohort") / "own"
    write_cohort(folder, Phantom(subjects=16, slices_per_subject=2, image_size=48))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def result(cohort, cache, tmp_path_factory):
    """A finished training, with a look at the test set."""
    out = tmp_path_factory.mktemp("runs") / "first"
    return train.run(TrainConfig(source=cohort, out=out, cache_dir=cache, test=True, **TINY))


def test_everything_of_a_run_is_there(result):
    run = result.run
    rows = list(csv.DictReader(run.metrics.read_text().splitlines()))
    assert float(rows[0]["val_dice"]) == pytest.approx(result.val_dice, rel=1e-4)
    assert run.report.is_file()
    assert run.model_card.is_file()
    assert not run.state.exists()
    assert json.loads(run.config.read_text())["architecture"] == "unet"
    manifest = read_manifest(run.manifest)
    assert manifest.task == "segment"
    assert not len(manifest.select("cal"))  # nothing is calibrated: those images are trained on
    assert {row.facts["mask_px"] == "0" for row in manifest} == {True, False}


def test_the_bundle_draws_what_was_measured(result):
    card = read_bundle(result.run.bundle).card
    assert card["task"] == "segment"
    assert card["classes"] == ["lesion"]
    assert card["segmentation"]["postprocess"]["chosen_on"]["split"] == "val"
    assert set(result.evaluations) == set(card["metrics"]) == {"val", "test"}
    for split in ("val", "test"):
        listed = list(csv.DictReader(result.run.predictions(split).read_text().splitlines()))
        assert len(listed) == len(read_manifest(result.run.manifest).select(split))
        assert all((result.run.predictions(split).parent / row["mask"]).is_file() for row in listed)


def test_it_says_where_to_look(result):
    text = result.to_text()
    assert "validation images:" in text
    assert str(result.run.report) in text
    assert json.loads(json.dumps(result.to_json(), default=str))["task"] == "segment"
    assert "report" in result._repr_html_()


def copying_the_truth(config, prepared, divided, clock=None):
    """Stand in for a training: the test set's true masks as the answers, and every class right."""
    run = RunFolder(config.out).create()
    rows, place = divided.manifest.select("test").rows, run.predictions("test").parent
    (place / "masks-test").mkdir(parents=True)
    paths = []
    for row in rows:
        path = place / "masks-test" / mask_file_name(row.image_id)
        Image.fromarray(read_mask(row, divided.manifest, prepared.classes)).save(path)
        paths.append(path)
    about = {
        "image_ids": tuple(row.image_id for row in rows),
        "subject_ids": tuple(row.subject_id for row in rows),
        "group_ids": tuple(row.subject_id for row in rows),
    }
    write_mask_predictions(
        MaskPredictions(masks=tuple(paths), classes=prepared.classes.names, **about), run.predictions("test")
    )
    classes = divided.manifest.classes
    certain = np.array([[0.97 if name == row.label else 0.01 for name in classes] for row in rows])
    write_predictions(
        Predictions(labels=tuple(row.label for row in rows), classes=classes, y_prob=certain, **about),
        place / "class-predictions-test.csv",
    )
    return SimpleNamespace(digest="0" * 64, evaluations={"test": {"mean": {"dice": {"value": 1.0}}}})


def test_folds_are_pooled_and_gone_on_with(cohort, cache, tmp_path, monkeypatch):
    options = CrossvalConfig(
        source=cohort, out=tmp_path / "cv", cache_dir=cache, folds=2, mask_classes="label", **TINY
    )
    monkeypatch.setattr("gyrus.verbs.crossval_masks.train_masks_divided", copying_the_truth)
    done = crossval.run(options)
    pooled = list(csv.DictReader(done.folder.pooled.read_text().splitlines()))
    assert len(pooled) == 32
    assert {row["fold"] for row in pooled} == {"0", "1"}
    assert done.evaluation["mean"]["dice"]["value"] == 1.0
    assert done.evaluation["n_images"] == 32
    assert done.picture_class["accuracy"]["value"] == 1.0
    assert (done.folder.path / "class-predictions-pooled.csv").is_file()
    assert done.folder.report.is_file()
    assert "fold 1" in done.to_text()
    monkeypatch.setattr(
        "gyrus.verbs.crossval_masks.train_masks_divided", None
    )  # a second training would fail
    assert crossval.run(options).evaluation["mean"] == done.evaluation["mean"]
    with pytest.raises(UsageError, match="other options"):
        crossval.run(replace(options, mask_loss="ce"))


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::gyrus.metrics.UndefinedMetricWarning")
def test_a_joint_network_is_cross_validated(cohort, cache, tmp_path):
    done = crossval.run(
        CrossvalConfig(
            source=cohort, out=tmp_path / "cv", cache_dir=cache, folds=2, with_class=True,
            deep_supervision=True, patch_size=32, mask_classes="label", **{**TINY, "image_size": 48},
        )
    )  # fmt: skip
    assert done.exit_code == 0
    assert done.picture_class["n_images"] == 32
    assert 0 <= done.evaluation["mean"]["dice"]["value"] <= 1


def test_masks_that_changed_are_not_gone_on_with(cohort, cache, tmp_path, result):
    folder = tmp_path / "own"
    shutil.copytree(cohort, folder)
    run = tmp_path / "run"
    shutil.copytree(result.run.path, run)
    (run / "report.html").unlink()
    name = next(row.mask for row in read_manifest(folder / "manifest.csv") if row.label != "no_tumor")
    Image.fromarray(np.full((48, 48), 255, np.uint8)).save(folder / name)
    with pytest.raises(DataError, match="the masks are not those that"):
        train.run(TrainConfig(source=folder, resume=run, cache_dir=cache, test=True, **TINY))


def test_empty_masks_everywhere_are_told(cohort, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(cohort, folder)
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.zeros((48, 48), np.uint8)).save(path)
    with pytest.raises(DataError, match="nothing is marked in any of the 32 masks"):
        train.run(TrainConfig(source=folder, out=tmp_path / "run", cache_dir=tmp_path / "c", **TINY))
    assert not (tmp_path / "run").exists()


def test_a_spacing_that_is_none_is_told(cohort, tmp_path):
    table = (cohort / "manifest.csv").read_text().splitlines()
    lines = [f"{table[0]},spacing_mm", *(f"{line},nan x 0.5" for line in table[1:])]
    folder = tmp_path / "own"
    shutil.copytree(cohort, folder)
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="spacing"):
        train.run(TrainConfig(source=folder, out=tmp_path / "run", cache_dir=tmp_path / "c", **TINY))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"image_size": 40}, "multiple of 16"),
        ({"architecture": "unett"}, "did you mean unet"),
        ({"mixup": 0.2}, "options of classifiers"),
        ({"binary_output": "one"}, "classifier"),
    ],
)
def test_what_cannot_be_is_refused_before_reading(tmp_path, options, match):
    with pytest.raises(UsageError) as caught:
        train.run(TrainConfig(source=tmp_path / "absent", out=tmp_path / "run", **{**TINY, **options}))
    assert match in str(caught.value)


def test_options_of_masks_need_their_task(cohort, tmp_path):
    with pytest.raises(UsageError, match="--task segment"):
        train.run(TrainConfig(source=cohort, out=tmp_path / "run", mask_loss="dice"))


def test_a_network_and_a_split_that_were_not_asked_for_are_told(caplog):
    with caplog.at_level("INFO", logger="gyrus"):
        chosen = segment_config(TrainConfig(source=Path("data"), task="segment"))
    assert (chosen.architecture, chosen.cal_fraction) == ("unet", 0.0)
    assert "the network for masks is unet" in caplog.text
    assert "no images are held back" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO", logger="gyrus"):
        assert segment_config(chosen) == chosen
    assert caplog.text == ""
