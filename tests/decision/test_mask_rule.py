import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gyrus.decision.mask_rule import MaskRule, holes, thresholded
from gyrus.decision.mask_rule_fitting import RuleSearch, _rules


def one_class(rows):
    """Probabilities (1, h, w) that mark the letters x."""
    return np.array([[[0.9 if cell == "x" else 0.1 for cell in row] for row in rows]], np.float32)


RING = one_class(["........", ".xxxx...", ".x..x..x", ".xxxx...", "........", "......xx"])


def areas(mask):
    return sorted(np.bincount(ndimage.label(mask, np.ones((3, 3)))[0].ravel())[1:].tolist())


def test_a_threshold_alone_marks_from_it_on():
    assert MaskRule(threshold=0.9).apply(RING.astype(np.float64).round(1)).sum() == 13
    assert MaskRule(threshold=0.95).apply(RING).sum() == 0


def test_steps_fill_keep_and_drop():
    assert areas(MaskRule(fill_holes=True).apply(RING)) == [1, 2, 12]
    assert areas(MaskRule(largest=True).apply(RING)) == [10]
    assert areas(MaskRule(min_size=2).apply(RING)) == [2, 10]
    assert areas(MaskRule(fill_holes=True, largest=True, min_size=12).apply(RING)) == [12]
    assert areas(MaskRule(largest=True, min_size=11).apply(RING)) == []


def test_a_size_in_mm2_needs_the_area_of_a_pixel():
    rule = MaskRule(min_size=1.0, unit="mm2")
    assert areas(rule.apply(RING, pixel_mm2=0.5)) == [2, 10]
    assert areas(rule.apply(RING, pixel_mm2=0.25)) == [10]
    assert areas(rule.apply(RING)) == [1, 2, 10]


def test_of_several_classes_a_class_within_a_hole_stays():
    planes = np.zeros((2, 5, 5), np.float32)
    planes[0, :, :] = 0.8
    planes[0, 1:4, 1:4] = 0.1
    planes[1, 2, 2] = 0.7
    mask = MaskRule(fill_holes=True).apply(planes)
    assert mask[2, 2] == 2
    assert (mask == 1).sum() == 24


def test_nothing_marked_stays_nothing():
    assert (
        not MaskRule(fill_holes=True, largest=True, min_size=5).apply(np.zeros((3, 4, 6), np.float32)).any()
    )


def test_card_round_trip():
    rule = MaskRule(0.3, True, True, 25.0, "mm2", {"split": "val", "images": 3})
    assert MaskRule.from_card(rule.to_card()) == rule
    assert MaskRule.from_card(rule.to_card()).to_card() == rule.to_card()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9))
def test_holes_are_those_of_scipy(seed, height, width):
    own = np.random.default_rng(seed).random((height, width)) < 0.6
    assert (holes(own) == (ndimage.binary_fill_holes(own) & ~own)).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2), st.sampled_from([None, 0.3]))
def test_the_search_scores_every_rule_as_applying_it_does(seed, n_classes, pixel_mm2):
    rng = np.random.default_rng(seed)
    unit = "px" if pixel_mm2 is None else "mm2"
    search = RuleSearch(n_classes, unit)
    cases = []
    for _ in range(3):
        planes = rng.random((n_classes, 14, 12)) / n_classes
        planes[:, rng.random((14, 12)) < 0.5] = 0
        true = rng.integers(0, n_classes + 1, (14, 12)).astype(np.uint8) * (rng.random() < 0.7)
        search.add(planes, true.astype(np.uint8), pixel_mm2)
        cases.append((planes, true))
    rules = list(_rules(unit))
    with np.errstate(invalid="ignore"):
        means = search._sum / search._count
    for place in rng.choice(len(rules), 12, replace=False):
        scores = []
        for planes, true in cases:
            mask = rules[place].apply(planes, pixel_mm2)
            for number in range(1, n_classes + 1):
                whole = (mask == number).sum() + (true == number).sum()
                if whole:
                    scores.append(2 * ((mask == number) & (true == number)).sum() / whole)
        assert means[place] == pytest.approx(np.mean(scores) if scores else np.nan, nan_ok=True)


def test_the_search_finds_what_helps_and_nothing_more():
    rng = np.random.default_rng(1)
    helped, plain = RuleSearch(1), RuleSearch(1)
    for _ in range(4):
        true = np.zeros((40, 40), np.uint8)
        true[10:25, 12:30] = 1
        planes = np.where(true, 0.8, 0.05)[None].astype(np.float32)
        plain.add(planes, true)
        specks = planes.copy()
        specks[0, rng.integers(28, 40, 5), rng.integers(0, 40, 5)] = 0.95
        specks[0, 15, 20] = 0.02
        helped.add(specks, true)
    assert plain.choose().rule == MaskRule()
    found = helped.choose()
    assert found.rule.largest or found.rule.min_size > 0
    assert found.dice == pytest.approx(1.0, abs=1e-2)
    assert found.dice > found.dice_before


def test_images_without_anything_choose_the_plain_rule():
    search = RuleSearch(1)
    search.add(np.zeros((1, 8, 8), np.float32), np.zeros((8, 8), np.uint8))
    found = search.choose()
    assert found.rule == MaskRule()
    assert found.dice is None


def test_thresholded_of_several_classes_sums_the_foreground():
    planes = np.array([[[0.3, 0.2]], [[0.25, 0.2]]])
    assert thresholded(planes, 0.5).tolist() == [[1, 0]]
