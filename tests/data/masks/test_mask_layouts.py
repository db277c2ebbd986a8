"""Where masks lie: every layout gives the same pairs, and what does not fit is told on both sides."""

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image
from PIL import Image

from gyrus.config.options import DataOptions
from gyrus.data import load, read_manifest, write_manifest
from gyrus.data.loading import task_of
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_classes import classes_of
from gyrus.data.mask_pairs import pair
from gyrus.data.masks import read_mask
from gyrus.errors import DataError, LayoutError, UsageError

CARS = ("0cdf5b5d0ce1_01", "0cdf5b5d0ce1_02", "29bb3ece3180_01")
SLICES = ("TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_1", "TCGA_CS_4941_19960909/TCGA_CS_4941_19960909_2",
          "TCGA_DU_5849_19950405/TCGA_DU_5849_19950405_10")  # fmt: skip
SEGMENT = DataOptions(task="segment")


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)


def pairs_of(folder, options=SEGMENT):
    manifest = load(folder, options).manifest
    assert manifest.task == "segment"
    return {row.path: row.mask for row in manifest}


def test_two_folders(tmp_path):
    put(tmp_path, "images/a.jpg", "images/b.png", "masks/a.png", "masks/b.tif")
    assert pairs_of(tmp_path) == {"images/a.jpg": "masks/a.png", "images/b.png": "masks/b.tif"}


def test_a_folder_of_masks_elsewhere(tmp_path):
    put(tmp_path, "data/images/a.jpg", "data/images/b.jpg", "drawn/a_mask.png", "drawn/b-seg.png")
    options = DataOptions(task="segment", masks=tmp_path / "drawn")
    assert pairs_of(tmp_path / "data", options) == {
        "images/a.jpg": "../drawn/a_mask.png",
        "images/b.jpg": "../drawn/b-seg.png",
    }


def test_class_folders_keep_their_classes(tmp_path):
    put(tmp_path, "yes/a.png", "no/b.png", "masks/yes/a.png", "masks/no/b.png")
    rows = load(tmp_path, SEGMENT).manifest.rows
    assert {(row.label, row.path, row.mask) for row in rows} == {
        ("yes", "yes/a.png", "masks/yes/a.png"),
        ("no", "no/b.png", "masks/no/b.png"),
    }


def test_carvana(tmp_path):
    put(tmp_path, *(f"train/{car}.jpg" for car in CARS), *(f"train_masks/{car}_mask.gif" for car in CARS))
    rows = load(tmp_path, SEGMENT).manifest.rows
    assert {row.path: row.mask for row in rows} == {
        f"train/{car}.jpg": f"train_masks/{car}_mask.gif" for car in CARS
    }
    assert [row.subject_id for row in rows] == [car.partition("_")[0] for car in CARS]
    assert not any(row.split for row in rows)  # one folder called train is no split
    options = DataOptions(task="segment", masks=tmp_path / "train_masks")
    assert len(pairs_of(tmp_path / "train", options)) == 3


def test_kaggle_3m(tmp_path):
    put(tmp_path, *(f"{name}.tif" for name in SLICES), *(f"{name}_mask.tif" for name in SLICES))
    rows = load(tmp_path, SEGMENT).manifest.rows
    assert {row.path: row.mask for row in rows} == {f"{name}.tif": f"{name}_mask.tif" for name in SLICES}
    assert [row.subject_id for row in rows] == ["TCGA_CS_4941", "TCGA_CS_4941", "TCGA_DU_5849"]
    assert not any(row.label for row in rows)  # folders of patients are no classes


def test_volumes_and_label_maps(tmp_path):
    rng = np.random.default_rng(0)
    for folder, volume in (
        ("images", rng.integers(0, 900, (12, 10, 6)).astype(np.int16)),
        ("labelsTr", np.zeros((12, 10, 6), np.uint8)),
    ):
        if folder == "labelsTr":
            volume[2:5, 3:8, 4] = 2
        (tmp_path / folder).mkdir()
        Nifti1Image(volume, np.diag([0.5, 0.5, 3.0, 1.0])).to_filename(tmp_path / folder / "case.nii.gz")
    options = DataOptions(task="segment", slices="all", mask_classes="values", mask_values=("core=2",))
    manifest = load(tmp_path, options).manifest
    assert [row.frame for row in manifest] == [f"axial:{number}" for number in range(6)]
    marked = [read_mask(row, manifest, classes_of(manifest, options)) for row in manifest]
    assert [int(mask.sum()) for mask in marked] == [0, 0, 0, 0, 15, 0]
    assert marked[4].shape == (10, 12)  # rows from front to back, columns from right to left
    assert {row.facts["spacing_mm"] for row in manifest} == {"0.5 x 0.5 x 3"}


def test_splits_by_folder(tmp_path):
    for split in ("train", "test"):
        put(tmp_path, f"{split}/x{split}.png", f"masks/{split}/x{split}.png")
    assert {(row.split, row.mask) for row in load(tmp_path, SEGMENT).manifest} == {
        ("train", "masks/train/xtrain.png"),
        ("test", "masks/test/xtest.png"),
    }


def test_a_manifest_and_a_folder_that_takes_its_place(tmp_path):
    put(tmp_path, "images/a.png", "old/a.png", "new/a.png")
    rows = (Row("a", "images/a.png", mask="old/a.png"),)
    write_manifest(Manifest(rows, tmp_path, "segment"), tmp_path / "m.csv")
    assert task_of(tmp_path / "m.csv", DataOptions()) == "segment"
    assert pairs_of(tmp_path / "m.csv", DataOptions()) == {"images/a.png": "old/a.png"}
    options = DataOptions(masks=tmp_path / "new")
    assert pairs_of(tmp_path / "m.csv", options) == {"images/a.png": "new/a.png"}
    assert read_manifest(tmp_path / "m.csv").rows[0].mask == "old/a.png"


def test_pairs_that_do_not_match_are_listed_on_both_sides(tmp_path):
    put(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/c.png")
    with pytest.raises(DataError, match="1 of 2 images have no mask, and 1 masks have no image") as caught:
        load(tmp_path, SEGMENT)
    assert caught.value.details == [
        "image without a mask: images/b.png",
        "mask without an image: masks/c.png",
    ]
    skipped = load(tmp_path, DataOptions(task="segment", missing_masks="skip"))
    assert [row.path for row in skipped.manifest] == ["images/a.png"]
    emptied = load(tmp_path, DataOptions(task="segment", missing_masks="empty")).manifest
    assert [(row.mask, row.facts.get("no_mask", "")) for row in emptied] == [
        ("masks/a.png", ""),
        ("", "empty"),
    ]


def test_what_is_told_of_a_missing_mask_stays_in_the_manifest(tmp_path):
    put(tmp_path, "images/a.png", "images/b.png", "masks/a.png")
    emptied = load(tmp_path, DataOptions(task="segment", missing_masks="empty")).manifest
    write_manifest(emptied, tmp_path / "m.csv")
    assert len(load(tmp_path / "m.csv").manifest) == 2  # said once, it need not be said again


def test_one_mask_for_two_images_is_refused(tmp_path):
    put(tmp_path, "images/x/a.png", "images/y/a.png", "masks/a.png")
    with pytest.raises(DataError, match="1 masks several images"):
        load(tmp_path, SEGMENT)


def test_neither_images_nor_masks(tmp_path):
    put(tmp_path, "images/a.png")
    with pytest.raises(LayoutError, match="1 images and 0 masks"):
        load(tmp_path, SEGMENT)
    with pytest.raises(DataError, match="is no folder of masks"):
        load(tmp_path, DataOptions(task="segment", masks=tmp_path / "absent"))


def test_masks_without_their_task_are_refused(tmp_path):
    put(tmp_path, "yes/a.png", "no/b.png")
    with pytest.raises(UsageError, match="--masks: the task is classify"):
        load(tmp_path, DataOptions(masks=tmp_path))


def test_names_that_tools_append():
    found = pair(["i/case_0000.nii.gz", "i/p1.png"], ["l/case.nii.gz", "l/P1_Segmentation.png"])
    assert found.mask_of == {"i/case_0000.nii.gz": "l/case.nii.gz", "i/p1.png": "l/P1_Segmentation.png"}
