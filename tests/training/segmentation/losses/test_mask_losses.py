"""Every loss of masks through one battery, and what is said of its empty masks."""

import pytest
import torch

from gyrus.config.mask_losses import MaskLossOptions
from gyrus.errors import UsageError
from gyrus.training.segmentation.losses import DeepSupervision, make_mask_loss
from gyrus.training.segmentation.losses.boundary import distance_to, signed_distance

NAMES = ("ce", "weighted_ce", "focal", "dice", "dice_ce", "tversky", "focal_tversky", "boundary", "lovasz")
SIDE = 24


def make(name, planes=1):
    weights = (1.0, 4.0, 2.0)[: max(planes, 2)] if name == "weighted_ce" else ()
    return make_mask_loss(MaskLossOptions(mask_loss=name, mask_weights=weights))


def masks_of(planes, n=4):
    """Return masks with a square of each class; the last picture shows nothing."""
    masks = torch.zeros(n, SIDE, SIDE, dtype=torch.uint8)
    for i in range(n - 1):
        masks[i, 4 + i : 12 + i, 5:13] = 1
        if planes > 1:
            masks[i, 16:20, 14 + i : 20 + i] = 2
    return masks


def answer(masks, planes, sure=8.0):
    """Return logits that are right, ``sure`` of it."""
    if planes == 1:
        return ((masks[:, None] > 0).float() * 2 - 1) * sure
    return torch.nn.functional.one_hot(masks.long(), planes).movedim(-1, 1).float() * 2 * sure


@pytest.fixture(params=[1, 3], ids=["one class", "two classes"])
def planes(request):
    return request.param


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def noise(planes, n=4, seed=0):
    return torch.randn(n, planes, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def test_a_batch_is_the_mean_of_its_pictures(name, planes):
    loss, logits, masks = make(name, planes), noise(planes), masks_of(planes)
    each = loss.per_sample(logits, masks)
    assert each.shape == (4,)
    torch.testing.assert_close(loss(logits, masks), each.mean())
    alone = torch.stack([loss(logits[i : i + 1], masks[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(each, alone)


def test_parts_add_up_to_the_whole(name, planes):
    """Accumulated gradients are the batch's own: the loss can be taken in parts."""
    loss, logits, masks = make(name, planes), noise(planes), masks_of(planes)
    parts = sum(loss.total(logits[part], masks[part]) for part in (slice(0, 1), slice(1, 4)))
    torch.testing.assert_close(parts / loss.weight_of(masks), loss(logits, masks))


def test_a_right_answer_costs_less_than_a_wrong_one(name, planes):
    loss, masks = make(name, planes), masks_of(planes)
    right, wrong = answer(masks, planes), answer(masks.roll(9, dims=2), planes)
    assert loss(right, masks) < loss(noise(planes), masks)
    assert loss(right, masks) < loss(wrong, masks)


def test_a_step_downhill_is_towards_the_right_answer(name, planes):
    loss, masks = make(name, planes), masks_of(planes)
    logits = torch.zeros(4, planes, SIDE, SIDE, requires_grad=True)
    before = loss(logits, masks)
    (slope,) = torch.autograd.grad(before, logits)
    assert torch.isfinite(slope).all()
    step = logits.detach() - 0.5 * slope / slope.abs().max()
    assert loss(step, masks) < before


def test_empty_masks_have_a_finite_loss_that_falls_as_paint_goes(name, planes):
    loss, empty = make(name, planes), torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    painted = answer(masks_of(planes)[:1], planes)
    clean = answer(empty, planes).requires_grad_()
    value = loss(clean, empty)
    assert 0 <= value.item() < 0.5 * loss(painted, empty).item()
    (slope,) = torch.autograd.grad(value, clean)
    assert torch.isfinite(slope).all()


def test_full_masks_and_sure_answers_are_finite(name, planes):
    loss = make(name, planes)
    full = torch.ones(2, SIDE, SIDE, dtype=torch.uint8)
    for masks in (full, 0 * full):
        for sure in (80.0, -80.0):
            logits = answer(masks, planes, sure).requires_grad_()
            value = loss(logits, masks)
            (slope,) = torch.autograd.grad(value, logits)
            assert torch.isfinite(value)
            assert torch.isfinite(slope).all()


def test_logits_in_bf16_are_summed_in_float32(name, planes):
    loss, masks = make(name, planes), masks_of(planes)
    half = noise(planes).bfloat16()
    value = loss(half, masks)
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(half.float(), masks))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(loss(half, masks), value, rtol=1e-5, atol=1e-6)


def test_whole_numbers_of_any_kind_are_masks(name, planes):
    loss, masks = make(name, planes), masks_of(planes)
    torch.testing.assert_close(loss(noise(planes), masks), loss(noise(planes), masks.long()))


def test_dice_and_tversky_of_an_empty_mask_are_what_is_written():
    logits = noise(1, n=1)
    empty = torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    painted = logits.sigmoid().sum()
    torch.testing.assert_close(make("dice")(logits, empty), painted / (painted + 1))
    torch.testing.assert_close(make("tversky")(logits, empty), 0.3 * painted / (0.3 * painted + 0.5))


def test_the_boundary_says_nothing_of_an_empty_mask():
    logits, empty = noise(1, n=1), torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    assert torch.equal(make("boundary")(logits, empty), make("dice")(logits, empty))


def test_tversky_is_dice_at_half_and_focal_is_ce_at_zero():
    logits, masks = noise(3), masks_of(3)
    half = make_mask_loss(MaskLossOptions(mask_loss="tversky", false_positives=0.5))
    torch.testing.assert_close(half(logits, masks), make("dice")(logits, masks))
    flat = make_mask_loss(MaskLossOptions(mask_loss="focal", mask_focal_gamma=0.0))
    torch.testing.assert_close(flat(logits, masks), make("ce")(logits, masks))


def test_missed_pixels_cost_more_than_painted_ones_under_tversky():
    loss, masks = make("tversky"), masks_of(1)[:1]
    less, more = masks.clone(), masks.clone()
    less[0, 4:8] = 0
    more[0, 12:16, 5:13] = 1
    assert loss(answer(less, 1), masks) > loss(answer(more, 1), masks)
    assert make("dice")(answer(less, 1), masks) > 0


def test_weights_come_from_pixels_where_none_are_given():
    options = MaskLossOptions(mask_loss="weighted_ce")
    assert make_mask_loss(options, (900, 60, 40)).weights.tolist() == pytest.approx(
        [1000 / 2700, 1000 / 180, 1000 / 120]
    )


@pytest.mark.parametrize("counts", [None, (100, 0)])
def test_weights_of_no_pixels_are_refused(counts):
    with pytest.raises(UsageError, match="weighted_ce weighs classes"):
        make_mask_loss(MaskLossOptions(mask_loss="weighted_ce"), counts)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="has 2 numbers; expected 3"):
        make_mask_loss(MaskLossOptions(mask_loss="weighted_ce", mask_weights=(1.0, 2.0)), (5, 5, 5))
    with pytest.raises(UsageError, match="mask_loss is dice"):
        MaskLossOptions(mask_loss="dice", mask_weights=(1.0, 2.0))
    with pytest.raises(UsageError, match="numbers above 0"):
        MaskLossOptions(mask_loss="weighted_ce", mask_weights=(0.0, 2.0))


def test_deep_supervision_of_one_resolution_is_the_loss_itself(name, planes):
    loss, logits, masks = make(name, planes), noise(planes), masks_of(planes)
    torch.testing.assert_close(DeepSupervision(loss)([logits], masks), loss(logits, masks))


def test_deep_supervision_weighs_each_coarser_resolution_half():
    loss, masks = make("ce"), masks_of(1)
    logits = [noise(1), noise(1)[..., :12, :12], noise(1)[..., :6, :6]]
    deep = DeepSupervision(loss)
    expected = sum(
        weight * loss(level, masks[:, step // 2 :: step, step // 2 :: step])
        for weight, level, step in zip((4 / 7, 2 / 7, 1 / 7), logits, (1, 2, 4), strict=True)
    )
    torch.testing.assert_close(deep(logits, masks), expected)
    parts = deep.total([level[:1] for level in logits], masks[:1]) + deep.total(
        [level[1:] for level in logits], masks[1:]
    )
    torch.testing.assert_close(parts / deep.weight_of(masks), expected)


def test_distances_are_exact():
    ndimage = pytest.importorskip("scipy.ndimage")
    torch.manual_seed(0)
    points = torch.rand(6, 17, 29) > torch.tensor([0.5, 0.9, 0.99, 0.995, 0.7, 0.3])[:, None, None]
    points[:, 3, 5] = True
    for picture in points:
        expected = torch.from_numpy(ndimage.distance_transform_edt(~picture.numpy())).float()
        torch.testing.assert_close(distance_to(picture), expected)


def test_signed_distances_are_negative_inside_and_zero_where_there_is_no_border():
    mask = torch.zeros(3, 8, 16, dtype=torch.bool)
    mask[0, 2:6, 4:12] = True
    mask[1] = True
    signed = signed_distance(mask)
    assert signed[0, 0, 4] == 2 / 16
    assert signed[0, 2, 4] == 0
    assert signed[0, 3, 6] == -1 / 16
    assert signed[1:].abs().max() == 0
