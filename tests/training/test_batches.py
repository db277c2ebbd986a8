import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gyrus.errors import DataError
from gyrus.training.augmentation import POLICIES
from gyrus.training.batches import Batch, BatchOrder, Look, SplitPixels, prepare
from gyrus.training.device_pixels import keep_pixels_on_device
from gyrus.training.preparation import normalise, to_unit

PLAIN = Look(mean=(0.5,) * 3, std=(0.25,) * 3, policy=None, channels_last=False)


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 9) | st.none())
def test_batches_hold_every_image_once_and_differ_by_one_at_most(size, batch_size, seed):
    order = BatchOrder(size, batch_size, seed)
    batches = list(order)
    assert len(batches) == len(order)
    assert sorted(np.concatenate(batches).tolist()) == list(range(size))
    sizes = {len(batch) for batch in batches}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_the_order_is_a_function_of_seed_and_epoch():
    order = BatchOrder(50, 8, seed=1)
    first = np.concatenate(list(order))
    assert np.array_equal(np.concatenate(list(order)), first)
    order.set_epoch(1)
    assert not np.array_equal(np.concatenate(list(order)), first)
    order.set_epoch(0)
    assert np.array_equal(np.concatenate(list(order)), first)
    assert np.array_equal(np.concatenate(list(BatchOrder(50, 8))), np.arange(50))


def test_each_image_meets_its_own_label(bar_data):
    manifest, pixels = bar_data
    split = SplitPixels(manifest, "train", pixels)
    batch = split[np.array([5, 0, 47])]
    assert batch.labels.tolist() == [5 % 3, 0, 47 % 3]
    # the bar's height tells the class
    bar = [int(image[:, 8:24, 0].float().mean(1).argmax()) for image in batch.pixels]
    assert [2 - (top - 4) // 8 for top in bar] == batch.labels.tolist()


def test_an_empty_split_and_a_missing_label_are_refused(bar_data):
    manifest, pixels = bar_data
    with pytest.raises(DataError, match="'cal' has no images"):
        SplitPixels(manifest, "cal", pixels)
    bare = manifest.with_rows(row.with_(label="") if row.image_id == "i3" else row for row in manifest)
    with pytest.raises(DataError, match="have no label") as caught:
        SplitPixels(bare, "train", pixels)
    assert caught.value.details == ["i3"]


def test_grey_pixels_become_the_networks_channels():
    pixels = torch.tensor([[[[0], [255]]]], dtype=torch.uint8)
    images = prepare(Batch(pixels, torch.zeros(1), np.zeros(1, np.int64)), PLAIN, seed=0, epoch=None)
    assert images.shape == (1, 3, 1, 2)
    assert images[0, :, 0, 0].tolist() == [-2.0] * 3
    assert images[0, :, 0, 1].tolist() == [2.0] * 3


def test_colour_channels_keep_their_order():
    images = normalise(
        to_unit(torch.tensor([[[[10, 20, 30]]]], dtype=torch.uint8)), (0.0,) * 3, (1 / 255,) * 3
    )
    assert images.flatten().tolist() == pytest.approx([10, 20, 30])


def test_training_batches_are_augmented_and_validation_batches_not():
    look = Look(mean=(0.0,), std=(1.0,), policy=POLICIES["brain-mri"], channels_last=False)
    pixels = torch.randint(0, 256, (2, 16, 16, 1), dtype=torch.uint8)
    batch = Batch(pixels, torch.zeros(2), np.arange(2))
    plain = prepare(batch, look, seed=0, epoch=None)
    torch.testing.assert_close(plain, to_unit(pixels))
    first, again, later = (prepare(batch, look, seed=0, epoch=epoch) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, plain, atol=0.02)
    assert not torch.allclose(first, later, atol=0.02)


def test_channels_last_changes_the_layout_and_no_value():
    batch = Batch(torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8), torch.zeros(2), np.arange(2))
    last = Look(mean=PLAIN.mean, std=PLAIN.std, policy=None, channels_last=True)
    images = prepare(batch, last, seed=0, epoch=None)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, prepare(batch, PLAIN, seed=0, epoch=None))


def test_pixels_copied_to_a_device_as_a_whole_give_the_same_batches(bar_data):
    manifest, pixels = bar_data
    kept, read = (SplitPixels(manifest, "train", pixels) for _ in range(2))
    assert not kept.on_device
    assert kept.size_bytes == 48 * 32 * 32
    kept.keep_on(torch.device("cpu"))
    assert kept.on_device
    index = np.array([3, 47, 0, 48 + 3])  # the last is the first again, of a sampler
    for ours, theirs in zip(kept[index], read[index], strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_only_cuda_has_memory_of_its_own(bar_data, config):
    split = SplitPixels(bar_data[0], "train", bar_data[1])
    assert not keep_pixels_on_device((split,), config(), torch.device("cpu"))
    assert not split.on_device
