import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_check import problems

import tiny_masks
from gyrus.bundles import decode_bundle
from gyrus.data.spacing import Spacing
from gyrus.imaging.source import Source
from gyrus.inference.evidence import SCHEMA_FILE, Asked
from gyrus.inference.examining import Examiner
from gyrus.inference.mask_regions import regions_of
from gyrus.inference.mask_spread import entropy_of
from gyrus.inference.recorded import evidence_from_json
from gyrus.inference.segmenting import MaskPredictor
from gyrus.inference.spread import moved, moved_back, views

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def head(level=250):
    pixels = np.full((96, 128, 1), 30, np.uint8)
    pixels[24:60, 40:100] = level
    return pixels


def test_sizes_of_a_rectangle():
    mask = np.zeros((20, 30), np.uint8)
    mask[5:8, 10:14] = 1
    region = regions_of(mask, ("a", "b"), Spacing(2.0, 0.5))[0]
    assert (region.area_px, region.area_mm2, region.parts) == (12, 12.0, 1)
    # outlines cut the corners: the longest way leads between the middles of the outermost sides
    assert region.largest_diameter_px == pytest.approx(np.hypot(4, 2))
    assert region.largest_diameter_mm == pytest.approx(np.hypot(3 * 0.5, 3 * 2.0))
    assert [contour.hole for contour in region.contours] == [False]


def test_nothing_marked_has_no_diameter():
    region = regions_of(np.zeros((4, 4), np.uint8), ("a",))[0]
    assert (region.area_px, region.parts, region.largest_diameter_px, region.ends) == (0, 0, None, None)
    assert region.contours == ()


def test_a_hole_is_told_from_a_part_within_it():
    mask = np.zeros((11, 11), np.uint8)
    mask[1:10, 1:10], mask[3:8, 3:8], mask[5, 5] = 1, 0, 1
    region = regions_of(mask, ("a",))[0]
    assert region.parts == 2
    assert sorted(contour.hole for contour in region.contours) == [False, False, True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_largest_diameter_is_that_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random((9, 12)) < 0.5).astype(np.uint8)
    spacing = Spacing(*rng.uniform(0.3, 3, 2))
    region = regions_of(mask, ("a",), spacing)[0]
    longest = 0.0
    for contour in region.contours:
        points = np.array(contour.points) * [spacing.width_mm, spacing.height_mm]
        apart = np.linalg.norm(points[:, None] - points[None], axis=2).max()
        longest = longest if contour.hole else max(longest, apart)
    assert (region.largest_diameter_mm or 0.0) == pytest.approx(longest)


def test_entropy_is_0_where_sure_and_1_where_anything_may_be():
    planes = np.array([[[0.0, 1.0, 1 / 3]], [[0.0, 0.0, 1 / 3]]], np.float32)
    assert entropy_of(planes)[0] == pytest.approx([0, 0, 1], abs=1e-5)
    assert entropy_of(np.full((1, 1, 1), 0.5, np.float32))[0, 0] == pytest.approx(1)


def test_moving_back_undoes_moving():
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(40, 220, (6, 8)), np.ones((16, 16))).astype(np.uint8)[:, :, None]
    for view in views(4):
        back = moved_back(moved(smooth, view)[:, :, 0].astype(np.float32), view)
        known = moved_back(np.ones(smooth.shape[:2], np.float32), view) > 0.999
        assert known.mean() > 0.7
        assert np.median(np.abs(back - smooth[:, :, 0])[known]) < 3


def examined(level=250, tta=0, spacing=None, **options):
    bundle = decode_bundle(tiny_masks.bundle_bytes(**options))
    examiner = Examiner(MaskPredictor(bundle, 1), tta=tta)
    answer = next(iter(examiner.predictor.stream([head(level)], keep_pixels=True)))
    return examiner.examine(Asked(Source("a.png"), "a", spacing=spacing), answer), bundle


@pytest.mark.parametrize(
    "options", [{}, {"several": True}, {"joint": True, "rule": {"min_size": 4.0, "unit": "mm2"}}]
)
@pytest.mark.parametrize("level", [250, 35])
@pytest.mark.parametrize("tta", [0, 2])
def test_the_evidence_fits_the_schema_and_is_read_back(options, level, tta):
    spacing = Spacing(0.5, 0.4) if tta else None
    evidence, bundle = examined(level, tta, spacing, **options)
    told = {**evidence.to_json(), "page": None, "picture": None}
    assert problems(told, SCHEMA["$defs"]["evidence"], SCHEMA) == []
    back = evidence_from_json(json.loads(json.dumps(told)), bundle.card)
    assert back.to_json() == {name: value for name, value in told.items() if name not in ("page", "picture")}
    assert (back.answer.segmentation.mask == evidence.answer.segmentation.mask).all()


def test_the_spread_tells_overlap_entropy_and_areas():
    evidence, _ = examined(tta=3)
    spread = evidence.mask_spread
    assert 0.8 < spread.dice <= 1
    assert 0 < spread.entropy < 1
    assert spread.area_mean_px["lesion"] == pytest.approx(evidence.regions[0].area_px, rel=0.2)
    assert spread.entropy_map.shape == (96, 128)
    assert evidence.spread is None


def test_nothing_marked_anywhere_has_no_entropy():
    evidence, _ = examined(level=35, tta=2)
    assert evidence.mask_spread.entropy is None
    assert evidence.mask_spread.dice is None


def test_a_rule_in_mm2_follows_the_image_s_spacing():
    rule = {"min_size": 500.0, "unit": "mm2"}
    kept, _ = examined(rule=rule)
    assert kept.regions[0].area_px
    assert any("no spacing" in note for note in kept.answer.notes)
    dropped, _ = examined(rule=rule, spacing=Spacing(0.4, 0.4))
    assert dropped.regions[0].area_px == 0
    assert dropped.answer.notes == ()
