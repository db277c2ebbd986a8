"""What reaches the network: normalisation by name, and files instead of the cache, with the same bits."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image

from gyrus.data import Manifest, Row, scan
from gyrus.errors import ImageError, UsageError
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.normalisation import SMALLEST_SPREAD, fixed, measured, per_image
from gyrus.models import build
from gyrus.training import FilePixels, ImageDataset, fit, pick_device
from gyrus.training.batches import Batch, CachedPixels, Loading, Look, SplitPixels, prepare
from gyrus.training.normalising import choose_normalisation
from gyrus.training.preparation import standardise

GEOMETRY = Geometry(24, "pad", brain_crop=True)
LOOK = Look((0.4,), (0.2,), policy=None, channels_last=False)


@pytest.fixture
def manifest(tmp_path):
    """Return 24 images of odd sizes on disk, of two classes: 16 to train on and 8 to validate."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        pixels = np.zeros((40 + number, 61 - number), np.uint8)
        head = pixels[6:-4, 5:-7]
        head[...] = rng.integers(0, 256, head.shape)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        split = "train" if number < 16 else "val"
        rows.append(Row(f"i{number}", f"{number}.png", "ab"[number % 2], split=split))
    return Manifest(tuple(rows), tmp_path)


def loaded(manifest, pixels, **loading):
    splits = [SplitPixels(manifest, split, pixels) for split in ("train", "val")]
    return CachedPixels(*splits, look=LOOK, batch_size=5, seed=3, loading=Loading(**loading))


def test_files_give_the_bits_of_the_cache(manifest, tmp_path):
    cached = scan(manifest, cache_dir=tmp_path / "c", image_size=GEOMETRY, progress=False).pixels
    from_files = FilePixels(manifest, GEOMETRY, "grey")
    ours, theirs = loaded(manifest, cached), loaded(manifest, from_files)
    for loader in ("train_dataloader", "val_dataloader"):
        pairs = list(zip(getattr(ours, loader)(), getattr(theirs, loader)(), strict=True))
        assert len(pairs) >= 1
        for one, other in pairs:
            assert torch.equal(one.pixels, other.pixels)
            assert torch.equal(one.labels, other.labels)
            np.testing.assert_array_equal(one.numbers, other.numbers)
            batch = [prepare(each, LOOK, seed=0, epoch=None) for each in (one, other)]
            assert torch.equal(*batch)


def test_workers_bring_the_same_batches_in_the_same_order(manifest):
    from_files = FilePixels(manifest, GEOMETRY, "grey")
    plain = loaded(manifest, from_files).train_dataloader()
    for one, other in zip(plain, loaded(manifest, from_files, workers=2).train_dataloader(), strict=True):
        assert torch.equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.numbers, other.numbers)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_vanished_is_named_in_one_line(manifest, workers):
    (manifest.root / "3.png").unlink()
    data = loaded(manifest, FilePixels(manifest, GEOMETRY, "grey"), workers=workers)
    with pytest.raises(ImageError, match="does not exist") as caught:
        [data.transfer_batch_to_device(one, torch.device("cpu"), 0) for one in data.train_dataloader()]
    assert caught.value.path == str(manifest.root / "3.png")
    assert "Traceback" not in str(caught.value)


def test_the_data_set_for_ones_own_loop_does_the_same(manifest):
    image, _ = ImageDataset(manifest, image_size=GEOMETRY, mean=(0.4,), std=(0.2,))[5]
    row = FilePixels(manifest, GEOMETRY, "grey")[np.array([5])]
    assert torch.equal(image, prepare(Batch(torch.from_numpy(row), None, None), LOOK, seed=0, epoch=None)[0])
    own, _ = ImageDataset(manifest, image_size=GEOMETRY, mean=(0.0,), std=(1.0,), per_image=True)[5]
    assert own.mean().abs() < 1e-5
    assert own.std(correction=0) == pytest.approx(1, abs=1e-4)


def test_a_whole_fit_from_files_is_that_from_the_cache(manifest, tmp_path, run, config):
    from gyrus.runs import RunFolder

    options = {"image_size": 24, "resize": "pad", "brain_crop": True, "epochs": 1, "normalize": "dataset"}
    cached = scan(manifest, cache_dir=tmp_path / "c", image_size=GEOMETRY, progress=False).pixels
    one = fit(manifest, cached, config(**options), run, progress=False)
    other = fit(
        manifest, FilePixels(manifest, GEOMETRY, "grey"), config(**options, no_cache=True),
        RunFolder(tmp_path / "other").create(), progress=False,
    )  # fmt: skip
    assert one.network.facts == other.network.facts
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name]), name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["imagenet", "half", "none", "per-image", "dataset", "auto"])
def test_every_normalisation_reaches_the_networks_facts(bar_data, config, name, channels):
    network = build("improved_cnn", num_classes=3, in_channels=channels, image_size=32)
    before = network.facts
    train = SplitPixels(bar_data[0], "train", bar_data[1])
    choose_normalisation(network, config(normalize=name), train, given_weights=False)
    facts = network.facts
    assert len(facts.mean) == len(facts.std) == channels
    assert facts.per_image == (name == "per-image")
    if name == "auto":
        assert facts == before
    elif name == "dataset":
        pixels = np.concatenate(list(train.blocks(7))) / 255
        assert facts.mean == pytest.approx((pixels.mean(),) * channels)
        assert facts.std == pytest.approx((pixels.std(),) * channels)
    else:
        assert (facts.mean, facts.std) == fixed(name, channels)


def test_colour_is_measured_by_channel():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 5, 5, 3)).astype(np.uint8)
    mean, std = measured([pixels[:4], pixels[4:]], 3)
    np.testing.assert_allclose(mean, (pixels / 255).mean((0, 1, 2)))
    np.testing.assert_allclose(std, (pixels / 255).std((0, 1, 2)))
    assert measured([np.full((2, 4, 4, 1), 9, np.uint8)], 3)[1] == (SMALLEST_SPREAD,) * 3


def test_another_normalisation_than_the_weights_is_said(bar_data, config, caplog):
    train = SplitPixels(bar_data[0], "train", bar_data[1])
    with caplog.at_level(logging.INFO, "gyrus"):
        for name in ("imagenet", "half"):
            network = build("resnet18", num_classes=3, image_size=32)  # timm: with ImageNet's mean and spread
            choose_normalisation(network, config(normalize=name), train, given_weights=True)
    assert [record.getMessage() for record in caplog.records] == [
        "note: --normalize half; the weights were trained with mean 0.485, 0.456, 0.406 and standard "
        "deviation 0.229, 0.224, 0.225."
    ]


def test_per_image_is_the_same_in_torch_and_numpy():
    images = np.random.default_rng(0).random((4, 3, 6, 5)).astype(np.float32)
    images[2] = 0.3  # flat
    images[3] *= 1e-3  # below a grey level
    np.testing.assert_allclose(standardise(torch.from_numpy(images)), per_image(images), atol=2e-5)
    look = Look((0.0,) * 3, (1.0,) * 3, policy=None, channels_last=False, per_image=True)
    squares = torch.randint(0, 256, (2, 8, 8, 1), dtype=torch.uint8)
    seen = prepare(Batch(squares, None, None), look, seed=0, epoch=None)
    assert seen.shape == (2, 3, 8, 8)
    assert seen.mean((1, 2, 3)).abs().max() < 1e-5


def test_a_device_that_is_absent_is_an_error():
    assert pick_device("cpu").type == "cpu"
    for name, available in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not available:
            with pytest.raises(UsageError, match=f"device is {name}, but torch finds no"):
                pick_device(name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 2}, "workers is 2, but nothing is to be read"),
        ({"workers": -1, "no_cache": True}, "workers is -1; expected at least 0"),
        ({"pin_memory": True}, "pin_memory is for CUDA; device is cpu"),
        ({"image_size": 15}, "image_size is 15; expected at least 16"),
    ],
)
def test_options_that_make_no_sense_are_refused(config, options, said):
    with pytest.raises(UsageError, match=said):
        config(**options)
