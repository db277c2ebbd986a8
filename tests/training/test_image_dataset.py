from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from gyrus.config.options import SplitOptions
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError, ImageError, UsageError
from gyrus.training import ImageDataModule, ImageDataset


@pytest.fixture
def manifest(tmp_path):
    """Return 40 images of 20 patients and 2 classes, on disk, without splits."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        label = "ab"[number // 2 % 2]
        size = (20 + number % 3, 24)
        Image.fromarray(rng.integers(0, 256, size).astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(
            Row(image_id=str(number), path=f"{number}.png", label=label, subject_id=f"P{number // 2}",
                sha256=f"{number:064x}", pixel_hash=f"{number:064x}")
        )  # fmt: skip
    return Manifest(rows=tuple(rows), root=tmp_path)


def test_an_item_is_a_tensor_and_a_number(manifest):
    dataset = ImageDataset(manifest, image_size=32)
    image, label = dataset[2]
    assert image.dtype == torch.float32
    assert image.shape == (3, 32, 32)
    assert label == 1
    assert isinstance(label, int)
    assert dataset.classes == ("a", "b")
    assert dataset.class_to_idx == {"a": 0, "b": 1}
    assert dataset.targets[:4] == [0, 0, 1, 1]
    assert len(dataset) == 40


def test_the_default_is_resize_scale_and_normalise(manifest):
    with Image.open(manifest.file_of(manifest.rows[0])) as picture:
        small = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR), dtype=np.float32) / 255
    image, _ = ImageDataset(manifest, image_size=16, mean=(0.4, 0.5), std=(0.2, 0.25))[0]
    assert image.shape == (2, 16, 16)
    np.testing.assert_allclose(image[0], (small - 0.4) / 0.2, atol=1e-5)
    np.testing.assert_allclose(image[1], (small - 0.5) / 0.25, atol=1e-5)


def test_a_transform_gets_the_pixels_as_read(manifest):
    dataset = ImageDataset(manifest, transform=lambda pixels: (pixels.shape, pixels.dtype, type(pixels)))
    assert dataset[1][0] == ((21, 24, 1), np.uint8, np.ndarray)
    assert ImageDataset(manifest, transform=lambda pixels: pixels.shape, color="rgb")[0][0] == (20, 24, 3)


def test_a_split_keeps_the_classes_of_the_whole(manifest):
    only_b = manifest.with_rows(row.with_(split="val" if row.label == "b" else "train") for row in manifest)
    dataset = ImageDataset(only_b, "val")
    assert dataset.classes == ("a", "b")
    assert set(dataset.targets) == {1}
    with pytest.raises(DataError, match="'test' has no images"):
        ImageDataset(only_b, "test")


def test_a_bad_file_is_named_when_it_is_read(manifest):
    manifest.file_of(manifest.rows[3]).write_bytes(b"")
    dataset = ImageDataset(manifest, image_size=16)
    assert dataset[2]
    with pytest.raises(ImageError, match=r"3\.png"):
        dataset[3]


def test_mean_and_std_must_belong_together(manifest):
    with pytest.raises(UsageError, match="mean has 1 values and std 2"):
        ImageDataset(manifest, mean=(0.5,), std=(0.2, 0.2))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_loader_takes_it(manifest, workers):
    images, labels = next(
        iter(DataLoader(ImageDataset(manifest, image_size=16), batch_size=8, num_workers=workers))
    )
    assert images.shape == (8, 3, 16, 16)
    assert labels.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_the_module_divides_by_patient_and_class(manifest):
    options = SplitOptions(val_fraction=0.2, cal_fraction=0.2, test_fraction=0.2)
    data = ImageDataModule(manifest, image_size=16, batch_size=4, split_options=options)
    side = {}
    for row in data.manifest:
        assert side.setdefault(row.subject_id, row.split) == row.split
    assert set(side.values()) == {"train", "val", "cal", "test"}
    for split, loader in (("train", data.train_dataloader()), ("val", data.val_dataloader())):
        labels = torch.cat([labels for _, labels in loader])
        assert len(labels) == len(data.manifest.select(split))
        assert set(labels.tolist()) == {0, 1}
    assert len(data.test_dataloader().dataset) == len(data.manifest.select("test"))
    assert data.classes == ("a", "b")


def test_splits_that_are_given_are_kept(manifest):
    given = manifest.with_rows(
        row.with_(split="train" if int(row.image_id) < 30 else "val") for row in manifest
    )
    assert ImageDataModule(given).manifest is given
    with pytest.raises(DataError, match="has splits already"):
        ImageDataModule(given, split_options=SplitOptions())


def test_only_training_images_get_the_transform(manifest):
    given = manifest.with_rows(
        row.with_(split="train" if int(row.image_id) < 30 else "val") for row in manifest
    )
    data = ImageDataModule(given, transform=lambda pixels: torch.zeros(1), image_size=16)
    assert data.dataset("train")[0][0].shape == (1,)
    assert data.dataset("val")[0][0].shape == (3, 16, 16)


def test_the_front_door():
    import gyrus.training as room

    assert len(room.__all__) <= 12
    assert all(hasattr(room, name) for name in room.__all__)
    assert Path(room.__file__).parent.name == "training"


def test_of_several_classes_an_item_is_paired_with_all_of_them(manifest):
    labels = ["b|a", "|", "b"]
    rows = [row.with_(label=labels[number % 3]) for number, row in enumerate(manifest)]
    sets = Manifest(rows=tuple(rows), root=manifest.root, task="multilabel")
    _, targets = next(iter(DataLoader(ImageDataset(sets, image_size=32), batch_size=3)))
    assert targets.dtype == torch.float32
    assert targets.tolist() == [[1, 1], [0, 0], [0, 1]]
