"""``gyrus learn numpy-cnn``: from a folder of images to a bundle, its figures and its pictures."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.bundles import read_bundle
from gyrus.cli import main
from gyrus.config import LearnConfig
from gyrus.errors import DataError, LeakageError, UsageError
from gyrus.numpy_nn import load
from gyrus.phantom import Phantom, write_cohort
from gyrus.verbs import numpy_cnn
from gyrus.verbs.numpy_cnn_training import shifted

PICTURES = ("loss", "accuracy", "filters", "feature-maps", "confusion")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A folder of coloured pictures: upright and lying bars."""
    folder = tmp_path_factory.mktemp("bars")
    generator = np.random.default_rng(0)
    for number in range(160):
        label = ("lying", "upright")[number % 2]
        pixels = generator.integers(0, 60, (20, 20, 3), dtype=np.uint8)
        at = generator.integers(2, 16)
        pixels[(slice(None), slice(at, at + 3)) if label == "upright" else slice(at, at + 3)] += 120
        (folder / label).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def lesson(bars, tmp_path_factory):
    place = tmp_path_factory.mktemp("lesson")
    return gyrus.learn(
        "numpy-cnn", bars, out=place / "run", epochs=5, color="rgb", cache_dir=place / "cache", seed=1
    )


def test_it_learns_and_tells(lesson):
    shown = lesson.shown
    assert lesson.exit_code == 0
    assert shown["image_size"] == 20  # as the images are
    assert shown["channels"] == 3
    assert len(shown["epochs"]) == 5
    assert shown["accuracy"]["test"]["value"] > 0.8
    assert sum(map(sum, shown["confusion"]["matrix"])) == 32
    assert shown["parity"]["max_probability_difference"] < 1e-4
    assert "of the test images are answered rightly" in lesson.to_text()
    assert "model.gyrus" in lesson.to_text()
    kept = json.loads((lesson.folder / "numpy-cnn.json").read_text())
    assert kept["accuracy"]["test"]["value"] == shown["accuracy"]["test"]["value"]


def test_the_pictures_and_the_page_are_there(lesson):
    for name in PICTURES:
        with Image.open(lesson.folder / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 5  # not blank
        assert (lesson.folder / f"{name}.svg").read_bytes().startswith(b"<?xml")
    page = (lesson.folder / "numpy-cnn.html").read_text()
    assert page.count("<svg") >= len(PICTURES)
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    with (lesson.folder / "metrics.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == list("12345")


def test_the_bundle_is_a_bundle_like_any(lesson, bars, tmp_path, capsys):
    bundle = lesson.folder / "model.gyrus"
    assert main(["bundle", "verify", str(bundle)]) == 0
    card = read_bundle(bundle).card
    assert card["architecture"] == "numpy_cnn"
    assert card["leakage"]["verdict"] == lesson.shown["verdict"]
    assert card["metrics"]["test"]["accuracy"]["value"] == lesson.shown["accuracy"]["test"]["value"]
    picture = bars / "upright" / "1.png"
    capsys.readouterr()
    assert main(["predict", str(picture), "--model", str(bundle), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    told = json.dumps(answer)
    assert "upright" in told
    assert main(["evaluate", str(lesson.folder), "--test", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["evaluation"]["accuracy"]["value"] == lesson.shown["accuracy"]["test"]["value"]


def test_the_saved_network_is_the_one_in_the_bundle(lesson):
    network = load(lesson.folder / "network.npz")
    assert network.input_shape == (20, 20, 3)
    assert [row["layer"] for row in lesson.shown["network"]] == [
        row["layer"] for row in numpy_cnn.described(network)
    ]


def test_without_the_extras_the_numbers_are_there(bars, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(numpy_cnn, "find_spec", lambda name: None)
    lesson = gyrus.learn(
        "numpy-cnn", bars, out=tmp_path / "run", epochs=5, color="rgb", cache_dir=tmp_path / "cache", seed=1
    )
    assert lesson.exit_code == 6
    assert lesson.shown["accuracy"]["test"]["value"] >= 0
    assert "gyrus[train]" in lesson.to_text()
    assert "gyrus[report]" in lesson.to_text()
    assert not (lesson.folder / "model.gyrus").exists()
    assert (lesson.folder / "network.npz").is_file()


def test_a_split_that_leaks_is_refused(bars, tmp_path):
    rows = ["image_id,path,label,subject_id,split"]
    for number in range(40):
        label = ("lying", "upright")[number % 2]
        path, split = bars / label / f"{number}.png", SPLITS[number // 2 % 4]
        rows.append(f"{number},{path},{label},P{number // 8},{split}")
    table = tmp_path / "manifest.csv"
    table.write_text("\n".join(rows) + "\n")
    with pytest.raises(LeakageError) as caught:
        gyrus.learn("numpy-cnn", table, out=tmp_path / "run", epochs=1, cache_dir=tmp_path / "cache")
    assert "gyrus split DATA --split repair" in caught.value.fix
    assert not (tmp_path / "run").exists()


SPLITS = ("train", "train", "val", "test")


def test_bad_options_and_data(bars, tmp_path):
    with pytest.raises(UsageError, match="image_size is 8; expected at least 16"):
        LearnConfig(topic="numpy-cnn", image_size=8)
    with pytest.raises(UsageError, match="image_size is 500; expected at most 128"):
        LearnConfig(topic="numpy-cnn", image_size=500)
    with pytest.raises(UsageError, match="epochs is for the topic numpy-cnn; the topic is leakage"):
        LearnConfig(topic="leakage", epochs=3)
    with pytest.raises(UsageError, match="max_images is for the topic leakage"):
        LearnConfig(topic="numpy-cnn", max_images=100)
    few = tmp_path / "few"
    for label in ("a", "b"):
        (few / label).mkdir(parents=True)
        Image.fromarray(np.full((20, 20), 90 + len(label), np.uint8)).save(few / label / "1.png")
    with pytest.raises(DataError):
        gyrus.learn("numpy-cnn", few, out=tmp_path / "run", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "run").exists()


def test_shifted_moves_whole_images_and_repeats_the_edge():
    images = np.arange(2 * 5 * 4, dtype=np.float32).reshape(2, 5, 4, 1)
    moved = shifted(images, np.random.default_rng(3), most=1)
    around = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    for one, wide in zip(moved, around, strict=True):
        places = [
            (i, j) for i in range(3) for j in range(3) if np.array_equal(one, wide[i : i + 5, j : j + 4])
        ]
        assert len(places) == 1


@pytest.mark.parametrize("topic", ["numpy-cnn", "leakage"])
def test_data_of_masks_are_refused_before_anything_is_trained(topic, tmp_path):
    write_cohort(tmp_path / "cohort", Phantom(subjects=8, slices_per_subject=2, image_size=32))
    with pytest.raises(UsageError, match="task segment"):
        gyrus.learn(
            topic, tmp_path / "cohort", task="segment", out=tmp_path / "out", cache_dir=tmp_path / "c"
        )
