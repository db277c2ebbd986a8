"""What the phantom promises: seeded subjects, masks and boxes that fit, anatomy that stays, speed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.errors import UsageError
from gyrus.phantom import CLASSES, Phantom, generate, generate_subject


@pytest.fixture(scope="module")
def slices():
    return list(generate(Phantom(subjects=24, image_size=128, seed=3)))


def test_counts_classes_and_names(slices):
    assert len(slices) == 24 * 5
    assert [image.label for image in slices[::5]] == list(CLASSES) * 6
    assert slices[5].subject_id == "S0001"
    assert [image.index for image in slices[:5]] == [0, 1, 2, 3, 4]
    assert {image.pixels.shape for image in slices} == {(128, 128)}
    assert {image.pixels.dtype for image in slices} == {np.dtype(np.uint8)}


def test_a_larger_cohort_begins_with_the_same_subjects():
    small = list(generate(Phantom(subjects=3, slices_per_subject=2, image_size=64)))
    large = list(generate(Phantom(subjects=9, slices_per_subject=2, image_size=64)))
    for before, after in zip(small, large, strict=False):
        assert (before.pixels == after.pixels).all()
        assert before.boxes == after.boxes


def test_a_subject_can_be_drawn_alone(slices):
    alone = list(generate_subject(Phantom(subjects=24, image_size=128, seed=3), 7))
    assert all((one.pixels == other.pixels).all() for one, other in zip(alone, slices[35:40], strict=True))


def test_another_seed_is_another_cohort():
    first, second = (next(generate(Phantom(image_size=64, seed=seed))) for seed in (0, 1))
    assert (first.pixels != second.pixels).any()


def test_masks_and_boxes_belong_to_tumours(slices):
    for image in slices:
        if image.label == "no_tumor":
            assert not image.mask.any()
            assert image.boxes == ()
            continue
        ((left, top, right, bottom),) = image.boxes
        assert image.mask[top:bottom, left:right].sum() == image.mask.sum() > 0
        assert image.mask[top].any()
        assert image.mask[bottom - 1].any()
        assert image.mask[:, left].any()
        assert image.mask[:, right - 1].any()


def test_tumours_have_the_size_of_tumours(slices):
    pixel_mm = 220 / 128
    across = [2 * np.sqrt(image.mask.sum() / np.pi) * pixel_mm for image in slices if image.boxes]
    assert min(across) > 5
    assert max(across) < 75


def test_a_pituitary_tumour_sits_in_the_middle(slices):
    for image in slices:
        if image.label == "pituitary":
            rows, columns = np.nonzero(image.mask)
            head = np.flatnonzero((image.pixels > 60).any(axis=0))
            middle = (head[0] + head[-1]) / 2
            assert abs(columns.mean() - middle) < 0.15 * (head[-1] - head[0])
            assert 0.25 < rows.mean() / 128 < 0.65


def test_tumours_are_brighter_than_their_surroundings_as_their_kind_is(slices):
    """Homogeneous: nearly all of the tumour above the brain; ring: bright rim, dark core."""
    spread = {}
    for label in ("glioma", "meningioma", "pituitary"):
        inside = [image.pixels[image.mask].astype(float) for image in slices if image.label == label]
        spread[label] = np.mean([values.std() / values.mean() for values in inside])
    assert spread["glioma"] > 1.5 * spread["meningioma"]
    assert spread["glioma"] > 1.5 * spread["pituitary"]


def test_slices_of_a_subject_resemble_each_other_more_than_subjects_do(slices):
    pixels = np.stack([image.pixels for image in slices]).astype(float).reshape(len(slices), -1)
    alike = np.corrcoef(pixels)
    subject = np.array([image.subject_id for image in slices])
    level = subject[:, None] == subject[None, :]
    other = ~level
    within = alike[level & ~np.eye(len(slices), dtype=bool)]
    assert within.mean() > alike[other].mean() + 0.15
    assert np.median(within) > np.quantile(alike[other], 0.98)


def test_noise_is_rician_in_the_air():
    """The magnitude of pure noise follows Rayleigh's distribution: mean over deviation is 1.91."""
    image = next(generate(Phantom(subjects=1, image_size=512, seed=5)))
    air = image.pixels[:30].astype(float) + 0.5  # grey levels are floors
    assert air.mean() / np.sqrt(air.var() + 1 / 12) == pytest.approx(1.91, abs=0.35)


def test_intensities_fill_the_range_without_drowning_in_white(slices):
    for image in slices:
        assert image.pixels.max() > 120
        assert np.mean(image.pixels == 255) < 0.02
        assert np.median(image.pixels[56:72, 56:72]) > 25


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    number=st.integers(0, 500),
    size=st.sampled_from([32, 50, 97, 160]),
    count=st.integers(1, 7),
)
def test_every_subject_can_be_drawn(seed, number, size, count):
    images = list(generate_subject(Phantom(seed=seed, image_size=size, slices_per_subject=count), number))
    assert len(images) == count
    for image in images:
        assert image.pixels.shape == image.mask.shape == (size, size)
        assert bool(image.boxes) == (image.label != "no_tumor")
        assert image.pixels.std() > 10


def test_some_of_the_classes_only():
    phantom = Phantom(subjects=4, slices_per_subject=1, image_size=64, classes=("no_tumor", "pituitary"))
    assert [image.label for image in generate(phantom)] == ["no_tumor", "pituitary"] * 2


@pytest.mark.parametrize(
    "options",
    [
        {"subjects": 0},
        {"slices_per_subject": 0},
        {"image_size": 16},
        {"image_size": 4096},
        {"seed": -1},
        {"classes": ()},
        {"classes": ("glioma", "glioma")},
        {"classes": ("cat",)},
    ],
)
def test_impossible_phantoms_are_refused(options):
    with pytest.raises(UsageError):
        Phantom(**options)


def test_two_hundred_images_a_second_on_one_core():
    """Processor time, for the clock on the wall also counts the neighbours."""
    phantom = Phantom(subjects=6)
    speeds = []
    for _ in range(6):
        begin = time.process_time()
        count = sum(1 for _ in generate(phantom))
        speeds.append(count / (time.process_time() - begin))
    assert max(speeds) > 200  # 400 on an idle core
