"""The experiment on leakage, made small: the same machinery, fewer patients and epochs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import gyrus
from gyrus.cli import main
from gyrus.config import LearnConfig
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import read_predictions
from gyrus.phantom import Phantom, write_cohort
from gyrus.verbs import leakage

SMALL = Phantom(subjects=24, slices_per_subject=4, image_size=48)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(leakage, "COHORT", SMALL)
    recipe = replace(leakage.RECIPE, image_size=32, epochs=12, augmentation="none", batch_size=16)
    monkeypatch.setattr(leakage, "RECIPE", recipe)


def test_the_phantom_shows_what_a_leak_is_worth(small, tmp_path, capsys):
    out = tmp_path / "lesson"
    assert main(["learn", "leakage", "--out", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    names = {path.name for path in out.iterdir()}
    assert names >= {"leakage.html", "leakage.json", "leakage.png", "leakage.svg", "phantom"}
    arms = shown["arms"]
    assert list(arms) == list(leakage.ARMS)
    assert (shown["images"], shown["patients"]) == (96, 24)
    assert len({arm["test_images"] for arm in arms.values()}) == 1
    for name, arm in arms.items():
        assert (arm["seen"] > 0) == name.startswith("slice-wise")
        predictions = read_predictions(out / arm["folder"] / "predictions-test.csv")
        right = (predictions.y_pred == predictions.y_true).mean()
        assert right == pytest.approx(arm["accuracy"]["value"])
        assert not (out / arm["folder"] / "checkpoints").exists()
    # labels that mean nothing are known again where patients stand on both sides, and nowhere else
    known = arms["slice-wise, meaningless labels"]["accuracy"]["value"]
    assert known > 0.5 > arms["patient-wise, meaningless labels"]["accuracy"]["value"]
    difference = arms["slice-wise"]["accuracy"]["value"] - arms["patient-wise"]["accuracy"]["value"]
    assert shown["gain"]["value"] == pytest.approx(difference)
    assert shown["gain"]["low"] < difference < shown["gain"]["high"]

    assert main(["audit", str(out / "slice-wise" / "manifest.csv")]) == 4
    assert main(["audit", str(out / "patient-wise" / "manifest.csv")]) == 0


def test_the_arms_differ_in_one_thing_each(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", SMALL)
    arms = leakage.arms_of(manifest, seed=0)
    honest, leaky = arms["patient-wise"], arms["slice-wise"]
    assert honest.counts() == leaky.counts()
    assert [row.label for row in honest] == [row.label for row in leaky]
    nonsense = arms["patient-wise, meaningless labels"]
    assert [row.split for row in nonsense] == [row.split for row in honest]
    assert [row.label for row in nonsense] != [row.label for row in honest]
    labels = {row.image_id: row.label for row in nonsense}
    assert {row.image_id: row.label for row in arms["slice-wise, meaningless labels"]} == labels


def test_data_without_patients_cannot_show_it(tmp_path):
    write_cohort(
        tmp_path / "cohort", Phantom(subjects=8, slices_per_subject=2, image_size=48), anonymous=True
    )
    with pytest.raises(DataError, match="no patient is known") as caught:
        gyrus.learn("leakage", tmp_path / "cohort", out=tmp_path / "lesson")
    assert "--subjects" in caught.value.fix
    assert not (tmp_path / "lesson").exists()


def test_one_image_a_patient_cannot_show_it(tmp_path):
    write_cohort(tmp_path / "cohort", Phantom(subjects=12, slices_per_subject=1, image_size=48))
    with pytest.raises(DataError, match="has one image"):
        gyrus.learn("leakage", tmp_path / "cohort", out=tmp_path / "lesson")


def test_images_without_a_patient_are_left_out_and_a_large_set_is_sampled(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", SMALL)
    rows = [row.with_(subject_id="") if row.subject_id == "S0003" else row for row in manifest]
    prepared = leakage.Prepared(
        manifest=manifest.with_rows(rows), notes=(), skipped=(), pixels=None, related=None, nuisance={}
    )
    config = LearnConfig(topic="leakage", max_images=60)
    usable, notes = leakage._usable(prepared, Path("x"), config)
    assert 52 <= len(usable) <= 64
    assert "S0003" not in {row.subject_id for row in usable}
    assert any("4 of 96 images have no patient" in note for note in notes)
    assert any("of 92 images are used" in note for note in notes)
    assert len(usable.classes) == 4


def test_wrong_usage_is_said_before_anything_is_drawn(tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        gyrus.learn("leakage", out=tmp_path / "full")
    with pytest.raises(UsageError, match="at least 50"):
        gyrus.learn("leakage", max_images=3)
    with pytest.raises(UsageError, match="it can be leakage"):
        gyrus.learn("lekage")
    assert main(["learn", "lekage"]) == 2
    assert "leakage" in capsys.readouterr().err
