"""Wrong data and wrong words, from the command line: the exit code, the file named, the fix."""

import os

import pytest

from gyrus.phantom import Phantom, write_cohort

from .conftest import gyrus


@pytest.fixture
def cohort(tmp_path):
    write_cohort(
        tmp_path / "cohort", Phantom(subjects=12, slices_per_subject=2, image_size=48), anonymous=True
    )
    return tmp_path / "cohort"


def test_a_missing_folder(tmp_path):
    done = gyrus("audit", tmp_path / "nowhere")
    assert done.returncode == 3
    assert "nowhere" in done.stderr


def test_an_empty_folder(gyrus_here, tmp_path):
    (tmp_path / "empty").mkdir()
    done = gyrus_here("train", tmp_path / "empty")
    assert done.returncode == 3
    assert "empty" in done.stderr


def test_one_class_only(gyrus_here, cohort, tmp_path):
    for name in ("glioma", "meningioma", "pituitary"):
        for path in (cohort / name).iterdir():
            path.unlink()
        (cohort / name).rmdir()
    done = gyrus_here("train", cohort, "--out", tmp_path / "run")
    assert done.returncode == 3
    assert "one class" in done.stderr


def test_bad_images_are_all_named_or_skipped_and_listed(cohort, tmp_path):
    (cohort / "glioma" / "cut.png").write_bytes(next(iter((cohort / "glioma").iterdir())).read_bytes()[:200])
    (cohort / "pituitary" / "empty.png").write_bytes(b"")
    done = gyrus("audit", cohort)
    assert done.returncode == 3
    assert "cut.png" in done.stderr
    assert "empty.png" in done.stderr
    assert "--on-bad-file skip" in done.stderr
    skipped = gyrus("audit", cohort, "--on-bad-file", "skip", "--json")
    assert skipped.returncode == 0
    assert '"glioma/cut.png"' in skipped.stdout


def test_predict_answers_the_good_ones_and_names_the_bad(trained, cohort, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    good = next(iter((cohort / "glioma").iterdir()))
    done = gyrus("predict", good, tmp_path / "broken.png", tmp_path / "absent.png", "--model", trained.run)
    assert done.returncode == 3
    assert good.name in done.stdout
    assert "broken.png" in done.stderr
    assert "absent.png" in done.stderr


def test_a_model_that_is_no_model(tmp_path):
    (tmp_path / "x.gyrus").write_text("hello")
    done = gyrus("predict", tmp_path / "scan.png", "--model", tmp_path / "x.gyrus")
    assert done.returncode == 5
    assert "x.gyrus" in done.stderr
    assert gyrus("predict", "a.png", "--model", tmp_path / "none.gyrus").returncode == 3


def test_bad_manifest_rows_have_line_numbers(tmp_path):
    (tmp_path / "m.csv").write_text("path,label,split\na.png,x,train\nb.png,y,tarin\n,y,test\n")
    done = gyrus("audit", tmp_path / "m.csv")
    assert done.returncode == 3
    assert "line 3" in done.stderr
    assert "line 4" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_place_for_the_run(cohort, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    done = gyrus("train", cohort, "--out", tmp_path / "locked" / "run")
    assert done.returncode == 3


def test_a_run_that_is_none(tmp_path):
    done = gyrus("evaluate", tmp_path)
    assert done.returncode == 3
    assert "config.json" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "data", "--architecture"], "architecture"),
        (["evaluate"], "PATH"),
        (["bundle", "inspect", "x"], "info"),
        (["predict"], "no file was named"),
    ],
)
def test_wrong_usage(arguments, words):
    done = gyrus(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_an_unknown_architecture_gets_the_nearest(gyrus_here, cohort, tmp_path):
    done = gyrus_here("train", cohort, "--architecture", "reznet50", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "resnet50" in done.stderr
    assert not (tmp_path / "run").exists()
