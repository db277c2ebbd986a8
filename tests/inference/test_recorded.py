"""Evidence read back from its JSON says what it said."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence_place import make_place
from gyrus.bundles import read_bundle
from gyrus.decision import Decided
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import DataError
from gyrus.imaging.source import Source
from gyrus.inference import Predictor
from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.examining import Examiner
from gyrus.inference.neighbours import Neighbours
from gyrus.inference.recorded import evidence_from_json
from gyrus.pages.evidence_page import render_evidence
from gyrus.pages.evidence_picture import evidence_picture


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def examined(place: Path) -> tuple[Evidence, dict[str, Any]]:
    bundle = read_bundle(place / "model.gyrus")
    examiner = Examiner(Predictor(bundle, 1), Neighbours.from_bundle(bundle), tta=2)
    name = place / "new-0.png"
    (found,) = examiner.stream([Asked(Source(name), "new-0.png")])
    assert isinstance(found, Evidence)
    decided = Decided(
        None, refer=True, set=("glioma", "pituitary"), reason="two may be", points={"any": True}
    )
    return replace(found, answer=replace(found.answer, decided=decided)), dict(bundle.card)


def through_json(item: Evidence) -> dict[str, Any]:
    return json.loads(json.dumps(item.to_json(), allow_nan=False))  # type: ignore[no-any-return]


@pytest.mark.parametrize("closer", [None, False, True])
def test_what_is_read_back_is_written_down_the_same(
    examined: tuple[Evidence, dict[str, Any]], closer: bool | None
) -> None:
    item, card = examined
    apart = {None: None, False: 0.0, True: 2.0}[closer]
    record = through_json(replace(item, apart=apart))
    assert record["closer_than_patients"] is closer
    again = evidence_from_json(record, card, pixels=item.answer.pixels)
    assert through_json(again) == record
    assert again.answer.label == item.answer.label


def test_its_page_and_picture_are_those_of_the_fresh_answer_without_thumbnails(
    examined: tuple[Evidence, dict[str, Any]],
) -> None:
    item, card = examined
    plain = replace(item, nearest=tuple(replace(case, thumbnail=None) for case in item.nearest))
    again = evidence_from_json(through_json(item), card, pixels=item.answer.pixels)
    assert render_evidence(again, card) == render_evidence(plain, card)
    kept, fresh = (np.asarray(evidence_picture(one, card), dtype=int) for one in (again, plain))
    assert np.abs(kept - fresh).max() <= 1  # heat is written down with five digits


def test_a_refused_image_stays_refused(examined: tuple[Evidence, dict[str, Any]]) -> None:
    item, card = examined
    finding = GateFinding("brain_mri", False, math.nan, 0.5, "looks like a page of text")
    refused = replace(item, answer=replace(item.answer, gate=(finding,)), spread=None, heat_map=None)
    again = evidence_from_json(through_json(refused), card)
    assert again.refused == "looks like a page of text"
    assert again.answer.classes == tuple(card["classes"])
    assert np.isnan(again.answer.probabilities).all()
    assert through_json(again) == through_json(refused)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "gyrus-evidence/9"},
        {"input": {}},
        {"logits": {"glioma": 1.0}},
        {"heat_map": {"kind": "exact", "of": "glioma", "rows": 2, "columns": 2, "values": [[1.0]],
                      "network_passes": 0, "seen": None}},
    ],
)  # fmt: skip
def test_what_is_no_evidence_is_said_to_be_none(
    examined: tuple[Evidence, dict[str, Any]], change: dict[str, Any]
) -> None:
    item, card = examined
    with pytest.raises(DataError, match="evidence"):
        evidence_from_json({**through_json(item), **change}, card)
