"""Masks at the network's size: they lie where their images lie, are read once, and told together when bad."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gyrus.data import mask_cache, scan
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_cache import scan_masks
from gyrus.data.mask_classes import MARKED_PX, MaskClasses
from gyrus.errors import DataError
from gyrus.imaging.geometry import Geometry

BINARY = MaskClasses("binary", ("lesion",))
SIDE = 24


@pytest.fixture
def scanned(tmp_path):
    """Three images 60 x 40: a bright disc where the mask marks, at another place in each."""
    rows = []
    down, across = np.mgrid[:40, :60]
    for number, (y, x) in enumerate([(12, 15), (20, 40), (25, 22)]):
        disc = (down - y) ** 2 + (across - x) ** 2 < 64
        Image.fromarray((disc * 200 + 20).astype(np.uint8)).save(tmp_path / f"{number}.png")
        Image.fromarray((disc * 255).astype(np.uint8)).save(tmp_path / f"m{number}.png")
        rows.append(Row(str(number), f"{number}.png", label="ab"[number % 2], mask=f"m{number}.png"))
    manifest = Manifest(tuple(rows), tmp_path, "segment")
    return scan(manifest, cache_dir=tmp_path / "cache").manifest


@pytest.mark.parametrize("geometry", [Geometry(SIDE), Geometry(SIDE, "pad"), Geometry(SIDE, "crop"),
                                      Geometry(SIDE, "squash", brain_crop=True)], ids=str)  # fmt: skip
def test_a_mask_lies_where_its_image_shows_it(scanned, tmp_path, geometry):
    cache = tmp_path / "cache"
    pixels = scan(scanned, image_size=geometry, cache_dir=cache).pixels
    masks = scan_masks(scanned, geometry, BINARY, cache_dir=cache)
    names = [row.image_id for row in scanned]
    shown = pixels.pixels[pixels.rows_of(names)][..., 0] > 120
    marked = masks.masks[masks.rows_of(names)] == 1
    assert marked.any(axis=(1, 2)).all()
    # the image is averaged, the mask is chosen: their borders may differ, no more
    assert (shown != marked).sum() < 0.12 * marked.sum()


def test_areas_are_those_of_the_original(scanned, tmp_path):
    masks = scan_masks(scanned, Geometry(SIDE), BINARY, cache_dir=tmp_path / "cache")
    told = [int(row.facts[MARKED_PX]) for row in masks.with_areas(scanned)]
    assert told == [int((np.asarray(Image.open(tmp_path / f"m{n}.png")) > 0).sum()) for n in range(3)]


def test_masks_are_read_once_and_anew_when_they_changed(scanned, tmp_path, monkeypatch):
    cache, geometry = tmp_path / "cache", Geometry(SIDE)
    first = scan_masks(scanned, geometry, BINARY, cache_dir=cache)
    with monkeypatch.context() as patch:
        patch.setattr(mask_cache, "read_mask", None)  # a second reading would fail
        assert (scan_masks(scanned, geometry, BINARY, cache_dir=cache).masks == first.masks).all()
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "m1.png")
    again = scan_masks(scanned, geometry, BINARY, cache_dir=cache)
    assert [bool(mask.any()) for mask in again.masks[again.rows_of(["0", "1", "2"])]] == [True, False, True]


def test_a_file_cut_short_is_written_anew(scanned, tmp_path):
    first = scan_masks(scanned, Geometry(SIDE), BINARY, cache_dir=tmp_path / "cache")
    wanted = first.masks.copy()
    first.path.write_bytes(first.path.read_bytes()[:-1])
    assert (scan_masks(scanned, Geometry(SIDE), BINARY, cache_dir=tmp_path / "cache").masks == wanted).all()


def test_the_class_of_the_image_is_that_of_the_mask(scanned, tmp_path):
    classes = MaskClasses("label", ("a", "b"))
    masks = scan_masks(scanned, Geometry(SIDE), classes, cache_dir=tmp_path / "cache")
    assert [int(mask.max()) for mask in masks.masks[masks.rows_of(["0", "1", "2"])]] == [1, 2, 1]
    assert ((masks.areas > 0).sum(axis=1) == 1).all()


def test_all_bad_masks_are_told_together(scanned, tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "m0.png")
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "m1.jpg")
    Image.fromarray(np.arange(2400, dtype=np.uint8).reshape(40, 60)).save(tmp_path / "m2.png")
    rows = [replace(row, mask="m1.jpg") if row.image_id == "1" else row for row in scanned]
    with pytest.raises(DataError, match="2 of 3 masks cannot be used") as caught:
        scan_masks(scanned.with_rows(rows), Geometry(SIDE), BINARY, cache_dir=tmp_path / "cache")
    assert "9 x 9" in str(caught.value)
    assert "grey levels" in str(caught.value)


def test_bad_masks_are_told_in_the_order_of_their_names(tmp_path):
    rows = []
    for number in range(12):  # their order by content is another
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / f"{number}.png")
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / f"m{number}.png")
        rows.append(Row(str(number), f"{number}.png", mask=f"m{number}.png"))
    manifest = scan(Manifest(tuple(rows), tmp_path, "segment"), cache_dir=tmp_path / "cache").manifest
    with pytest.raises(DataError) as caught:
        scan_masks(manifest, Geometry(SIDE), BINARY, cache_dir=tmp_path / "cache")
    told = [str(detail).partition(":")[0].rpartition("/")[2] for detail in caught.value.details]
    assert told == [f"m{number}.png" for number in range(12)]
