"""The pass over training images: who is asked, and what comes back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import ImageError
from gyrus.inference import Predictor
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
