"""Evidence: the JSON is as published, and what a gate refuses is not answered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from schema_check import problems

import tiny_bundle
from evidence_place import make_place
from gyrus.bundles import read_bundle
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import UsageError
from gyrus.imaging import byte_hash, pixel_hash, read_image
from gyrus.imaging.source import Source
from gyrus.inference import Predictor
from gyrus.inference.evidence import SCHEMA_FILE, Asked, Evidence
from gyrus.inference.examining import Examiner
from gyrus.inference.neighbours import InTraining, Neighbours
from gyrus.inference.pooling import Pooling
from gyrus.inference.prediction import Failure

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
ONE = SCHEMA["$defs"]["evidence"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("evidence"))


def examiner(place: Path, **options: object) -> Examiner:
    bundle = read_bundle(place / "model.gyrus")
    return Examiner(Predictor(bundle, 1), Neighbours.from_bundle(bundle), **options)  # type: ignore[arg-type]


def asked(*paths: Path, **facts: str) -> list[Asked]:
    return [Asked(Source(path), str(path), **facts) for path in paths]


def evidence(place: Path, *names: str, **options: object) -> list[Evidence]:
    found = list(examiner(place, **options).stream(asked(*(place / name for name in names))))
    assert all(isinstance(item, Evidence) for item in found)
    return found  # type: ignore[return-value]


def published(item: Evidence) -> dict[str, object]:
    record = json.loads(json.dumps({**item.to_json(), "page": None, "picture": None}, allow_nan=False))
    assert problems(record, ONE, SCHEMA) == []
    return record


def test_the_schema_in_the_docs_is_the_one_in_the_package() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs" / "reference" / SCHEMA_FILE.name
    assert docs.read_bytes() == SCHEMA_FILE.read_bytes()


def test_the_json_is_as_published(place: Path) -> None:
    plain, rich = evidence(place, "new-0.png")[0], evidence(place, "new-0.png", tta=3, heat="occlusion")[0]
    record = published(plain)
    assert record["input"]["sha256"] == byte_hash((place / "new-0.png").read_bytes())  # type: ignore[index]
    assert record["input"]["pixel_hash"] == pixel_hash(read_image(place / "new-0.png"))  # type: ignore[index]
    assert record["spread"] is None
    assert record["heat_map"]["kind"] == "exact"  # type: ignore[index]
    assert record["model"]["digest"] == read_bundle(place / "model.gyrus").digest  # type: ignore[index]
    record = published(rich)
    assert record["spread"]["views"] == 3  # type: ignore[index]
    assert record["heat_map"]["network_passes"] == 64  # type: ignore[index]
    assert set(record["seconds"]) == {"answer", "nearest", "spread", "heat_map"}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": 3}, {"probabilities": {"a": 1.2}}, {"schema": "gyrus-evidence/9"}, {"more": 1},
        {"model": {"digest": "x"}}, {"in_training": {"known": True, "match": "maybe", "image_id": None}},
        {"heat_map": {"kind": "exact"}}, {"seconds": {}},
    ],
)  # fmt: skip
def test_the_schema_refuses_what_is_not_so(place: Path, change: dict[str, object]) -> None:
    assert problems({**published(evidence(place, "new-0.png")[0]), **change}, ONE, SCHEMA)


def test_a_scan_that_was_trained_on_is_told(place: Path, tmp_path: Path) -> None:
    again, other, new = evidence(place, "train-2.png", "train-6.png", "new-1.png")
    assert again.in_training == InTraining(True, "file", "train-2.png")
    assert (again.nearest[0].image_id, again.nearest[0].label) == ("train-2.png", tiny_bundle.CLASSES[2])
    assert again.nearest[0].distance < 1e-3
    assert other.in_training.match == "file"  # not among the six cases: its hash alone was kept
    assert new.in_training == InTraining(True)
    copied = tmp_path / "copied.bmp"
    Image.open(place / "train-3.png").save(copied)
    (found,) = examiner(place).stream(asked(copied))
    assert isinstance(found, Evidence)
    assert found.in_training == InTraining(True, "pixels", "train-3.png")


def test_nearer_than_two_patients_are_is_said_only_then(place: Path) -> None:
    again, new = evidence(place, "train-2.png", "new-1.png")
    assert again.apart is not None
    assert again.closer_than_patients == (again.nearest[0].distance < again.apart)
    assert again.closer_than_patients
    assert not replace(new, apart=None).closer_than_patients
    assert replace(new, apart=None).to_json()["closer_than_patients"] is None


def test_what_the_gate_refuses_is_not_answered(place: Path) -> None:
    (item,) = evidence(place, "new-0.png")
    no = GateFinding("brain_mri", False, -3.0, 0.5, "does not look like a brain MRI")
    worker = examiner(place, tta=2)
    refused = worker.examine(item.asked, replace(item.answer, gate=(no,)))
    record = published(refused)
    assert refused.refused == no.reason
    for name in ("prediction", "probabilities", "logits", "decision", "spread", "heat_map"):
        assert record[name] is None, name
    assert record["gate"]["passed"] is False  # type: ignore[index]
    assert record["nearest"] == []
    far = replace(no, step="distribution")
    assert len(worker.examine(item.asked, replace(item.answer, gate=(far,))).nearest) == 3
    yes = replace(no, passed=True)
    assert published(worker.examine(item.asked, replace(item.answer, gate=(yes,))))["gate"]["passed"] is True  # type: ignore[index]


def test_a_bundle_without_cases_says_that_it_cannot_tell(place: Path) -> None:
    worker = Examiner(Predictor.load(place / "model.gyrus", threads=1))
    (item,) = worker.stream(asked(place / "train-0.png"))
    assert isinstance(item, Evidence)
    record = published(item)
    assert record["nearest"] == []
    assert record["in_training"] == {"known": False, "match": None, "image_id": None}


def test_bad_files_do_not_stop_good_ones(place: Path) -> None:
    paths = [place / "new-0.png", place / "absent.png", place / "new-1.png"]
    found = list(examiner(place).stream(asked(*paths)))
    assert [isinstance(item, Failure) for item in found] == [False, True, False]


def test_a_grid_finer_than_the_pixels_is_refused(place: Path) -> None:
    with pytest.raises(UsageError, match="occlusion_grid is 33; the network sees 32 x 32"):
        examiner(place, occlusion_grid=33)


def test_patients_are_the_mean_of_their_answered_images(place: Path) -> None:
    worker = examiner(place)
    images = asked(place / "new-0.png", place / "train-1.png", group="P1")
    first, second = worker.stream(images)
    assert isinstance(first, Evidence)
    assert isinstance(second, Evidence)
    no = GateFinding("brain_mri", False, 0.0, 1.0, "no")
    pooling = Pooling()
    for item in (first, second, replace(second, answer=replace(second.answer, gate=(no,)))):
        pooling.add(item)
    pooling.add_unread(images[0])
    pooling.add_unread(Asked(Source(place / "x"), "x", group="P2"))
    pooling.add_unread(Asked(Source(place / "y"), "y"))
    one, two = pooling.groups
    decision = worker.predictor.decision
    mean = (first.answer.probabilities + second.answer.probabilities) / 2
    np.testing.assert_allclose(one.probabilities, mean)
    assert one.label(decision) == tiny_bundle.CLASSES[int(np.argmax(mean))]
    assert (one.images, one.answered, one.refused, one.unread, one.in_training) == (4, 2, 1, 1, 2)
    assert (two.probabilities, two.label(decision)) == (None, None)
    for group in pooling.groups:
        record = json.loads(json.dumps(group.to_json(decision)))
        wanted = SCHEMA["$defs"]["groups"]["properties"]["groups"]["items"]
        assert problems(record, wanted, SCHEMA) == []
