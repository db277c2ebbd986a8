"""The pass over training images: who is asked, and what comes back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import read_bundle, write_bundle
from gyrus.config.packing import BundleOptions
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import BundleError, ImageError
from gyrus.imaging import byte_hash
from gyrus.inference import Outputs, Predictor, read_outputs
from gyrus.inference.neighbours import Neighbours
from gyrus.runs import RunFolder
from gyrus.verbs.neighbours import Thumbnails, bring_cases, neighbours_of, thumbnail
from gyrus.verbs.training_outputs import spread_over, training_outputs


def rows(*counts: tuple[str, str, int]) -> tuple[Row, ...]:
    return tuple(
        Row(image_id=f"{label}-{subject}-{i}", path=f"{label}-{subject}-{i}.png", label=label,
            subject_id=subject, split="train")
        for label, subject, n in counts
        for i in range(n)
    )  # fmt: skip


def test_classes_and_patients_take_turns():
    many = rows(("a", "p1", 50), ("a", "p2", 3), ("b", "p3", 2), ("b", "", 4))
    chosen = spread_over(many, 12)
    assert [row.image_id for row in chosen] == [row.image_id for row in many if row in chosen]
    by_label = [row.label for row in chosen]
    assert (by_label.count("a"), by_label.count("b")) == (6, 6)
    assert sum(row.subject_id == "p1" for row in chosen) == 3
    assert spread_over(many, 1000) == many
    assert spread_over(many, 12) == chosen


def test_generated_images_are_left_out():
    given = tuple(row.with_(synthetic=row.label == "b") for row in rows(("a", "p1", 2), ("b", "p2", 2)))
    assert {row.label for row in spread_over(given, 3)} == {"a"}


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    write_bundle(tmp_path / "model.gyrus", tiny_bundle.members(), tiny_bundle.card())
    return Predictor.load(tmp_path / "model.gyrus", threads=1)


def test_outputs_are_those_of_the_bundle(predictor, tmp_path):
    given = rows(("glioma", "p1", 2), ("pituitary", "p2", 2))
    for number, row in enumerate(given):
        Image.fromarray(np.full((20, 24), 50 * number, np.uint8)).save(tmp_path / row.path)
    manifest = Manifest((*given, given[0].with_(image_id="other", split="val")), tmp_path)
    seen = {}
    outputs = training_outputs(
        predictor, manifest, each=lambda row, answer: seen.update({row.image_id: answer}), progress=False
    )
    assert outputs.image_ids == tuple(row.image_id for row in given)
    assert outputs.maps is None
    answers = predictor.predict([tmp_path / row.path for row in given])
    np.testing.assert_allclose(outputs.logits, [answer.logits for answer in answers], atol=1e-6)
    np.testing.assert_allclose(outputs.embedding, [answer.embedding for answer in answers], atol=1e-6)
    assert {name: answer.pixels.shape for name, answer in seen.items()} == dict.fromkeys(
        outputs.image_ids, (20, 24, 1)
    )
    (tmp_path / given[1].path).unlink()
    with pytest.raises(ImageError, match="does not exist"):
        training_outputs(predictor, manifest, progress=False)


@pytest.mark.parametrize("private", [False, True])
def test_a_run_brings_its_cases_unless_private(tmp_path, private):
    folder = RunFolder(tmp_path / "run").create()
    write_bundle(folder.bundle, tiny_bundle.members(), tiny_bundle.card(private=private))
    given = rows(("glioma", "p1", 3), ("pituitary", "p2", 3))
    random = np.random.default_rng(2)
    for row in given:
        pixels = random.integers(0, 256, (20, 31), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / row.path)
    manifest = Manifest(
        tuple(row.with_(sha256=byte_hash((tmp_path / row.path).read_bytes())) for row in given), tmp_path
    )
    before = read_bundle(folder.bundle)
    outputs = bring_cases(folder, manifest, BundleOptions(private=private, cases=4))
    assert read_outputs(folder.outputs("train")).image_ids == outputs.image_ids
    assert len(outputs.image_ids) == 4
    after = read_bundle(folder.bundle)
    assert after.model_digest == before.model_digest
    cases = Neighbours.from_bundle(after)
    if private:
        assert cases is None
        assert after.digest == before.digest
        return
    field = after.card["neighbours"]
    assert (field["count"], field["others"], field["hashes"], field["thumbnails"]) == (4, 2, True, True)
    assert len(cases) == 4
    for row in manifest:  # the cases by name, the others by their hashes alone
        seen = cases.seen(row.sha256, "")
        assert (seen.match, seen.image_id) == (
            "file",
            row.image_id if row.image_id in outputs.image_ids else "",
        )
    nearest = cases.nearest(outputs.embedding[2], 4)
    assert nearest[0].image_id == outputs.image_ids[2]
    assert [case.distance for case in nearest] == sorted(case.distance for case in nearest)
    unit = outputs.embedding / np.linalg.norm(outputs.embedding, axis=1, keepdims=True)
    by_hand = {name: 1 - float(unit[i] @ unit[2]) for i, name in enumerate(outputs.image_ids)}
    for case in nearest:
        assert case.distance == pytest.approx(by_hand[case.image_id], abs=2e-3)
    patients = np.array([name.split("-")[1] for name in outputs.image_ids])
    between = [1 - unit[i] @ unit[j] for i in range(4) for j in range(4) if patients[i] != patients[j]]
    assert field["apart"] == pytest.approx(min(between), abs=2e-3)


def test_several_classes_a_case(predictor, tmp_path):
    given = tuple(
        Row(image_id=f"{n}.png", path=f"{n}.png", label=label, split="train")
        for n, label in enumerate(("glioma|pituitary", "|", "no_tumor"))
    )
    manifest = Manifest(given, tmp_path, task="multilabel")
    outputs = Outputs(
        tuple(row.image_id for row in given), np.zeros((3, 4), np.float32), np.eye(3, 5, dtype=np.float32),
        None, "0" * 64,
    )  # fmt: skip
    field, member = neighbours_of(tiny_bundle.CLASSES, manifest, outputs, Thumbnails())
    assert (field["thumbnails"], field["hashes"], field["apart"]) == (False, False, None)
    write_bundle(
        tmp_path / "several.gyrus",
        {**tiny_bundle.members(), "neighbours.npz": member},
        {**tiny_bundle.card(task="multilabel"), "neighbours": field},
    )
    cases = Neighbours.from_bundle(read_bundle(tmp_path / "several.gyrus"))
    found = {case.image_id: case for case in cases.nearest(np.eye(3, 5, dtype=np.float32)[0], 3)}
    assert {name: case.label for name, case in found.items()} == {
        "0.png": "glioma|pituitary", "1.png": "|", "2.png": "no_tumor",
    }  # fmt: skip
    assert found["0.png"].distance == pytest.approx(0, abs=1e-6)
    assert found["1.png"].distance == pytest.approx(1, abs=1e-6)
    assert not cases.seen("ab" * 32, "").known
    with pytest.raises(BundleError, match="5 features a case, the network 7"):
        cases.nearest(np.zeros(7, np.float32), 1)


@pytest.mark.parametrize("shape", [(100, 40, 1), (40, 100, 3), (3, 2, 1), (1, 90, 1)])
def test_a_thumbnail_keeps_the_aspect(shape):
    small = thumbnail(np.full(shape, 200, np.uint8))
    assert (small.shape, small.dtype) == ((48, 48), np.uint8)
    rows_lit, columns_lit = (small > 100).any(axis=1).sum(), (small > 100).any(axis=0).sum()
    longest = max(shape[:2])
    assert (rows_lit, columns_lit) == (
        max(1, round(48 * shape[0] / longest)), max(1, round(48 * shape[1] / longest)),
    )  # fmt: skip


def test_labels_beyond_the_classes_are_refused():
    arrays = {"label": np.array([0, 4], np.int32), "embedding": np.zeros((2, 3), np.float16)}
    with pytest.raises(BundleError, match="labels beyond the 4 classes"):
        Neighbours(arrays, tiny_bundle.CLASSES)
