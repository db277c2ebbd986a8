"""``gyrus train --resume``: what goes on, and what is refused with its reason."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.bundles import read_bundle
from gyrus.errors import DataError, UsageError
from gyrus.runs import RunFolder, locked

SMALL = {
    "architecture": "simple_cnn",
    "image_size": 32,
    "epochs": 2,
    "precision": "float32",
    "patience": None,
}


@pytest.fixture(scope="module")
def interrupted(cohort, tmp_path_factory):
    """Return a run folder whose process ended when the training was done and the export was to begin."""
    place = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GYRUS_CACHE", str(place / "cache"))

        def ended(*_, **__):
            raise KeyboardInterrupt

        patch.setattr("gyrus.verbs.train._export", ended)
        with pytest.raises(KeyboardInterrupt):
            gyrus.train(cohort, out=place / "run", **SMALL)
    return RunFolder(place / "run")


@pytest.fixture
def run(interrupted, tmp_path, monkeypatch):
    monkeypatch.setenv("GYRUS_CACHE", str(interrupted.path.parent / "cache"))
    shutil.copytree(interrupted.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def unread(monkeypatch):
    """Fail where data are read."""

    def read(*_, **__):
        raise AssertionError("the data were read first")

    monkeypatch.setattr("gyrus.verbs.train.prepare", read)


@pytest.mark.filterwarnings("ignore::gyrus.metrics.UndefinedMetricWarning")
def test_it_goes_on_to_the_end_and_is_then_finished(cohort, run, monkeypatch, caplog):
    def never(*_, **__):
        raise AssertionError("an epoch was trained again")

    monkeypatch.setattr("gyrus.training.stage_runs.train_through_trunk", never)
    before = run.metrics.read_text()
    with caplog.at_level("INFO", logger="gyrus"):
        result = gyrus.train(cohort, resume=run.path, **SMALL)
    assert "going on after 2 epochs" in caplog.text
    assert run.bundle.is_file()
    assert run.metrics.read_text() == before
    assert result.run.path == run.path
    assert not run.state.exists()
    assert not (run.path / ".lock").exists()
    training = json.loads(run.config.read_text())["training"]
    assert [(stage["name"], stage["epochs"], stage["way"]) for stage in training["stages"]] == [
        ("scratch", 2, "through the trunk")
    ]
    assert read_bundle(run.bundle).card["provenance"]["training"] == training
    with pytest.raises(UsageError, match="is finished"):
        gyrus.train(cohort, resume=run.path, **SMALL)


def test_other_options_are_listed(cohort, run, unread):
    with pytest.raises(UsageError, match="2 differ") as caught:
        gyrus.train(cohort, resume=run.path, **{**SMALL, "epochs": 9}, learning_rate=0.1)
    assert caught.value.details == ["epochs: 2 then, 9 now", "learning_rate: None then, 0.1 now"]


def test_what_does_not_change_the_weights_may_differ(cohort, run, unread):
    with pytest.raises(AssertionError, match="were read first"):
        gyrus.train(cohort, resume=run.path, out=run.path, checkpoint_minutes=1, test=True, **SMALL)


@pytest.mark.parametrize(
    ("prepare", "kind", "said"),
    [
        (lambda run: run.config.unlink(), UsageError, "no config.json"),
        (lambda run: run.config.write_text("{"), DataError, "cannot be read"),
        (lambda run: run.config.write_text("[]"), DataError, "not the config.json of a training"),
        (lambda run: shutil.rmtree(run.path), UsageError, "does not exist"),
    ],
)
def test_a_folder_that_cannot_go_on_is_refused(cohort, run, unread, prepare, kind, said):
    prepare(run)
    with pytest.raises(kind, match=said):
        gyrus.train(cohort, resume=run.path, **SMALL)


def test_another_folder_to_write_to_is_refused(cohort, run, unread):
    with pytest.raises(UsageError, match="two folders"):
        gyrus.train(cohort, resume=run.path, out=run.path.parent / "other", **SMALL)


def test_a_damaged_state_is_told(cohort, run):
    run.state.write_bytes(run.state.read_bytes()[:1000])
    with pytest.raises(DataError, match="state of the training cannot be read"):
        gyrus.train(cohort, resume=run.path, **SMALL)


def test_data_that_changed_are_named(cohort, run, tmp_path):
    copied = tmp_path / "data"
    shutil.copytree(cohort, copied)
    lines = (copied / "manifest.csv").read_text().splitlines(keepends=True)
    (copied / "manifest.csv").write_text("".join(lines[:-1]))
    first = next(iter(sorted(copied.rglob("*.png"))))
    Image.fromarray(np.full((48, 48), 7, np.uint8)).save(first)
    with pytest.raises(DataError, match="not those that") as caught:
        gyrus.train(copied, resume=run.path, **SMALL)
    gone = lines[-1].partition(",")[0]
    assert f"vanished: {gone}" in caught.value.details
    assert f"changed: {first.relative_to(copied).as_posix()}" in caught.value.details


def test_a_folder_in_which_somebody_trains_is_refused(cohort, run):
    with locked(run.path), pytest.raises(UsageError, match="is training in this folder"):
        gyrus.train(cohort, resume=run.path, **SMALL)
