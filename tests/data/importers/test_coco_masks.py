"""COCO's outlines as masks: to the pixel, and as pycocotools reads its run lengths."""

import json

import numpy as np
import pytest
from made_sets import write_coco
from PIL import Image

from gyrus.config import DataOptions, ImportConfig
from gyrus.data import load
from gyrus.data.importers.coco_masks import outline
from gyrus.data.mask_classes import classes_of
from gyrus.data.masks import read_mask
from gyrus.errors import DataError
from gyrus.verbs.import_ import run


def test_a_rectangle_marks_the_pixels_whose_centres_it_holds():
    marked = outline([[2, 1, 5, 1, 5, 4, 2, 4]], 6, 8)
    assert marked.sum() == 9
    assert marked[1:4, 2:5].all()
    # half a pixel further the centres of the first column lie outside
    assert outline([[2.6, 1, 5, 1, 5, 4, 2.6, 4]], 6, 8).sum() == 6
    assert outline([[-9, -9, 20, -9, 20, 20, -9, 20]], 6, 8).all()  # what lies outside is cut away


def test_a_triangle_against_its_area_and_a_ring_is_hollow():
    assert outline([[0, 0, 100, 0, 0, 100]], 100, 100).sum() == pytest.approx(5000, rel=0.011)
    ring = [[0, 0, 9, 0, 9, 9, 0, 9, 0, 0, 3, 3, 3, 6, 6, 6, 6, 3, 3, 3]]
    assert not outline(ring, 9, 9)[3:6, 3:6].any()
    assert (
        outline([[0, 0, 4, 0, 4, 4, 0, 4], [2, 2, 6, 2, 6, 6, 2, 6]], 8, 8).sum() == 28
    )  # joined, not taken out


@pytest.mark.parametrize("seed", range(3))
def test_run_lengths_are_those_of_pycocotools(seed):
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    mask = np.asfortranarray((rng.random((13, 17)) < rng.random()).astype(np.uint8))
    packed = coco.encode(mask)
    told = {"size": [13, 17], "counts": packed["counts"].decode()}
    assert (outline(told, 13, 17) == mask).all()
    large = np.zeros((300, 200), np.uint8, order="F")
    large[50:250, 20:150] = 1
    told = {"size": [300, 200], "counts": coco.encode(large)["counts"].decode()}
    assert (outline(told, 300, 200) == large).all()


def test_plain_run_lengths_go_down_the_columns():
    told = {"size": [2, 3], "counts": [1, 2, 3]}
    assert outline(told, 2, 3).tolist() == [[False, True, False], [True, False, False]]


@pytest.mark.parametrize(
    ("told", "match"),
    [
        (None, "no segmentation"),
        ([], "no segmentation"),
        ([[1, 2, 3, 4]], "three or more points"),
        ([[1, 2, 3, "4", 5, 6]], "no number"),
        ([[1, 2, 3, float("nan"), 5, 6]], "no number"),
        ({"size": [3, 2], "counts": [6]}, r"are of \[3, 2\]"),
        ({"size": [2, 3], "counts": [5]}, "add up to 5"),
        ({"size": [2, 3], "counts": [-1, 7]}, "no list of whole numbers"),
        ({"size": [2, 3], "counts": "o"}, "cut off"),
        ({"size": [2, 3], "counts": "\x05"}, "none of theirs"),
    ],
)
def test_outlines_that_are_none(told, match):
    with pytest.raises(ValueError, match=match):
        outline(told, 2, 3)


@pytest.fixture
def outlined(tmp_path):
    """A table of outlines: a large mass under a small edema, a mass in run lengths, an image of nothing."""
    runs = {"size": [40, 60], "counts": [0, 40, 2360]}
    annotations = [
        {"image_id": 10, "category_id": 7, "bbox": [4, 4, 4, 4], "segmentation": [[4, 4, 8, 4, 8, 8, 4, 8]]},
        {"image_id": 10, "category_id": 1, "bbox": [2, 2, 20, 20],
         "segmentation": [[2, 2, 22, 2, 22, 22, 2, 22]]},
        {"image_id": 11, "category_id": 1, "bbox": [0, 0, 1, 40], "iscrowd": 1, "segmentation": runs},
    ]  # fmt: skip
    return write_coco(tmp_path / "set", annotations=annotations)


def test_imported_masks_are_read_by_the_table_beside_them(outlined, tmp_path):
    done = run(ImportConfig(source=outlined, out=tmp_path / "m.csv", with_masks=True))
    assert done.manifest.task == "segment"
    table = done.images / "mask-values.csv"
    assert any(str(table) in note for note in done.notes)
    options = DataOptions(mask_classes="values", mask_values=(str(table),))
    manifest = load(tmp_path / "m.csv", options).manifest
    classes = classes_of(manifest, options)
    assert classes.names == ("edema", "mass")
    first, second, third = (read_mask(row, manifest, classes) for row in manifest)
    assert (first == 1).sum() == 16  # the smaller lies on top
    assert (first == 2).sum() == 400 - 16
    assert (second[:, 0] == 2).all()
    assert second.sum() == 80
    assert not third.any()


def test_without_the_option_no_mask_is_drawn(outlined, tmp_path):
    done = run(ImportConfig(source=outlined, out=tmp_path / "m.csv"))
    assert done.images is None
    assert not any(row.mask for row in done.manifest)


def test_outlines_that_cannot_be_drawn_are_told(tmp_path):
    table = write_coco(tmp_path / "set")
    with pytest.raises(DataError, match="masks of 2 images cannot be drawn") as caught:
        run(ImportConfig(source=table, out=tmp_path / "m.csv", with_masks=True))
    assert "0.png: an annotation has no segmentation" in caught.value.details
    content = json.loads(table.read_text())
    del content["images"][0]["width"]
    table.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        run(ImportConfig(source=table, out=tmp_path / "m.csv", with_masks=True))
    assert "0.png: its size is None x 40" in caught.value.details
    assert not (tmp_path / "m.csv").exists()


def test_other_images_than_the_table_says_are_refused_when_read(outlined, tmp_path):
    done = run(ImportConfig(source=outlined, out=tmp_path / "m.csv", with_masks=True))
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "set" / "images" / "0.png")
    manifest = done.manifest
    options = DataOptions(mask_classes="values", mask_values=(str(done.images / "mask-values.csv"),))
    with pytest.raises(DataError, match="the mask is 60 x 40"):
        read_mask(manifest.rows[0], manifest, classes_of(manifest, options))
