import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.config import TrainConfig
from gyrus.config.augmenting import AugmentationOptions
from gyrus.errors import DataError, UsageError
from gyrus.verbs import augmentation_sheet as sheet_room
from gyrus.verbs.augmentation_sheet import augmentation_sheet, show_augmentation

CHENG = Path(__file__).parents[3] / "shared" / "data" / "cheng"


@pytest.fixture
def slices(tmp_path):
    """Return a manifest of twelve images of two classes; those of ``b`` have a lesion at the right border."""
    generator = np.random.default_rng(0)
    lines = ["path,label,subject_id,split,mask"]
    for number in range(12):
        name = f"{number}.png"
        Image.fromarray(generator.integers(0, 255, (40, 40)).astype(np.uint8)).save(tmp_path / name)
        mask = ""
        if number % 2:
            lesion = np.zeros((20, 20), np.uint8)
            lesion[8:12, 15:20] = 255
            mask = f"mask-{number}.png"
            Image.fromarray(lesion).save(tmp_path / mask)
        lines.append(f"{name},{'ab'[number % 2]},p{number},{'train' if number < 10 else 'test'},{mask}")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def config(source, **options):
    return TrainConfig(source=source, image_size=32, **options)


def test_the_sheet_and_the_figures_are_written_and_nothing_is_trained(slices, tmp_path):
    out = tmp_path / "run"
    result = gyrus.train(slices, image_size=32, out=out, show_augmentation=True)
    assert sorted(path.name for path in out.iterdir()) == ["augmentation.json", "augmentation.png"]
    with Image.open(out / "augmentation.png") as sheet:
        assert sheet.width > 1000
    written = json.loads((out / "augmentation.json").read_text())
    assert written["policy"] == "brain-mri"
    assert written["parameters"]["rotation_deg"] == 12.0
    assert written["lesions"] == result.to_json()["lesions"]
    # the lesion touches the border, and only training images count
    assert result.lesions.images == 5
    assert result.lesions.draws == 5 * sheet_room.DRAWS_A_MASK
    assert 0.2 < result.lesions.part < 1
    assert result.lesions.mean < 0.2
    assert "masks of 5 images, 100 draws" in result.to_text()
    assert str(out / "augmentation.png") in result.to_text()


@pytest.mark.parametrize(("policy", "part"), [("none", 0.0), ("ct", 0.0), ("pathology", 0.0)])
def test_what_moves_no_lesion_out_loses_none(slices, tmp_path, policy, part):
    result = show_augmentation(config(slices, out=tmp_path / "run", augmentation=policy))
    assert result.lesions.part == part
    assert result.lesions.mean == 0


def test_erasing_and_cutmix_lose_lesions_and_are_counted(slices, tmp_path):
    calm, erased, pasted = (
        show_augmentation(config(slices, out=tmp_path / str(number), augmentation="none", **options)).lesions
        for number, options in enumerate(({"mixup": 0.4}, {"erasing": 0.9}, {"cutmix": 1.0}))
    )
    assert calm.part == 0
    assert erased.part > 0.05
    assert pasted.part > 0.2
    assert pasted.whole > 0.02


def test_without_masks_it_says_that_nothing_can_be_counted(slices, tmp_path):
    with slices.open() as stream:
        rows = [{**row, "mask": ""} for row in csv.DictReader(stream)]
    slices.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]))
    result = show_augmentation(config(slices, out=tmp_path / "run"))
    assert result.lesions is None
    assert "no masks" in result.to_text()


def test_runs_are_numbered_where_no_folder_is_named(slices, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (show_augmentation(config(slices, augmentation="ct")).sheet for _ in range(2))
    assert [path.parent.name for path in (first, second)] == ["augmentation-ct-1", "augmentation-ct-2"]
    assert first.read_bytes() == second.read_bytes()


def test_a_run_is_never_overwritten(slices, tmp_path):
    with pytest.raises(UsageError, match="never overwritten"):
        show_augmentation(config(slices, out=tmp_path))


def test_a_mask_of_another_shape_is_named(slices, tmp_path):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(slices.parent / "mask-3.png")
    with pytest.raises(DataError, match="the mask is 30 x 20, its image 40 x 40") as caught:
        show_augmentation(config(slices, out=tmp_path / "run"))
    assert caught.value.path.endswith("mask-3.png")


def test_the_mask_goes_the_way_of_its_image_into_the_square(slices, tmp_path):
    from gyrus.data import read_manifest
    from gyrus.imaging import read_image
    from gyrus.imaging.geometry import Geometry

    wide = np.zeros((40, 80), np.uint8)
    wide[10:30, 20:40] = 255
    Image.fromarray(wide).save(slices.parent / "1.png")
    Image.fromarray(wide).save(slices.parent / "mask-1.png")
    manifest = read_manifest(slices)
    row = manifest.rows[1]
    pixels = read_image(manifest.file_of(row))
    for mode in ("squash", "pad", "crop"):
        geometry = Geometry(32, mode)
        placed = sheet_room._placed_mask(manifest, row, pixels, geometry)
        shown = geometry.apply(pixels)[:, :, 0] > 127
        assert (placed != shown).mean() < 0.03, mode


def test_in_a_notebook_it_is_one_call():
    images = [np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)] * 2
    masks = [np.ones((24, 24), bool), None]
    small = augmentation_sheet(images, "natural", draws=1, masks=masks, names=["one", "two"])
    large = augmentation_sheet(images, AugmentationOptions(cutmix=1.0, erasing=0.5), draws=3)
    assert large.width > small.width
    again = augmentation_sheet(images, "natural", draws=1, masks=masks, names=["one", "two"])
    assert np.array_equal(np.asarray(small), np.asarray(again))


@pytest.mark.parametrize(
    ("images", "policy", "message"),
    [
        ([np.zeros((8, 8, 1), np.uint8)], "brain_mri", "augmentation is 'brain_mri'; it can be brain-mri"),
        ([np.zeros((8, 8, 1), np.uint8), np.zeros((9, 8, 1), np.uint8)], "ct", "images of one size"),
        ([], "ct", "at least one"),
    ],
)
def test_what_no_sheet_can_be_made_of_is_refused(images, policy, message):
    with pytest.raises(UsageError, match=message):
        augmentation_sheet(images, policy)


@pytest.mark.skipif(not CHENG.is_dir(), reason="the Cheng set is not beside the repository")
def test_brain_mri_keeps_the_lesions_of_real_slices(tmp_path):
    import os

    lines = ["path,label,subject_id,mask"]
    folder = os.path.relpath(CHENG, tmp_path)
    lines += [f"{folder}/images/{n}.jpg,tumour,{n},{folder}/masks/{n}.png" for n in range(1, 3001, 250)]
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    result = show_augmentation(
        TrainConfig(source=tmp_path / "manifest.csv", image_size=64, out=tmp_path / "run")
    )
    assert result.lesions.images == 12
    assert result.lesions.half == 0
    assert result.lesions.part < 0.02
