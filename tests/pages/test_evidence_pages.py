"""Evidence pages: whole, self-contained, and said in time what must not be overlooked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from page_checks import EVIL, checked, outside, words
from PIL import Image

import tiny_bundle
from evidence_place import make_place
from gyrus.bundles import read_bundle
from gyrus.decision import Decided
from gyrus.decision.gate_finding import GateFinding
from gyrus.imaging.source import Source
from gyrus.inference import Predictor
from gyrus.inference.evidence import Asked
from gyrus.inference.examining import Examiner
from gyrus.inference.neighbours import InTraining, Neighbours
from gyrus.pages.evidence_index import LISTED, Index
from gyrus.pages.evidence_page import render_evidence
from gyrus.pages.evidence_picture import SIDE_PX, evidence_picture

REFUSED = GateFinding("brain_mri", False, -2.0, 0.5, "it does not look like a brain MRI")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The evidence of a training image and of a new one, and the card."""
    place = make_place(tmp_path_factory.mktemp("pages"))
    bundle = read_bundle(place / "model.gyrus")
    worker = Examiner(Predictor(bundle, 1), Neighbours.from_bundle(bundle), tta=3)
    asked = [Asked(Source(place / name), name) for name in ("train-1.png", "new-0.png")]
    return (*worker.stream(asked), bundle.card)


def section(page, name):
    return page.split(f'id="{name}"')[1].split("</section>")[0]


def test_a_page_is_whole_and_fetches_nothing(shown):
    for evidence in shown[:2]:
        page = render_evidence(evidence, shown[2])
        found = checked(page)
        assert outside(page) == []
        assert found.handlers == []
        assert "script" not in found.names
        assert len(found.ids) == len(set(found.ids))
        assert page.count("data:image/jpeg") == 2 + 3
        assert len(page) < 200_000


def test_every_class_stands_there_with_its_share(shown):
    evidence = shown[1]
    text = words(render_evidence(evidence, shown[2]))
    for name, value in zip(evidence.answer.classes, evidence.answer.probabilities, strict=True):
        assert name in text
        assert f"{100 * value:.1f} %" in text
    assert "not a medical device" in text
    assert "This model has no input gate" in text
    assert evidence.model.digest in text
    assert evidence.answer.sha256 in text
    assert "exact: its mean over the picture" in text
    assert "A small spread does not make the answer right" in text


def test_a_scan_from_training_is_the_first_thing_said(shown):
    old, new, card = shown
    page = render_evidence(old, card)
    assert page.index("The model was trained on this image") < page.index('id="answer"')
    assert "as train-1.png" in page
    assert "was trained on" not in render_evidence(new, card)
    unknown = replace(new, in_training=InTraining(known=False))
    assert "does not bring the hashes" in render_evidence(unknown, card)


def test_a_neighbour_nearer_than_two_patients_is_said(shown):
    new, card = shown[1:]
    near = replace(new, apart=new.nearest[0].distance * 2)
    assert "Nearer to a training image than two patients" in render_evidence(near, card)
    far = replace(new, apart=new.nearest[0].distance / 2)
    assert "Nearer to a training image" not in render_evidence(far, card)


def test_a_refused_image_has_no_answer_on_page_or_picture(shown):
    evidence, card = shown[1], shown[2]
    refused = replace(evidence, answer=replace(evidence.answer, gate=(REFUSED,)), spread=None, heat_map=None)
    page = render_evidence(refused, card)
    assert page.index("Refused: there is no answer") < page.index('id="answer"')
    assert "It does not look like a brain MRI." in page
    within = GateFinding("decodable", True, np.nan, np.nan, "is an image within the limits")
    both = render_evidence(replace(refused, answer=replace(refused.answer, gate=(within, REFUSED))), card)
    assert "It is an image within the limits." in both
    answer = section(page, "answer")
    assert not any(name in answer for name in tiny_bundle.CLASSES)
    assert "%" not in answer
    assert "brain mri" in section(page, "gate")
    assert evidence_picture(refused, card).height < evidence_picture(evidence, card).height


def test_a_referral_is_said(shown):
    evidence, card = shown[1], shown[2]
    decided = Decided(
        None, True, ("glioma", "pituitary"), "it may be glioma or pituitary", {"rule out": True}
    )
    page = render_evidence(replace(evidence, answer=replace(evidence.answer, decided=decided)), card)
    assert "A person should look" in page
    assert "It may be glioma or pituitary." in page
    assert "glioma or pituitary." in section(page, "answer")
    assert "rule out" in section(page, "answer")


def test_hostile_names_stay_text(shown):
    old, _, card = shown
    classes = (EVIL, "b", "c", "d")
    answer = replace(old.answer, classes=classes, notes=(EVIL,))
    evil = replace(
        old,
        asked=Asked(Source(Path(EVIL)), EVIL, EVIL, EVIL),
        answer=answer,
        in_training=InTraining(True, "file", EVIL),
        nearest=tuple(replace(case, image_id=EVIL, subject_id=EVIL, label=EVIL) for case in old.nearest),
        heat_map=replace(old.heat_map, of=EVIL),
        spread=replace(old.spread, answers={EVIL: 4}),
    )
    named = {**card, "name": EVIL, "architecture": EVIL, "intended_use": f"{EVIL} not a medical device"}
    index = Index(named)
    index.add(evil, Path('x"><script>.html'))
    index.add_unread(evil.asked, EVIL)
    for page in (render_evidence(evil, named), _written(index)):
        found = checked(page)
        assert "script" not in found.names
        assert found.handlers == []
        assert all(address.startswith(("#", "data:", "x%22")) for address in found.fetched)
    evidence_picture(evil, named)


def _written(index):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        index.write(Path(folder) / "index.html")
        return (Path(folder) / "index.html").read_text(encoding="utf-8")


def test_several_classes_an_image(shown):
    evidence, card = shown[1], shown[2]
    shares = np.array([0.9, 0.7, 0.1, 0.2])
    both = replace(
        evidence, answer=replace(evidence.answer, task="multilabel", probabilities=shares), spread=None
    )
    answer = section(render_evidence(both, card), "answer")
    assert "glioma and meningioma" in answer
    assert answer.count("share top") == 2
    none = replace(both, answer=replace(both.answer, probabilities=shares / 3))
    assert "none of the classes" in section(render_evidence(none, card), "answer")


@pytest.mark.parametrize("size", [(28, 28), (700, 300), (300, 900), (1, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_takes_any_size(shown, size, channels):
    evidence, card = shown[1], shown[2]
    pixels = np.full((*size, channels), 90, np.uint8)
    heat = replace(evidence.heat_map, placement=None)
    picture = evidence_picture(
        replace(evidence, answer=replace(evidence.answer, pixels=pixels), heat_map=heat), card
    )
    assert isinstance(picture, Image.Image)
    assert picture.width == 2 * SIDE_PX + 48
    assert 150 < picture.height < 2 * SIDE_PX
    assert checked(render_evidence(replace(evidence, answer=replace(evidence.answer, pixels=pixels),
                                           heat_map=heat), card))  # fmt: skip


def test_the_picture_shows_image_and_heat(shown):
    evidence, card = shown[1], shown[2]
    bare = np.asarray(evidence_picture(replace(evidence, heat_map=None), card))
    both = np.asarray(evidence_picture(evidence, card))
    right = slice(40, 300), slice(SIDE_PX + 60, 2 * SIDE_PX)
    assert (bare[right] == 255).all()
    assert (both[right] < 250).any()


def test_the_index_lists_a_bounded_number(shown, tmp_path):
    evidence, card = shown[1], shown[2]
    index = Index(card)
    for number in range(LISTED + 3):
        index.add(evidence, Path(f"p{number}.html"))
    index.write(tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == LISTED + 1
    assert "3 more are in predictions.csv" in page
    assert f"{LISTED + 3:,} images, asked of tiny" in page
    assert len(page) < 3_000_000
