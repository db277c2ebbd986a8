"""What the report says of refusals: right of what is no brain MRI, wrong of the run's own images."""

from types import SimpleNamespace

import numpy as np

from gyrus.decision.gate_finding import GateFinding
from gyrus.pages.refusals import Refusal, Refusals, SplitRefusals
from gyrus.pages.sections_gate import input_gate

GREY = np.full((8, 8, 1), 90, np.uint8)
UNLIKE = GateFinding("distribution", False, -9.0, -5.0, "is unlike the images that this model was trained on")
PASSES = GateFinding("distribution", True, -2.0, -5.0, "lies where the training images of this model lie")
FITTED = {"split": "cal", "images": 72, "subjects": 24}


def shown(own, foreign, **more):
    within = {"method": "mahalanobis", "fitted_on": FITTED, "false_refusals": 0.01, **more}
    stated = {"brain_mri": {}, "distribution": within}
    refusals = Refusals((SplitRefusals("test", 144, 0, 144, 6),), own, foreign)
    return str(input_gate(SimpleNamespace(refusals=refusals, bundle={"card": {"gate": stated}})))


def test_a_refusal_of_an_own_image_is_no_success():
    foreign = (Refusal("text", "", "", UNLIKE, GREY), Refusal("objects", "", "", PASSES, GREY))
    page = shown((Refusal("a.png", "P1", "glioma", UNLIKE, GREY),), foreign)
    own, drawn = page.split("What is no brain MRI")
    assert 'class="wrong">refused' in own
    assert "refused wrongly" in own
    assert "6 of 144 (4.2" in own
    assert 'class="right">refused' in drawn
    assert 'class="wrong">passes' in drawn


def test_how_many_patients_a_threshold_needs_is_said():
    foreign = (Refusal("text", "", "", UNLIKE, GREY),)
    few = shown((), foreign, by="subject", too_few=True)
    assert "the least alike still passes: to refuse 1.0\N{NO-BREAK SPACE}%, 99 patients are needed" in few
    enough = shown((), foreign, by="subject", too_few=False)
    assert "of 24 patients 1.0\N{NO-BREAK SPACE}%, each patient counting alike, are refused" in enough


def test_of_a_file_that_is_no_picture_the_reason_is_shown():
    reason = "is no PNG, JPEG, TIFF, BMP, WebP, DICOM or NIfTI image"
    found = GateFinding("decodable", False, float("nan"), float("nan"), reason)
    page = shown((), (Refusal("a file of text, letter.png", "", "", found, None),))
    assert f"</strong> {reason}" in page
    assert "no picture" in page
    assert "<img" not in page


def test_without_refused_images_nothing_is_said_of_them():
    assert "Refused images of this run" not in shown((), (Refusal("text", "", "", UNLIKE, GREY),))
