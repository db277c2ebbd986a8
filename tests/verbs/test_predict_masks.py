import csv
import json

import nibabel
import numpy as np
import pytest
from PIL import Image

import gyrus
import tiny_masks
from gyrus.bundles import read_bundle
from gyrus.errors import UsageError
from gyrus.verbs.bundle_words import _lines as lines_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two images (one empty), a volume of three slices, a manifest that tells spacing, bundles."""
    folder = tmp_path_factory.mktemp("masks")
    pixels = np.full((96, 128), 30, np.uint8)
    Image.fromarray(pixels).save(folder / "empty.png")
    pixels[30:66, 40:80] = 250
    Image.fromarray(pixels).save(folder / "head.png")
    volume = np.stack([np.rot90(pixels, -1)] * 3, axis=-1)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([-0.5, 0.5, 5.0, 1.0])), folder / "scan.nii.gz")
    (folder / "list.csv").write_text(
        "image_id,path,label,spacing_mm\nhead,head.png,glioma,0.5 x 0.5 x 6\nempty,empty.png,,\n"
    )
    (folder / "model.gyrus").write_bytes(tiny_masks.bundle_bytes(joint=True))
    return folder


def test_pages_pictures_table_and_masks(place, tmp_path):
    result = gyrus.predict(
        [place / "list.csv"], place / "model.gyrus", threads=1,
        out=tmp_path / "out", masks=tmp_path / "masks", csv=tmp_path / "t.csv",
    )  # fmt: skip
    assert result.exit_code == 0
    page = (tmp_path / "out" / "head.html").read_text(encoding="utf-8")
    assert "<path" in page
    assert "mm²" in page
    assert "Class of the whole picture" in page
    assert "nothing is marked" in (tmp_path / "out" / "empty.html").read_text(encoding="utf-8")
    assert "lesion" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    drawn = np.asarray(Image.open(tmp_path / "masks" / "head.png"))
    assert drawn.shape == (96, 128)
    assert set(np.unique(drawn)) == {0, 1}
    assert nibabel.load(tmp_path / "masks" / "head.nii.gz").header.get_zooms()[:2] == (0.5, 0.5)
    with (tmp_path / "t.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["area_mm2:lesion"]) == pytest.approx(drawn.sum() * 0.25)
    assert rows[1]["area_px:lesion"] == "0"
    assert rows[0]["picture"] in tiny_masks.PICTURE_CLASSES
    assert rows[0]["mask_file"].endswith("head.png")
    record = json.loads((tmp_path / "out" / "evidence.json").read_text())["predictions"][0]
    assert record["mask"].endswith("head.png")
    assert "mm2" in result.to_text()


def test_the_picture_shows_the_contour(place, tmp_path):
    gyrus.predict([place / "head.png"], place / "model.gyrus", threads=1, out=tmp_path / "out")
    picture = np.asarray(Image.open(tmp_path / "out" / "head.png").convert("RGB")).astype(int)
    coloured = (picture[:, :, 0] - picture[:, :, 2] > 120).sum()
    assert coloured > 150


def test_a_volume_s_mask_lies_over_the_volume(place, tmp_path):
    gyrus.predict(
        [place / "scan.nii.gz"], place / "model.gyrus", threads=1, slices="all", masks=tmp_path / "m"
    )
    names = sorted(path.name for path in (tmp_path / "m").iterdir())
    assert len([name for name in names if name.endswith(".png")]) == 3
    (whole,) = [name for name in names if name.endswith(".nii.gz")]
    marked, source = nibabel.load(tmp_path / "m" / whole), nibabel.load(place / "scan.nii.gz")
    assert np.allclose(marked.affine, source.affine)
    inside = np.asarray(source.dataobj)[np.asarray(marked.dataobj) > 0]
    assert inside.size > 3 * 1000
    assert (inside == 250).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "told"), [({"by": "folder"}, "--by folder"), ({"heat": "occlusion"}, "--heat occlusion")]
)
def test_options_without_meaning_are_refused(place, options, told):
    with pytest.raises(UsageError, match=told):
        gyrus.predict([place / "head.png"], place / "model.gyrus", threads=1, **options)


def test_masks_of_a_classifier_are_refused(place, tmp_path):
    with pytest.raises(UsageError, match="draws no masks"):
        gyrus.predict([place / "head.png"], threads=1, masks=tmp_path / "m")


def test_a_folder_in_which_something_lies_is_refused(place, tmp_path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        gyrus.predict([place / "head.png"], place / "model.gyrus", threads=1, masks=tmp_path)


def test_one_folder_for_masks_and_evidence_is_refused(place, tmp_path):
    with pytest.raises(UsageError, match="one folder"):
        gyrus.predict(
            [place / "head.png"], place / "model.gyrus", threads=1, masks=tmp_path / "a", out=tmp_path / "a"
        )


def test_windows_are_told(place):
    result = gyrus.predict([place / "head.png"], place / "model.gyrus", threads=1, windows=0.5)
    assert result.predictions[0]["segmentation"]["windows"] > 4


def test_mirrored_answers_are_told(place, caplog):
    caplog.set_level("INFO", logger="gyrus")
    result = gyrus.predict([place / "head.png"], place / "model.gyrus", threads=1, mirrored=True)
    assert result.predictions[0]["segmentation"]["mirrored"] is True
    assert "right only of a network that was trained on mirrored images" in caplog.text
    with pytest.raises(UsageError, match=r"--mirrored: the model classifies"):
        gyrus.predict([place / "head.png"], threads=1, mirrored=True)


def test_the_bundle_is_told_in_words(place):
    words = dict(lines_of(read_bundle(place / "model.gyrus")))
    assert words["masks"].startswith("probable from 0.5 on; not chosen")
    assert "glioma" in words["picture"]


def test_an_export_is_refused(place, tmp_path):
    with pytest.raises(UsageError, match="fits into no graph"):
        gyrus.export(place / "model.gyrus", to="onnx", out=tmp_path / "m.onnx", data=place)


def test_verbs_of_classifiers_say_so(place, tmp_path):
    with pytest.raises(UsageError, match="segments: it draws masks"):
        gyrus.calibrate(place / "model.gyrus", place / "list.csv", out=tmp_path / "c.gyrus")


def test_masks_beside_the_images_are_not_asked_about(place, tmp_path, caplog):
    for name in ("head.png", "masks/head.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((place / "head.png").read_bytes())
    with caplog.at_level("INFO", logger="gyrus"):
        result = gyrus.predict([tmp_path], place / "model.gyrus", threads=1)
    assert len(result.predictions) == 1
    assert "1 masks, in masks/" in caplog.text
    alone = gyrus.predict([tmp_path / "masks"], place / "model.gyrus", threads=1)
    assert len(alone.predictions) == 1
