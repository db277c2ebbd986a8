"""From files to a heat map with another geometry than the plain one; IDX files through the whole line."""

import gzip
import struct

import numpy as np
import pytest

from gyrus.bundles import read_bundle
from gyrus.errors import ImageError
from gyrus.phantom import Phantom, write_cohort
from gyrus.verbs.bundle import bundle
from gyrus.verbs.predict import predict
from gyrus.verbs.train import train

# a network of one epoch leaves classes unanswered
pytestmark = pytest.mark.filterwarnings("ignore::gyrus.metrics.undefined.UndefinedMetricWarning")

SMALL = {"architecture": "simple_cnn", "epochs": 1, "precision": "float32", "device": "cpu"}


def write_idx(folder, name, images, labels):
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        data = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(data))


def test_padded_cut_to_the_head_and_normalised_by_itself(tmp_path):
    write_cohort(tmp_path / "data", Phantom(subjects=16, slices_per_subject=1, image_size=48, seed=1))
    result = train(
        tmp_path / "data", out=tmp_path / "run", cache_dir=tmp_path / "cache", image_size=24,
        resize="pad", brain_crop=True, normalize="per-image", no_cache=True, **SMALL,
    )  # fmt: skip
    assert not list((tmp_path / "cache").glob("pixels/*"))
    told = read_bundle(result.run.bundle).card["input"]
    assert (told["resize"], told["brain_crop"], told["normalize"]) == ("pad", True, "per-image")
    assert (told["mean"], told["std"]) == ([0.0] * 3, [1.0] * 3)
    assert bundle("verify", result.run.bundle).exit_code == 0
    image = next((tmp_path / "data").glob("*/*.png"))
    found = predict(image, model=result.run.path, out=tmp_path / "evidence")
    assert found.predictions[0]["heat_map"]["seen"]["of_image"]["height_px"] < 48
    assert (tmp_path / "evidence" / f"{image.stem}.png").is_file()
    assert "cut to the box around the head before, each brought to mean 0 and spread 1" in (
        result.run.path / "model-card.md"
    ).read_text(encoding="utf-8")


@pytest.mark.soak
def test_idx_files_through_the_whole_line(tmp_path):
    data = tmp_path / "mnist"
    data.mkdir()
    rng = np.random.default_rng(0)
    for name, count in (("train", 90), ("t10k", 12)):
        labels = np.arange(count, dtype=np.uint8) % 3
        images = rng.integers(0, 90, (count, 20, 20), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 + 6 * label : 6 + 6 * label, 3:17] = rng.integers(160, 255)
        write_idx(data, name, images, labels)
    result = train(
        data, out=tmp_path / "run", cache_dir=tmp_path / "cache", image_size=24, augmentation="none",
        normalize="dataset", test=True, **SMALL,
    )  # fmt: skip
    assert result.verdict == "unknowable"
    assert result.evaluations["test"]["n_images"] == 12
    found = predict(data / "t10k-images-idx3-ubyte.gz", model=result.run.path, out=tmp_path / "evidence")
    assert len(found.predictions) == 12
    assert (tmp_path / "evidence" / "t10k-images-idx3-ubyte-11.png").is_file()
    cut = data / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-40])
    with pytest.raises(ImageError, match="damaged or cut off"):
        train(data, out=tmp_path / "again", cache_dir=tmp_path / "cache", **SMALL)
