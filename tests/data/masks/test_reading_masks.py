"""Masks from their files: what is read, and what is refused with a reason."""

import gzip

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image
from PIL import Image

from gyrus.config.masking import MaskOptions
from gyrus.data.manifest import Manifest, Row
from gyrus.data.mask_classes import MaskClasses, classes_of
from gyrus.data.masks import EMPTY, NO_MASK, read_mask
from gyrus.errors import DataError, ImageError, UsageError

BINARY = MaskClasses("binary", ("lesion",))
VALUES = MaskClasses("values", ("core", "edema"), {1: "edema", 4: "core", 5: "core"})


@pytest.fixture
def square():
    """A mask of 9 x 7 pixels with a marked corner that no mirror or turn leaves where it is."""
    mask = np.zeros((7, 9), np.uint8)
    mask[1:3, 2:6] = 1
    return mask


@pytest.fixture
def one(tmp_path):
    """Return a maker of (row, manifest) for a mask file of an image of 9 x 7 pixels."""

    def make(name, label="glioma", **more):
        row = Row("i", "i.png", label=label, mask=name, width_px=9, height_px=7, **more)
        return row, Manifest((row,), tmp_path, "segment")

    return make


def save(folder, name, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(folder / name, **options)


@pytest.mark.parametrize(
    ("name", "factor", "mode"),
    [("a.png", 255, None), ("b.png", 1, None), ("c.tif", 255, None), ("d.gif", 255, None),
     ("e.bmp", 255, None), ("f.png", 255, "1"), ("g.png", 255, "P"), ("h.png", 255, "RGB"),
     ("i.tif", 255, "RGB")],
)  # fmt: skip
def test_every_format_gives_the_same_mask(tmp_path, square, one, name, factor, mode):
    save(tmp_path, name, square * factor, mode)
    assert (read_mask(*one(name), BINARY) == square).all()


def test_sixteen_bits_and_label_maps(tmp_path, square, one):
    save(tmp_path, "deep.png", square.astype(np.uint16) * 1000)
    assert (read_mask(*one("deep.png"), BINARY) == square).all()
    volume = np.zeros((9, 7, 3), np.int16)
    # the reader shows axial slices as a radiologist looks at them: right to left, front to back
    volume[:, :, 1] = square[::-1, ::-1].T * 4
    for name, kind in (("v.nii", np.int16), ("v.nii.gz", np.float32)):
        Nifti1Image(volume.astype(kind), np.eye(4)).to_filename(tmp_path / name)
        row, manifest = one(name, frame="axial:1")
        assert (read_mask(row, manifest, VALUES) == square).all()  # 4 is core, the first by name


def test_a_palette_of_colours_counts_by_its_places(tmp_path, square, one):
    image = Image.fromarray(square * 4, "L").convert("P")
    image.putdata((square * 4).reshape(-1).tolist())
    image.putpalette([0, 0, 0, 9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    image.save(tmp_path / "voc.png")
    assert (read_mask(*one("voc.png"), VALUES) == square).all()


def test_values_are_classes_in_the_order_of_their_names(tmp_path, one):
    mask = np.zeros((7, 9), np.uint8)
    mask[0, :3] = 1, 4, 5
    save(tmp_path, "m.png", mask)
    assert read_mask(*one("m.png"), VALUES)[0, :4].tolist() == [2, 1, 1, 0]


def test_what_is_marked_can_be_of_the_images_class(tmp_path, square, one):
    save(tmp_path, "m.png", square)
    classes = MaskClasses("label", ("glioma", "meningioma"))
    assert (read_mask(*one("m.png", label="meningioma"), classes) == 2 * square).all()
    save(tmp_path, "none.png", 0 * square)
    assert not read_mask(*one("none.png", label="no_tumor"), classes).any()
    with pytest.raises(DataError, match="none of glioma, meningioma"):
        read_mask(*one("m.png", label="no_tumor"), classes)


def test_an_empty_mask_is_empty_only_when_told(tmp_path, one):
    row, manifest = one("")
    with pytest.raises(DataError, match="has no mask"):
        read_mask(row, manifest, BINARY)
    mask = read_mask(row.with_(facts={NO_MASK: EMPTY}), manifest, BINARY)
    assert mask.shape == (7, 9)
    assert not mask.any()


def test_another_size_is_refused(tmp_path, square, one):
    save(tmp_path, "m.png", square.T.copy())
    with pytest.raises(DataError, match="the mask is 7 x 9, its image"):
        read_mask(*one("m.png"), BINARY)


def test_grey_levels_of_a_jpeg_are_refused(tmp_path, one):
    mask = np.zeros((7, 9), np.uint8)
    mask[2:5, 3:7] = 255
    save(tmp_path, "m.jpg", mask, quality=60)
    with pytest.raises(DataError, match=r"is a JPEG with \d+ grey levels") as caught:
        read_mask(*one("m.jpg"), BINARY)
    assert "PNG" in caught.value.fix


def test_a_picture_is_no_mask(tmp_path, one):
    save(tmp_path, "m.png", np.arange(63, dtype=np.uint8).reshape(7, 9))
    with pytest.raises(DataError, match="63 grey levels: that is a picture"):
        read_mask(*one("m.png"), BINARY)
    colours = np.zeros((7, 9, 3), np.uint8)
    colours[0, 0, 0] = 9
    save(tmp_path, "c.png", colours)
    with pytest.raises(DataError, match="in colour"):
        read_mask(*one("c.png"), BINARY)


def test_values_outside_the_classes_are_refused(tmp_path, square, one):
    save(tmp_path, "m.png", square * 7)
    with pytest.raises(
        DataError, match=r"values that are no class: 7 \(8 px\); the classes are edema 1, core 4"
    ):
        read_mask(*one("m.png"), VALUES)


@pytest.mark.parametrize(
    ("value", "kind", "match"),
    [(-1, np.int16, "below 0"), (0.5, np.float32, "not whole"), (np.nan, np.float32, "NaN")],
)
def test_numbers_that_are_no_labels_are_refused(tmp_path, one, value, kind, match):
    volume = np.zeros((9, 7, 1), kind)
    volume[0, 0, 0] = value
    volume[1, 1, 0] = 1
    Nifti1Image(volume, np.eye(4)).to_filename(tmp_path / "m.nii")
    with pytest.raises(DataError, match=match):
        read_mask(*one("m.nii", frame="axial:0"), BINARY)


def test_a_damaged_file_is_told(tmp_path, square, one):
    save(tmp_path, "m.gif", square)
    data = (tmp_path / "m.gif").read_bytes()
    (tmp_path / "m.gif").write_bytes(data[:20])
    with pytest.raises(ImageError, match="damaged"):
        read_mask(*one("m.gif"), BINARY)
    (tmp_path / "m.nii.gz").write_bytes(gzip.compress(b"no volume"))
    with pytest.raises(ImageError):
        read_mask(*one("m.nii.gz"), BINARY)


def test_classes_come_from_the_options():
    rows = (Row("a", "a", label="b", mask="m"), Row("c", "c", label="a", mask="m", facts={"mask_px": "0"}))
    manifest = Manifest(rows, ".", "segment")
    assert classes_of(manifest, MaskOptions()).names == ("lesion",)
    assert classes_of(manifest, MaskOptions(mask_name="tumour")).names == ("tumour",)
    assert classes_of(manifest, MaskOptions(mask_classes="label")).names == ("b",)
    values = classes_of(manifest, MaskOptions(mask_classes="values", mask_values=("edema=1", "core=4")))
    assert values.names == ("core", "edema")
    assert values == MaskClasses.from_json(values.to_json())
    assert (values.planes, BINARY.planes) == (3, 1)


def test_a_table_names_the_values(tmp_path):
    (tmp_path / "t.csv").write_text("value,name\n0,background\n1,edema\n4,core\n")
    options = MaskOptions(mask_classes="values", mask_values=(str(tmp_path / "t.csv"),))
    assert classes_of(Manifest((), tmp_path, "segment"), options).values == {1: "edema", 4: "core"}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mask_classes": "values"}, "nothing tells what the values mean"),
        ({"mask_values": ("a=1",)}, "mask_classes is binary"),
        ({"mask_classes": "values", "mask_values": ("a",)}, "expected NAME=VALUE"),
        ({"mask_classes": "values", "mask_values": ("a=-1",)}, "whole number from 1"),
        ({"mask_classes": "values", "mask_values": ("a=1", "b=1")}, "is a already"),
        ({"mask_classes": "values", "mask_values": ("bg=0",)}, "name no class"),
        ({"mask_classes": "label", "mask_name": "x"}, "leave out --mask-name"),
        ({"mask_name": " "}, "mask_name is empty"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, match):
    with pytest.raises(UsageError, match=match):
        classes_of(Manifest((), ".", "segment"), MaskOptions(**options))
