"""Images and masks move alike; patches and oversampling draw what they promise."""

import numpy as np
import pytest
import torch

from gyrus.config.augmenting import AugmentationOptions
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError
from gyrus.training.augmentation import POLICIES, apply, apply_to_masks, draw, policy_of
from gyrus.training.augmentation.applying import GEOMETRY
from gyrus.training.batches import Look
from gyrus.training.segmentation.answers import Answers, Truth
from gyrus.training.segmentation.batches import SplitMasks, mask_order, prepared
from gyrus.training.segmentation.patches import Patches, cut

NUMBERS = np.arange(6)


class Cache:
    """Pixels and masks in memory, with the faces of both caches."""

    def __init__(self, masks):
        self.masks = masks
        self.pixels = (masks[..., None] > 0).astype(np.uint8) * 200
        self.areas = np.stack([(masks == 1).sum((1, 2)), (masks == 2).sum((1, 2))], 1)

    def rows_of(self, names):
        return np.array([int(name) for name in names])


@pytest.fixture
def masks():
    """Six masks of 32 x 32: three circles of class 1 with class 2 within, three of nothing."""
    down, across = np.mgrid[:32, :32]
    found = np.zeros((6, 32, 32), np.uint8)
    for number, (y, x) in enumerate([(10, 12), (20, 8), (16, 22)]):
        far = (down - y) ** 2 + (across - x) ** 2
        found[number] = (far < 49).astype(np.uint8) + (far < 9)
    return found


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_a_mask_moves_as_its_image_moves(masks, policy):
    drawn = draw(3, 1, NUMBERS, policy_of(AugmentationOptions(augmentation=policy, flips=True)))
    tensor = torch.from_numpy(masks)
    moved = apply_to_masks(tensor, drawn)
    assert moved.dtype == torch.uint8
    assert set(moved.unique().tolist()) <= {0, 1, 2}  # numbers of classes are never mixed
    for number in (1, 2):
        image = apply((tensor == number).float()[:, None], drawn, GEOMETRY)[:, 0]
        differing = ((image > 0.5) != (moved == number)).sum()
        assert differing <= 0.25 * (moved == number).sum()  # along the border of a small disc
        assert (moved == number).sum() > 0


def test_noise_and_erasing_leave_masks_alone(masks):
    options = AugmentationOptions(augmentation="ct", erasing=0.9)
    drawn = draw(0, 0, NUMBERS, policy_of(options))
    assert (apply_to_masks(torch.from_numpy(masks), drawn) == torch.from_numpy(masks)).all()


def test_batches_hold_images_and_masks_of_the_same_draw(masks):
    look = Look(mean=(0.0,), std=(1.0,), policy=POLICIES["digits"], channels_last=False)
    cache = Cache(masks)
    pixels, truth = torch.from_numpy(cache.pixels), Truth(torch.from_numpy(masks))
    images, moved = prepared(pixels, truth, NUMBERS, look, seed=1, epoch=4)
    assert ((images[:, 0] > 0.4) != (moved.masks > 0)).float().mean() < 0.02
    assert (moved.masks != truth.masks).any()
    same, still = prepared(pixels, truth, NUMBERS, look, seed=1, epoch=None)
    assert (still.masks == truth.masks).all()
    assert ((same[:, 0] > 0.4) == (truth.masks > 0)).all()


def test_patches_are_cut_out_of_both_alike(masks):
    tensor = torch.from_numpy(masks)
    images = tensor[:, None].float()
    pieces, cut_masks = cut(images, tensor, Patches(16, 0.5), seed=0, epoch=0, numbers=NUMBERS)
    assert pieces.shape == (6, 1, 16, 16)
    assert (pieces[:, 0] == cut_masks).all()


def test_a_patch_is_a_function_of_its_image(masks):
    tensor = torch.from_numpy(masks)
    images = tensor[:, None].float()
    whole = cut(images, tensor, Patches(16, 0.5), seed=0, epoch=2, numbers=NUMBERS)[0]
    one = cut(images[4:5], tensor[4:5], Patches(16, 0.5), seed=0, epoch=2, numbers=NUMBERS[4:5])[0]
    assert (whole[4] == one[0]).all()


def test_positive_patches_hold_a_marked_pixel_anywhere():
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[0, 40, 23] = 1
    many = mask.expand(300, -1, -1)
    _, found = cut(many[:, None].float(), many, Patches(16, 0.999), seed=0, epoch=0, numbers=np.arange(300))
    assert found.flatten(1).any(1).float().mean() > 0.98
    places = found.flatten(1).float().argmax(1)
    rows, columns = places // 16, places % 16
    assert len(rows.unique()) == len(columns.unique()) == 16  # not in the middle alone
    _, rare = cut(many[:, None].float(), many, Patches(16, 0.0), seed=0, epoch=0, numbers=np.arange(300))
    assert rare.flatten(1).any(1).float().mean() < 0.3


def test_marked_images_come_as_often_as_asked():
    positive = np.array([1] * 10 + [0] * 90)
    for share in (0.5, 0.8):
        order = mask_order(positive, 3, 0, share)
        assert len(order) == 100
        assert abs(positive[order % 100].mean() - share) <= 0.01
        assert len(set(order.tolist())) == 100  # one shown twice has two draws
    assert sorted(mask_order(positive, 3, 0, None)) == list(range(100))
    assert sorted(mask_order(np.ones(5, int), 3, 0, 0.5)) == list(range(5))


def test_a_split_gives_images_masks_and_classes(masks):
    rows = tuple(
        Row(str(n), f"{n}.png", label="ab"[n % 2], split="train", width_px=64, height_px=50) for n in range(6)
    )
    manifest = Manifest(rows, ".", "segment")
    split = SplitMasks(manifest, "train", Cache(masks), Cache(masks), ("a", "b"))
    batch = split[np.array([4, 7])]  # 7 is image 1 for the second time
    assert (batch.labels.masks.numpy() == masks[[4, 1]]).all()
    assert batch.labels.classes.tolist() == [0, 1]
    assert split.positive.tolist() == [True, True, True, False, False, False]
    assert split.pixels_in_all() == 6 * 64 * 50
    split.keep_on(torch.device("cpu"))
    kept = split[np.array([4, 7])]
    assert (kept.labels.masks == batch.labels.masks).all()
    assert (kept.pixels == batch.pixels).all()
    with pytest.raises(DataError, match="'val' has no images"):
        SplitMasks(manifest, "val", Cache(masks), Cache(masks))


def test_answers_and_truth_are_taken_in_parts(masks):
    truth = Truth(torch.from_numpy(masks), torch.arange(6))
    assert len(truth[slice(2, 5)]) == 3
    assert truth[slice(2, 5)].classes.tolist() == [2, 3, 4]
    parts = [Answers((torch.ones(n, 1, 4, 4), torch.ones(n, 1, 2, 2)), torch.ones(n, 2)) for n in (2, 3)]
    whole = Answers.joined(parts)
    assert [len(level) for level in whole.masks] == [5, 5]
    assert whole.classes.shape == (5, 2)
    assert Answers.joined([Answers((torch.ones(1, 1, 2, 2),))] * 2).classes is None
