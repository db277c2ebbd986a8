"""The other importers: what they find, what they write, and how they refuse."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.importers.made_sets import (
    png_bytes,
    tumour_mask,
    write_brats,
    write_carvana,
    write_cheng,
    write_cifar10,
    write_coco,
    write_lgg,
    write_parquet,
    write_png,
    write_volume,
)
from gyrus.config.importing import ImportOptions
from gyrus.data.importers import IMPORTERS, importer_of, place_of
from gyrus.data.importers.image_store import ImageStore
from gyrus.data.importers.imported import Imported
from gyrus.data.loading import load
from gyrus.errors import DataError, ImageError, LayoutError, MissingDependencyError, UsageError


def imported(source: Path, expected: str, **options: str) -> tuple[Imported, ImageStore]:
    place = place_of(source)
    importer = importer_of(place)
    assert importer.name == expected
    target = source.parent / "written"
    target.mkdir(exist_ok=True)
    store = ImageStore(target, target)
    return importer.read(place, store, ImportOptions(**options)), store


def test_each_set_is_recognised_as_itself_and_no_other(tmp_path):
    write_cheng(tmp_path / "cheng" / "1.mat")
    write_lgg(tmp_path / "lgg", 1)
    write_carvana(tmp_path / "carvana", 1)
    write_cifar10(tmp_path / "cifar", 1)
    write_brats(tmp_path / "brats", 1)
    write_coco(tmp_path / "coco")
    write_parquet(tmp_path / "parquet" / "a.parquet", 2)
    write_png(tmp_path / "folder" / "yes" / "1.png", tumour_mask())
    for name in IMPORTERS:
        assert importer_of(place_of(tmp_path / name)).name == name


def test_unknown_sources(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        place_of(tmp_path / "none")
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(LayoutError, match="known: Cheng"):
        importer_of(place_of(tmp_path / "readme.txt"))
    with pytest.raises(UsageError, match="none of cheng"):
        importer_of(place_of(tmp_path), "dicm")


def test_lgg(tmp_path):
    found, store = imported(write_lgg(tmp_path / "kaggle_3m"), "lgg")
    assert [row.label for row in found.rows] == ["lesion", "no_lesion"] * 3
    assert {row.subject_id for row in found.rows} == {"TCGA_CS_4941", "TCGA_CS_4942", "TCGA_CS_4943"}
    first = found.rows[0]
    assert first.mask == first.path.replace(".tif", "_mask.tif")
    assert (first.boxes, found.rows[1].boxes) == ("20 12 29 18", "")
    assert first.facts["RNASeqCluster"] == "0"
    assert "gender" not in first.facts  # nothing about the person: neither age nor sex
    assert not any("age" in name for name in first.facts)
    assert store.count == 0


def test_lgg_with_a_mask_missing_or_of_another_size(tmp_path):
    folder = write_lgg(tmp_path / "kaggle_3m")
    mask = next(folder.rglob("*_1_mask.tif"))
    write_png(mask, tumour_mask(31))
    with pytest.raises(DataError, match=r"mask is 31 x 31, its image .* 32 x 32"):
        imported(folder, "lgg")
    mask.unlink()
    with pytest.raises(DataError, match="1 have no mask"):
        imported(folder, "lgg")


def test_carvana(tmp_path):
    found, store = imported(write_carvana(tmp_path / "set"), "carvana")
    assert found.task == "segment"
    assert {row.subject_id for row in found.rows} == {"000000000000", "000000000001"}
    assert store.count == 4
    row = found.rows[0]
    assert row.path.startswith("train/")
    assert row.boxes == "4 5 25 15"
    with Image.open(row.mask) as mask:
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_carvana_with_bad_masks(tmp_path):
    folder = write_carvana(tmp_path / "set", 1, 1)
    mask = next(folder.rglob("*.gif"))
    whole = mask.read_bytes()
    write_png(mask, np.zeros((20, 29), np.uint8))
    with pytest.raises(DataError, match=r"mask is 29 x 20, its image .* 30 x 20"):
        imported(folder, "carvana")
    mask.write_bytes(whole[:20])
    with pytest.raises(ImageError, match="damaged"):
        imported(folder, "carvana")
    next(folder.rglob("*.jpg")).unlink()
    with pytest.raises(DataError, match="1 masks have no image"):
        imported(folder, "carvana")


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10(tmp_path, protocol):
    arrays = write_cifar10(tmp_path / "cifar-10-batches-py", protocol=protocol)
    found, _ = imported(tmp_path / "cifar-10-batches-py", "cifar")
    assert [row.split for row in found.rows] == ["train"] * 8 + ["test"] * 4
    assert {row.label for row in found.rows} == {"airplane", "cat"}
    for number in (0, 3):
        row = next(row for row in found.rows if row.image_id == f"data_batch_2#{number}")
        with Image.open(row.path) as written:
            pixels = np.asarray(written)
        np.testing.assert_array_equal(pixels[:, :, 1].ravel(), arrays["data_batch_2"][number, 1024:2048])


def test_cifar100(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": [b"apple", b"bee"]}, 2))
    for name in ("train", "test"):
        content = {b"data": np.zeros((2, 3072), np.uint8), b"fine_labels": [0, 1], b"coarse_labels": [4, 4]}
        (folder / name).write_bytes(pickle.dumps(content, 2))
    found, _ = imported(folder, "cifar")
    assert [(row.split, row.label) for row in found.rows][:2] == [("train", "apple"), ("train", "bee")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({b"data": np.zeros((2, 3071), np.uint8), b"labels": [0, 1]}, "2x3071; expected n x 3072"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, "2 images and 1 labels"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [2]}, "label 2 of 2 classes"),
        ({b"labels": [0]}, "holds no 'data'"),
        ([1], "holds no 'labels'"),
    ],
)
def test_cifar_with_bad_batches(tmp_path, content, said):
    write_cifar10(tmp_path / "set")
    (tmp_path / "set" / "data_batch_1").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(DataError, match=said):
        imported(tmp_path / "set", "cifar")


def test_brats(tmp_path):
    found, store = imported(write_brats(tmp_path / "set"), "brats", slices="4")
    assert store.count == 0
    assert len(found.rows) == 8
    row = found.rows[0]
    assert row.path.endswith("_t1ce.nii.gz")
    assert row.mask.endswith("_seg.nii.gz")
    assert row.frame.startswith("axial:")
    assert row.image_id == f"{row.path}#{row.frame}"
    assert row.subject_id == "BraTS20_Training_000"
    by_frame = {row.frame: row.label for row in found.rows}
    assert by_frame["axial:3"] == "no_tumor"
    assert by_frame["axial:8"] == "tumor"


def test_brats_by_grade_and_by_another_sequence(tmp_path):
    found, _ = imported(
        write_brats(tmp_path / "set", grades=True), "brats", slices="middle", sequence="flair"
    )
    assert sorted((row.label, row.path.rpartition("_")[2]) for row in found.rows) == [
        ("HGG", "flair.nii.gz"),
        ("LGG", "flair.nii.gz"),
    ]
    with pytest.raises(UsageError, match="it has flair, seg, t1ce"):
        imported(tmp_path / "set", "brats", sequence="t2")


def test_brats_with_a_mask_of_another_shape(tmp_path):
    folder = write_brats(tmp_path / "set", 1)
    write_volume(next(folder.rglob("*_seg.nii.gz")), np.zeros((20, 18, 11), np.uint8))
    with pytest.raises(DataError, match=r"mask is 20 x 18 x 11, its volume .* 20 x 18 x 12"):
        imported(folder, "brats")


def test_coco(tmp_path):
    table = write_coco(tmp_path / "set")
    for source in (table, table.parent):
        found, store = imported(source, "coco")
        assert store.count == 0
        assert found.task == "multilabel"
        by_name = {row.image_id: row for row in found.rows}
        assert by_name["images/0.png"].boxes == "2 3 12 23.5;0 0 60 40"
        assert by_name["images/0.png"].facts["box_labels"] == "mass;edema"
        assert by_name["images/0.png"].label == "edema|mass"
        assert by_name["images/1.png"].boxes == "5 5 10 10"
        assert by_name["images/2.png"].label == ""
        assert any("1 boxes of crowds" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"annotations": [{"image_id": 10, "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "is no category"),
        ({"annotations": [{"image_id": 10, "category_id": 1, "bbox": [0, 0, 1]}]}, "is not \\[x, y"),
        ({"annotations": [{"image_id": 10, "category_id": 1, "bbox": [0, 0, 1, "2"]}]}, "is not \\[x, y"),
        ({"annotations": [{"image_id": 10, "category_id": 1, "bbox": [50, 0, 20, 1]}]}, "outside the image"),
        ({"annotations": [{"image_id": 10, "category_id": 1, "bbox": [5, 5, 0, 1]}]}, "is empty"),
        ({"annotations": 4}, "no list 'annotations'"),
        ({"images": [{"id": 1, "file_name": "../other.png"}]}, "1 images of the table are not there"),
    ],
)
def test_coco_with_bad_tables(tmp_path, changes, said):
    with pytest.raises(DataError, match=said):
        imported(write_coco(tmp_path / "set", **changes), "coco")


def test_json_that_nests_without_end_is_no_json(tmp_path):
    table = write_coco(tmp_path / "set")
    table.write_text('{"images": ' + "[" * 100_000 + '"annotations"')
    with pytest.raises(DataError, match="is no JSON"):
        imported(table, "coco")


def test_parquet(tmp_path):
    files = write_parquet(tmp_path / "set" / "data" / "validation-00000-of-00001.parquet")
    found, store = imported(tmp_path / "set", "parquet", subject_column="who")
    assert store.count == 4
    assert [row.label for row in found.rows] == ["glioma", "none"] * 2
    assert [row.subject_id for row in found.rows] == ["p0", "p0", "p1", "p1"]
    assert {row.split for row in found.rows} == {"val"}
    assert [Path(row.path).read_bytes() for row in found.rows] == files


def test_parquet_of_another_shape(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    data = png_bytes(tumour_mask())
    pq.write_table(pa.table({"x": [data], "y": [data], "label": ["mass"]}), path)
    with pytest.raises(UsageError, match="which column holds the images"):
        imported(path, "parquet")
    found, _ = imported(path, "parquet", image_column="y")
    assert [row.label for row in found.rows] == ["mass"]
    with pytest.raises(UsageError, match="no column 'who'"):
        imported(path, "parquet", image_column="y", subject_column="who")
    pq.write_table(pa.table({"x": [data, None], "label": [0, 1]}), path)
    with pytest.raises(DataError, match="row 1 holds no image"):
        imported(path, "parquet")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match="damaged or no Parquet"):
        imported(path, "parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    write_parquet(tmp_path / "a.parquet", 1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"gyrus\[readers\]"):
        imported(tmp_path / "a.parquet", "parquet")


def test_names_of_written_files_are_safe(tmp_path):
    store = ImageStore(tmp_path / "in", tmp_path / "in")
    written = Path(store.file("../..//a b/*?\n.png", b"x"))
    assert written.resolve().is_relative_to((tmp_path / "in").resolve())
    assert written.read_bytes() == b"x"
    with pytest.raises(DataError, match="two images"):
        store.file("a_b/_.PNG", b"y")
    assert len(Path(store.file("x" * 400 + ".png", b"z")).name) < 140


def test_a_table_of_coco_is_not_any_json(tmp_path):
    write_png(tmp_path / "yes" / "1.png", tumour_mask())
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "x", "images": 3}))
    assert importer_of(place_of(tmp_path)).name == "folder"


def test_a_folder_that_has_to_be_imported_is_told_so(tmp_path):
    write_cheng(tmp_path / "1.mat")
    with pytest.raises(LayoutError, match=f"gyrus import {tmp_path}"):
        load(tmp_path)
