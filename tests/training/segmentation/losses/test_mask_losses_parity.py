"""Losses of masks against MONAI's and segmentation_models_pytorch's, where they have them."""

import warnings

import pytest
import torch
from torch.nn import functional

from gyrus.config.mask_losses import MaskLossOptions
from gyrus.training.segmentation.losses import make_mask_loss
from gyrus.training.segmentation.losses.overlap import SMOOTH

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    monai = pytest.importorskip("monai.losses")
    smp = pytest.importorskip("segmentation_models_pytorch.losses")

SIDE = 16


def drawn(planes, n=3):
    generator = torch.Generator().manual_seed(planes)
    logits = 2 * torch.randn(n, planes, SIDE, SIDE, generator=generator)
    masks = torch.randint(0, max(planes, 2), (n, SIDE, SIDE), generator=generator)
    masks[-1] = 0  # one picture shows nothing
    return logits, masks


def ours(name, **options):
    return make_mask_loss(MaskLossOptions(mask_loss=name, **options))


def as_monai(planes):
    return (
        {"sigmoid": True}
        if planes == 1
        else {"softmax": True, "to_onehot_y": True, "include_background": False}
    )


@pytest.mark.parametrize("planes", [1, 4])
def test_dice_is_monais(planes):
    logits, masks = drawn(planes)
    theirs = monai.DiceLoss(**as_monai(planes), smooth_nr=SMOOTH, smooth_dr=SMOOTH)
    torch.testing.assert_close(ours("dice")(logits, masks), theirs(logits, masks[:, None].float()))


@pytest.mark.parametrize("planes", [1, 4])
def test_tversky_is_monais(planes):
    logits, masks = drawn(planes)
    truth = (
        masks[:, None].float() if planes == 1 else functional.one_hot(masks, planes).movedim(-1, 1).float()
    )
    shown = {"sigmoid": True} if planes == 1 else {"softmax": True, "include_background": False}
    theirs = monai.TverskyLoss(**shown, alpha=0.2, beta=0.8, smooth_nr=SMOOTH / 2, smooth_dr=SMOOTH / 2)
    torch.testing.assert_close(ours("tversky", false_positives=0.2)(logits, masks), theirs(logits, truth))


@pytest.mark.parametrize("planes", [1, 4])
def test_focal_is_monais(planes):
    logits, masks = drawn(planes)
    several = {} if planes == 1 else {"use_softmax": True, "to_onehot_y": True}
    theirs = monai.FocalLoss(gamma=2.0, **several)(logits, masks[:, None].float())
    # MONAI's mean is over planes too; the planes that are not the pixel's class are zeros there
    torch.testing.assert_close(ours("focal")(logits, masks), theirs * planes)


@pytest.mark.parametrize("planes", [1, 4])
def test_dice_and_cross_entropy_is_monais(planes):
    logits, masks = drawn(planes)
    theirs = monai.DiceCELoss(**as_monai(planes), smooth_nr=SMOOTH, smooth_dr=SMOOTH)
    torch.testing.assert_close(ours("dice_ce")(logits, masks), theirs(logits, masks[:, None].float()))


def test_cross_entropy_is_torchs():
    logits, masks = drawn(3)
    torch.testing.assert_close(ours("ce")(logits, masks), functional.cross_entropy(logits, masks))
    weights = (0.5, 3.0, 2.0)
    summed = functional.cross_entropy(logits, masks, weight=torch.tensor(weights), reduction="sum")
    weighted = ours("weighted_ce", mask_weights=weights)(logits, masks)
    torch.testing.assert_close(weighted, summed / masks.numel())


def test_lovasz_is_smps():
    logits, masks = drawn(1)
    theirs = smp.LovaszLoss("binary", per_image=True)
    torch.testing.assert_close(ours("lovasz")(logits, masks), theirs(logits, masks))
    logits, masks = drawn(4)
    theirs = smp.LovaszLoss("multiclass", per_image=True)
    torch.testing.assert_close(ours("lovasz")(logits, masks), theirs(logits, masks))


def test_focal_tversky_is_smps_of_one_picture():
    logits, masks = drawn(1)
    # smp sums over the batch: a picture at a time; its smoothing stands above and below as ours does
    theirs = smp.TverskyLoss("binary", alpha=0.3, beta=0.7, gamma=0.75, smooth=SMOOTH / 2)
    each = torch.stack([theirs(logits[i : i + 1], masks[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(ours("focal_tversky").per_sample(logits, masks)[:2], each)
