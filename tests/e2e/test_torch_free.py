"""The verbs of the shop run where only the base is installed."""

import json
import shutil

from gyrus.inference.evidence import SCHEMA_FILE
from inference.schema_check import problems

from .conftest import gyrus


def test_torch_really_is_absent(tmp_path):
    (tmp_path / "base").mkdir()
    done = gyrus("env", "--json", base=tmp_path / "base")
    assert done.returncode == 0, done.stderr
    assert "torch" in json.loads(done.stdout)["missing"]["train"]


def test_predict_evaluate_audit_split_bundle(trained, workplace, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    shutil.copy(trained.run / "predictions" / "predictions-test.csv", trained.run / "other.csv")
    scans = sorted((workplace / "cohort" / "pituitary").iterdir())[:3]
    boxes = {
        "images": [{"id": 1}, {"id": 2}],
        "categories": [],
        "annotations": [{"image_id": 1, "bbox": [1, 1, 5, 5]}],
    }
    (tmp_path / "truth.json").write_text(json.dumps(boxes))
    (tmp_path / "found.json").write_text(json.dumps([{**boxes["annotations"][0], "score": 0.9}]))
    for command in (
        ["froc", tmp_path / "found.json", tmp_path / "truth.json"],
        ["predict", *scans, "--model", trained.run, "--out", tmp_path / "evidence", "--tta", "2"],
        ["predict", *scans, "--model", trained.run, "--heat", "occlusion", "--json"],
        ["evaluate", trained.run],
        ["evaluate", trained.run, "--json"],
        ["evaluate", trained.run / "predictions" / "predictions-test.csv"],
        ["evaluate", trained.run / "predictions" / "predictions-test.csv", workplace / "cohort"],
        ["evaluate", trained.run / "model.gyrus", workplace / "cohort", "--out", tmp_path / "external"],
        [
            "compare",
            *(trained.run / "predictions" / name for name in ("predictions-test.csv", "../other.csv")),
        ],
        ["audit", workplace / "cohort", "--out", tmp_path / "audit"],
        ["doctor", workplace / "cohort"],
        ["split", workplace / "cohort", "--out", tmp_path / "m.csv"],
        ["calibrate", trained.run, trained.run / "manifest.csv", "--out", tmp_path / "new.gyrus"],
        ["bundle", "verify", trained.run],
        ["bundle", "info", trained.run],
        ["bundle", "diff", trained.run, trained.run],
    ):
        done = gyrus(*command, base=base)
        assert done.returncode == 0, (command, done.stderr)
    written = {path.name for path in (tmp_path / "evidence").iterdir()}
    pages = {f"{scan.stem}.{kind}" for scan in scans for kind in ("html", "png")}
    assert written == pages | {"index.html", "predictions.csv", "evidence.json"}
    evidence = json.loads((tmp_path / "evidence" / "evidence.json").read_text())
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert problems(evidence, schema, schema) == []
    assert [item["in_training"]["known"] for item in evidence["predictions"]] == [True] * 3
    answered = [item for item in evidence["predictions"] if item["gate"]["passed"]]
    assert answered
    assert all(item["heat_map"]["kind"] == "exact" for item in answered)
    written = {path.name for path in (tmp_path / "audit").iterdir()}
    assert written == {"audit.html", "audit.json", "badge.svg", "manifest.csv"}


def test_training_names_the_extra(workplace, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    done = gyrus("train", workplace / "cohort", "--out", tmp_path / "run", base=base)
    assert done.returncode == 6
    assert "gyrus[train]" in done.stderr


def test_the_lesson_names_the_extra(workplace, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    done = gyrus("learn", "leakage", workplace / "cohort", "--out", tmp_path / "lesson", base=base)
    assert done.returncode == 6
    assert "gyrus[train]" in done.stderr
    assert not (tmp_path / "lesson").exists()
