"""Cheng's ``.mat`` files through the same line as any folder: import, audit, split, train, predict."""

import json

import numpy as np
import pytest
from PIL import Image

from data.importers.made_sets import CHENG_NUMBERS, write_brats, write_cheng, write_coco

from .conftest import gyrus


@pytest.fixture(scope="module")
def mats(workplace):
    """The cohort's slices as ``.mat`` files: int16, with brighter numbers than a byte holds."""
    folder = workplace / "mats"
    names = {}
    for label, number in CHENG_NUMBERS.items():
        for image in sorted((workplace / "cohort" / label).iterdir()):
            pixels = np.asarray(Image.open(image).convert("L")).astype(np.int16) * 9
            patient = "".join(letter for letter in image.stem.split("_")[0] if letter.isalnum())
            file = folder / f"{len(names) + 1}.mat"
            write_cheng(
                file, label=number, patient=patient, image=pixels, mask=(pixels > 1500).astype(np.uint8)
            )
            names[file.name] = label
    return folder, names


def test_import_audit_split_and_predict(mats, trained, workplace, gyrus_here, capsys):
    folder, labels = mats
    out = workplace / "imported" / "manifest.csv"
    done = gyrus("import", folder, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kind"] == "cheng"
    assert (told["rows"], told["written"]) == (len(labels), 2 * len(labels))
    assert told["subjects"] > 5
    assert gyrus_here("audit", out).returncode in (0, 4)
    done = gyrus_here("split", out, "--out", workplace / "imported" / "split.csv")
    assert done.returncode == 0, done.stderr
    image = sorted((workplace / "imported" / "manifest-images" / "images").iterdir())[0]
    done = gyrus_here("predict", image, "--model", trained.run, "--json")
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
def test_training_on_imported_files(mats, workplace):
    folder, _ = mats
    out = workplace / "imported-for-training.csv"
    assert gyrus("import", folder, "--out", out).returncode == 0
    done = gyrus(
        "train", out, "--architecture", "simple_cnn", "--image-size", "48", "--epochs", "2",
        "--precision", "float32", "--out", workplace / "runs" / "mats", "--test", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    image = sorted((workplace / "imported-for-training-images" / "images").iterdir())[0]
    done = gyrus("predict", image, "--model", workplace / "runs" / "mats", "--json")
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
def test_training_on_slices_of_volumes(workplace):
    out = workplace / "brats.csv"
    write_brats(workplace / "brats", cases=24, grades=True)
    assert gyrus("import", workplace / "brats", "--out", out, "--slices", "2").returncode == 0
    done = gyrus(
        "train", out, "--architecture", "simple_cnn", "--image-size", "32", "--epochs", "1",
        "--precision", "float32", "--out", workplace / "runs" / "brats", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_import_refuses(workplace, tmp_path, gyrus_here):
    table = write_coco(tmp_path / "coco")
    out = tmp_path / "coco.csv"
    assert gyrus_here("import", table, "--out", out).returncode == 0
    done = gyrus_here("import", table, "--out", out)
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    done = gyrus_here("import", table, "--out", tmp_path / "b.csv", "--images", tmp_path / "full")
    assert done.returncode == 2
    assert "not empty" in done.stderr
    done = gyrus_here("import", table, "--out", tmp_path / "c.csv", "--kind", "cheng")
    assert done.returncode == 3
    assert not (tmp_path / "c.csv").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"coco", "coco.csv", "full"}  # nothing half made


def test_a_set_behind_an_account_says_what_to_fetch(tmp_path, gyrus_here):
    done = gyrus_here("import", tmp_path, "--download", "cheng", "--out", tmp_path / "m.csv")
    assert done.returncode == 3
    assert "1512427" in done.stderr
    assert "CC BY 4.0" in done.stderr
