"""The report of a segmentation: whole, self-contained, outlines where the masks are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_checks import EVIL, checked, outside, words

from gyrus.evaluation.segmentation import MaskMeasuring, evaluate_segmentation
from gyrus.evaluation.segmentation_cases import MaskPair, measure_pairs
from gyrus.pages.context import ReportContext
from gyrus.pages.mask_pictures import MaskPicture, case_figure
from gyrus.pages.model_card import render_model_card
from gyrus.pages.outlines import outlines, path_of
from gyrus.pages.segmentation_report import render_segmentation, shown_ids
from gyrus.pages.segmentation_sections import cases

HOW = MaskMeasuring(tolerance=2.0, found_share=0.5, confidence=0.95)


def blob(side, at=5, number=1):
    mask = np.zeros((40, 32), np.uint8)
    mask[at : at + side, at : at + side] = number
    return mask


def pairs(name="P"):
    found = []
    for number in range(8):
        true = blob(4 + number) if number < 6 else blob(0)
        drawn = blob(0) if number == 2 else blob(4 + number, at=5 + number % 3)
        found.append(MaskPair(f"{name}{number}.png", f"{name}{number // 2}", f"{name}{number // 2}",
                              str(number % 2), true, drawn))  # fmt: skip
    return found


def result_of(given, classes=("lesion",)):
    return evaluate_segmentation(measure_pairs(given, classes, unit="px", tolerance=2.0), HOW)


def pictures_of(given, result):
    pixels = np.full((40, 32, 1), 90, np.uint8)
    return {one.image_id: MaskPicture(pixels, one.true, one.predicted) for one in given
            if one.image_id in shown_ids(result)}  # fmt: skip


def context(result, **more):
    return ReportContext(title="a run", evaluations={"val": result}, **more)


@pytest.fixture(scope="module")
def page():
    given = pairs()
    result = result_of(given)
    return render_segmentation(context(result), pictures_of(given, result))


def test_the_page_is_whole_and_fetches_nothing(page):
    found = checked(page)
    assert outside(page) == []
    assert found.handlers == []
    assert "script" not in found.names
    assert len(found.ids) == len(set(found.ids))
    assert len(page) < 1_000_000


def test_every_section_stands_there(page):
    for name in ("headline", "cases", "sizes", "classes", "empty", "patients", "folds", "reproduce"):
        assert f' id="{name}"' in page
    text = words(page)
    assert "6 show lesion; on 1 of these nothing was drawn" in text
    assert "nothing was drawn" in text
    assert "is left out of its means" in text
    assert "These are validation images" in text


@pytest.mark.parametrize(
    ("sides", "headings", "said"),
    [
        ([6], ["Images"], "The only image with something to be found."),
        ([0], ["Images"], "The Dice is 0 on the only image"),
        ([0, 0], ["Images"], "The Dice is 0 on all 2 images with something to be found, so there is no best"),
        ([6, 6], ["Images"], "All 2 images with something to be found have the same Dice"),
        ([0, 6], ["Best and worst", "Best", "Worst"], "never of Dice 0"),
        ([0, 6, 4], ["Best, middle and worst", "Best", "In the middle", "Worst"], "lower third"),
    ],
)
def test_few_images_are_called_what_they_are(sides, headings, said):
    given = [MaskPair(f"{n}", f"P{n}", f"P{n}", "", blob(8), blob(side)) for n, side in enumerate(sides)]
    result = result_of(given)
    section = str(cases(result, pictures_of(given, result)))
    assert re.findall(r"<h[23]>(.*?)</h[23]>", section) == headings
    assert said in words(section)
    best = section.partition("<h3>Best</h3>")[2].partition("<h3>")[0]
    assert "Dice 0.0 %" not in best
    assert section.count("<figure") == len(sides)


def test_names_cannot_break_the_page():
    given = pairs(EVIL)
    result = result_of(given, (EVIL,))
    page = render_segmentation(context(result), pictures_of(given, result))
    assert "script" not in checked(page).names
    assert checked(page).handlers == []


def test_nothing_to_find_gives_a_page():
    given = [MaskPair("a", "", "a", "", blob(0), blob(0))]
    page = render_segmentation(context(result_of(given)), {})
    assert "No image shows lesion" in words(page)
    assert ' id="cases"' not in page


def test_several_classes():
    given = [
        MaskPair(f"{n}", f"P{n}", f"P{n}", "", blob(6) + blob(5, 20, 2), blob(5) + blob(4, 20, 2))
        for n in range(4)
    ]
    result = result_of(given, ("core", "edema"))
    page = render_segmentation(context(result), pictures_of(given, result))
    assert "mean over 2 classes" in words(page)
    assert "core, true border" in page


def test_an_image_that_is_not_at_hand_is_named():
    figure = case_figure({"image_id": "gone.png", "subject_id": "", "dice": 0.5}, None, ("lesion",), "x")
    assert "not at hand" in figure
    assert "gone.png" in figure


def test_the_model_card_tells_the_figures():
    card = render_model_card(
        context(result_of(pairs()), bundle={"card": {"task": "segment", "classes": ["lesion"]}})
    )
    assert "| lesion | 6 | 1 |" in card
    assert "It draws where lesion is" in card
    assert "Dice, IoU, precision" in card


def test_how_masks_are_made_is_said():
    rule = {"threshold": 0.6, "fill_holes": True, "largest": True, "min_size": 30.0, "unit": "mm2",
            "chosen_on": {"split": "val", "images": 12, "subjects": 4, "dice": 0.8, "dice_before": 0.7,
                          "tried": 9}}  # fmt: skip
    card = {"task": "segment", "classes": ["lesion"], "segmentation": {"postprocess": rule}}
    told = context(result_of(pairs()), bundle={"card": card})
    said = "of 0.6 on; holes are filled, only the largest part is kept, parts below 30 mm² are dropped"
    for text in (words(render_segmentation(told, {})), render_model_card(told)):
        assert said in text
        assert "12 validation images of 4 patients" in text
        assert "no conformal" not in text


def area_of(line):
    """Signed area within a closed line."""
    points = np.array(line)
    x, y = points.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def test_outlines_enclose_the_mask():
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        mask = rng.random((15, 19)) < share
        lines = outlines(mask)
        assert all(line[0] != line[-1] for line in lines)
        # halfway between pixels: every corner of a part is cut by an eighth of a pixel
        enclosed = abs(sum(area_of(line) for line in lines))
        padded = np.pad(mask, 1).astype(int)
        corners = padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, 1:] + padded[1:, :-1]
        diagonal = (corners == 2) & (padded[:-1, :-1] == padded[1:, 1:])
        expected = (corners == 4).sum() + (corners == 3).sum() * 7 / 8 + (corners == 1).sum() / 8
        expected += ((corners == 2) & ~diagonal).sum() / 2 + diagonal.sum() * 3 / 4
        assert enclosed == pytest.approx(expected)


def test_a_square_with_a_hole_has_two_outlines():
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    first, second = outlines(mask)
    assert area_of(first) * area_of(second) < 0
    assert path_of(mask).count("M") == path_of(mask).count("Z") == 2


def test_an_empty_mask_has_no_outline():
    assert outlines(np.zeros((4, 4))) == []
    assert path_of(np.zeros((4, 4))) == ""
