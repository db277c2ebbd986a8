"""The line from a folder to a prediction, as a user walks it."""

import csv
import json
import shutil
import zipfile

import pytest

from gyrus.bundles import read_bundle
from gyrus.data import read_manifest

from .conftest import gyrus


def test_a_run_folder_holds_what_the_plan_says(trained):
    names = {path.name for path in trained.run.iterdir()}
    assert names >= {
        "config.json", "environment.json", "manifest.csv", "audit.json", "metrics.csv", "checkpoints",
        "predictions", "report.html", "model.gyrus",
    }  # fmt: skip
    with (trained.run / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) >= {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"}


def test_no_patient_stands_on_two_sides(trained):
    sides = {}
    for row in read_manifest(trained.run / "manifest.csv"):
        sides.setdefault(row.subject_id, set()).add(row.split)
    assert len(sides) == 32
    assert all(len(splits) == 1 for splits in sides.values())
    assert {split for splits in sides.values() for split in splits} == {"train", "val", "cal", "test"}


def test_progress_goes_to_stderr_and_one_object_to_stdout(trained):
    assert trained.result["verdict"] == "clean"
    assert "train loss" in trained.stderr


def test_the_card_carries_the_measured_figures(trained):
    card = read_bundle(trained.run / "model.gyrus").card
    assert card["metrics"]["test"]["accuracy"]["value"] == pytest.approx(
        trained.result["evaluations"]["test"]["accuracy"]["value"]
    )
    assert card["leakage"]["verdict"] == "clean"
    assert card["data"]["fingerprint"] == read_manifest(trained.run / "manifest.csv").fingerprint


def test_predictions_are_the_bundles_own(trained, workplace):
    """The file that ``train`` wrote equals what ``predict`` says about the same raw images."""
    with (trained.run / "predictions" / "predictions-test.csv").open() as stream:
        rows = list(csv.DictReader(stream))[:3]
    files = [workplace / "cohort" / row["image_id"] for row in rows]
    done = gyrus("predict", *files, "--model", trained.run, "--json")
    assert done.returncode == 0, done.stderr
    for row, answer in zip(rows, json.loads(done.stdout)["predictions"], strict=True):
        for name, value in answer["probabilities"].items():
            assert value == pytest.approx(float(row[f"p:{name}"]), abs=1e-6)


def test_every_look_at_the_test_set_is_counted(trained):
    first = gyrus("evaluate", trained.run, "--test", "--json")
    assert first.returncode == 0, first.stderr
    second = json.loads(gyrus("evaluate", trained.run, "--test", "--json").stdout)
    assert second["test_looks"] == json.loads(first.stdout)["test_looks"] + 1
    without = json.loads(gyrus("evaluate", trained.run, "--json").stdout)
    assert without["test_looks"] == second["test_looks"]
    assert str(second["test_looks"]) in (trained.run / "report.html").read_text()


def test_anybodys_predictions_can_be_evaluated(trained):
    done = gyrus("evaluate", trained.run / "predictions" / "predictions-test.csv")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


def test_the_bundle_verifies_and_an_edit_is_noticed(trained, tmp_path):
    done = gyrus("bundle", "verify", trained.run)
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "model.gyrus"
    data = bytearray((trained.run / "model.gyrus").read_bytes())
    with zipfile.ZipFile(trained.run / "model.gyrus") as archive:
        data[archive.getinfo("network.onnx").header_offset + 1000] ^= 1
    copy.write_bytes(data)
    edited = gyrus("bundle", "verify", copy)
    assert edited.returncode == 5
    assert "network.onnx" in edited.stderr
    copy.write_bytes(data[: len(data) // 3])
    cut = gyrus(
        "predict", next(iter((trained.run.parents[1] / "cohort" / "glioma").iterdir())), "--model", copy
    )
    assert cut.returncode == 5
    assert "truncated" in cut.stderr


def test_a_heat_map_is_a_picture_of_the_scan(trained, workplace, tmp_path):
    from PIL import Image

    scan = sorted((workplace / "cohort" / "glioma").iterdir())[0]
    done = gyrus("predict", scan, "--model", trained.run, "--out", tmp_path / "evidence")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "evidence" / f"{scan.stem}.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width >= 640


def test_the_gate_stops_a_leaking_split(gyrus_here, workplace, tmp_path):
    audited = gyrus("audit", workplace / "leaking", "--json")
    assert audited.returncode == 4
    assert json.loads(audited.stdout)["verdict"] == "leaking"
    refused = gyrus_here("train", workplace / "leaking", "--out", tmp_path / "run")
    assert refused.returncode == 4
    assert "--split repair" in refused.stderr
    assert "--allow-leak" in refused.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("default:undefined")
def test_an_allowed_leak_is_stamped_everywhere(gyrus_here, workplace, tmp_path):
    done = gyrus_here(
        "train", workplace / "leaking", "--out", tmp_path / "run", "--architecture", "simple_cnn",
        "--image-size", "32", "--epochs", "1", "--precision", "float32", "--allow-leak", "to show the effect",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    card = read_bundle(tmp_path / "run" / "model.gyrus").card
    assert card["leakage"]["verdict"] == "leaking"
    assert card["leakage"]["allow_leak"] == "to show the effect"
    assert "to show the effect" in (tmp_path / "run" / "report.html").read_text()


def test_repair_makes_the_split_clean(workplace, tmp_path):
    out = tmp_path / "mended.csv"
    done = gyrus("split", workplace / "leaking", "--out", out)
    assert done.returncode == 0, done.stderr
    assert gyrus("audit", out).returncode == 0
    again = gyrus("split", workplace / "leaking", "--out", out)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_the_same_seed_gives_the_same_split_from_another_place(workplace, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(workplace / "cohort", moved)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    assert gyrus("split", workplace / "cohort", "--out", first).returncode == 0
    assert gyrus("split", moved, "--out", second).returncode == 0
    splits = [{row.pixel_hash: row.split for row in read_manifest(path)} for path in (first, second)]
    assert splits[0] == splits[1]
