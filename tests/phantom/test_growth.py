"""Where tumours sit, and that they are painted where the mask says."""

import numpy as np
import pytest

from gyrus.phantom.anatomy import CEREBRAL, SELLAR, draw_anatomy
from gyrus.phantom.frame import make_frame
from gyrus.phantom.growth import find_seat, grow
from gyrus.phantom.head import dome, paint_cerebrum
from gyrus.phantom.skullbase import paint_skull_base
from gyrus.phantom.tumours import GLIOMA, MENINGIOMA, PITUITARY, draw_tumour


def grown(kind, seed, level=CEREBRAL):
    """Return tumour, frame, the mask, and the slice before and after."""
    rng = np.random.default_rng(seed)
    anatomy = draw_anatomy(rng, level=level)
    frame = make_frame(rng, anatomy, 160, bias_strength=0.0)
    layers = (paint_skull_base if level == SELLAR else paint_cerebrum)(frame, anatomy, anatomy.z_mm)
    tumour = draw_tumour(rng, kind, level=level, tissue=anatomy.white)
    before = layers.image.copy()
    mask = grow(tumour, find_seat(tumour, frame, layers), frame, layers, above_mm=0.0)
    return tumour, frame, layers, mask, before


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level", [CEREBRAL, SELLAR])
def test_a_glioma_keeps_within_the_skull(seed, level):
    _, _, layers, mask, _ = grown(GLIOMA, seed, level)
    assert layers.depth[mask].min() >= 1.0


@pytest.mark.parametrize("seed", range(12))
def test_a_meningioma_of_the_convexity_lies_on_the_dura(seed):
    tumour, _, layers, mask, _ = grown(MENINGIOMA, seed)
    if tumour.place == "convexity":
        assert layers.depth[mask].min() < 1.5
        base = mask & (layers.depth < 2.5)
        assert base.sum() >= 5  # a broad base, not a point


def test_a_meningioma_of_the_falx_touches_the_midline():
    seats = [grown(MENINGIOMA, seed) for seed in range(40)]
    on_falx = [(frame, mask) for tumour, frame, _, mask, _ in seats if tumour.place == "falx"]
    assert len(on_falx) >= 3
    assert all(frame.side[mask].min() < 6 for frame, mask in on_falx)


@pytest.mark.parametrize("seed", range(12))
def test_a_pituitary_tumour_holds_the_sella(seed):
    _, frame, _, mask, _ = grown(PITUITARY, seed, SELLAR)
    assert abs(frame.x[mask].mean()) < 6
    assert -25 < frame.y[mask].mean() < -5


@pytest.mark.parametrize("kind", [GLIOMA, MENINGIOMA])
def test_the_picture_changes_in_the_tumour_and_not_far_from_it(kind):
    for seed in range(6):
        tumour, frame, layers, mask, before = grown(kind, seed)
        changed = np.abs(layers.image - before) > 1e-6
        assert changed[mask].mean() > 0.9
        rows, columns = np.nonzero(mask)
        far = tumour.radius_mm * 3 + tumour.oedema_mm * 3 + 30
        x, y = frame.x[rows, columns].mean(), frame.y[rows, columns].mean()
        assert not changed[np.hypot(frame.x - x, frame.y - y) > far].any()


def test_a_ring_is_brighter_than_its_core_and_its_surroundings():
    rings = 0
    for seed in range(20):
        tumour, _, layers, mask, before = grown(GLIOMA, seed)
        if tumour.rim_mm < 0.5 * tumour.radius_mm and tumour.rim > tumour.core + 0.2:
            inside = layers.image[mask]
            assert np.quantile(inside, 0.9) > before[mask].mean() + 0.1
            assert np.quantile(inside, 0.1) < before[mask].mean()
            rings += 1
    assert rings >= 10


def test_a_tumour_is_smaller_away_from_its_middle_but_never_gone():
    rng = np.random.default_rng(1)
    anatomy = draw_anatomy(rng, level=CEREBRAL)
    frame = make_frame(rng, anatomy, 160, bias_strength=0.0)
    tumour = draw_tumour(rng, MENINGIOMA, level=CEREBRAL, tissue=anatomy.white)
    layers = paint_cerebrum(frame, anatomy, anatomy.z_mm)
    seat = find_seat(tumour, frame, layers)
    areas = [
        grow(tumour, seat, frame, paint_cerebrum(frame, anatomy, anatomy.z_mm), above_mm=above).sum()
        for above in (tumour.z_offset_mm, tumour.z_offset_mm + 12, tumour.z_offset_mm + 60)
    ]
    assert areas[0] > areas[1] > areas[2] > 0


def test_a_mass_pushes_the_anatomy_away_and_leaves_the_skull():
    rng = np.random.default_rng(0)
    frame = make_frame(rng, draw_anatomy(rng, level=CEREBRAL), 160, bias_strength=0.0)
    pressed = frame.pressed(30.0, 0.0, 20.0)
    near = np.hypot(frame.x - 38, frame.y) < 4  # just beside the mass
    assert (np.abs(pressed.x - 30)[near] < np.abs(frame.x - 30)[near]).all()
    assert (pressed.rim == frame.rim).all()
    far = np.hypot(frame.x - 30, frame.y) > 90
    assert np.abs(pressed.x - frame.x)[far].max() < 0.1


def test_the_head_narrows_towards_its_top():
    assert dome(0) == 1
    assert dome(20) > dome(40) > dome(80) > 0
