"""What the tool that makes the model in the box adds to a run's bundle, and what it leaves out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import encode_arrays, read_bundle, write_bundle
from gyrus.bundles.arrays import decode_arrays
from gyrus.bundles.members import GATE, NEIGHBOURS
from gyrus.decision.brain_mri import BrainMri, shipped
from gyrus.decision.distribution import Distribution
from gyrus.decision.gate import Gate
from gyrus.phantom import Phantom, generate
from gyrus.phantom.foreign import foreign_image

TOOL = Path(__file__).resolve().parents[2] / "tools" / "train_box.py"
CASES, OTHERS, FEATURES = 30, 5, 6


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_box", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_bundle(tmp_path: Path) -> Path:
    """A bundle with cases, their pictures, and further training images by hash."""
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "embedding": random.normal(size=(CASES, FEATURES)).astype(np.float16),
        "label": (np.arange(CASES) % 4).astype(np.int32),
        "image_id": np.array([f"image-{number}" for number in range(CASES)]),
        "subject_id": np.array([f"patient-{number // 3}" for number in range(CASES)]),
        "sha256": random.integers(0, 256, (CASES, 32), dtype=np.uint8),
        "pixel_hash": random.integers(0, 256, (CASES, 32), dtype=np.uint8),
        "other_sha256": random.integers(0, 256, (OTHERS, 32), dtype=np.uint8),
        "other_pixel_hash": random.integers(0, 256, (OTHERS, 32), dtype=np.uint8),
        "thumbnails": random.integers(0, 256, (CASES, 48, 48), dtype=np.uint8),
    }
    field = {
        "count": CASES, "features": FEATURES, "thumbnails": True, "hashes": True, "others": OTHERS,
        "apart": None,
    }  # fmt: skip
    path = tmp_path / "run" / "model.gyrus"
    path.parent.mkdir()
    members = {**tiny_bundle.members(), NEIGHBOURS: encode_arrays(arrays)}
    write_bundle(path, members, {**tiny_bundle.card(), "neighbours": field})
    return path


@pytest.fixture
def folds(tmp_path: Path) -> Path:
    path = tmp_path / "evaluation.json"
    figure = {"value": 0.9, "low": 0.8, "high": 0.95}
    path.write_text(json.dumps({"n_images": 3064, "accuracy": figure, "curves": [1, 2]}), encoding="utf-8")
    return path


def test_pictures_stay_out_and_every_training_image_is_still_known(
    tool: ModuleType, run_bundle: Path, folds: Path, tmp_path: Path
) -> None:
    target = tmp_path / "package" / "box.gyrus"
    digest = tool.finish(run_bundle, target, folds)
    made, given = read_bundle(target), read_bundle(run_bundle)
    assert made.digest == digest
    assert made.model_digest == given.model_digest
    assert made.card["lineage"] == [given.digest]
    assert made.card["metrics"]["folds"]["accuracy"]["value"] == 0.9
    assert "curves" not in made.card["metrics"]["folds"]
    assert "CC BY 4.0" in made.card["data"]["licence"]
    arrays = decode_arrays(made.members[NEIGHBOURS], name=NEIGHBOURS)
    assert "thumbnails" not in arrays
    assert len(arrays["image_id"]) == CASES


def test_cases_that_do_not_fit_are_known_by_their_hashes(tool: ModuleType, run_bundle: Path) -> None:
    bundle = read_bundle(run_bundle)
    before = decode_arrays(bundle.members[NEIGHBOURS], name=NEIGHBOURS)
    a_case = sum(values.nbytes for name, values in before.items() if not name.startswith("other")) / CASES
    a_case -= before["thumbnails"][0].nbytes
    field, member = tool.without_pictures(bundle, int(12 * a_case) + 2 * OTHERS * 32)
    arrays = decode_arrays(member, name=NEIGHBOURS)
    assert field["count"] == len(arrays["embedding"]) == 12
    assert field["others"] == len(arrays["other_sha256"]) == OTHERS + CASES - 12
    known = np.concatenate([arrays["sha256"], arrays["other_sha256"]])
    every = np.concatenate([before["sha256"], before["other_sha256"]])
    assert {row.tobytes() for row in known} == {row.tobytes() for row in every}
    for name in ("embedding", "label", "subject_id"):  # each row stayed with its image
        row = dict(zip(before["image_id"].tolist(), before[name].tolist(), strict=True))
        assert [row[image] for image in arrays["image_id"].tolist()] == arrays[name].tolist()


def test_a_bundle_that_is_too_large_is_not_kept(
    tool: ModuleType, run_bundle: Path, folds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "LARGEST", 8_000)
    target = tmp_path / "box.gyrus"
    with pytest.raises(SystemExit, match="more than 8,000 bytes"):
        tool.finish(run_bundle, target, folds)
    assert not target.exists()


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """A bundle with a gate whose step before the network is an older one."""
    older = BrainMri({**shipped().weights, "last_bias": np.ones(1, np.float32)}, -9.0)
    within = Distribution("knn", -0.5, {"neighbours": np.eye(FEATURES, dtype=np.float32)})
    fitted = {"false_refusals": 0.01, "fitted_on": {"split": "cal", "images": 9, "subjects": None}}
    gate = Gate(older, within, fitted)
    path = tmp_path / "gated.gyrus"
    members = {**tiny_bundle.members(), GATE: encode_arrays(gate.to_arrays())}
    write_bundle(path, members, {**tiny_bundle.card(), "gate": gate.to_card()})
    return path


def _written(folder: Path, images: list[np.ndarray]) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def test_the_gates_first_step_is_exchanged_and_nothing_else(
    tool: ModuleType, gated: Path, tmp_path: Path
) -> None:
    before = read_bundle(gated)
    heads = [item.pixels for item in generate(Phantom(subjects=4, slices_per_subject=1, image_size=96))]
    digest = tool.regate(gated, _written(tmp_path, heads))
    after = read_bundle(gated)
    assert after.digest == digest != before.digest
    assert after.model_digest == before.model_digest
    assert {n: d for n, d in after.content.items() if n != GATE} == {
        n: d for n, d in before.content.items() if n != GATE
    }
    changed = {name for name in after.card if after.card[name] != before.card[name]}
    assert changed == {"gate"}
    gate = Gate.from_bundle(after.card, decode_arrays(after.members[GATE], name=GATE))
    assert gate.brain_mri is not None
    assert gate.brain_mri.digest == shipped().digest
    assert gate.brain_mri.threshold == shipped().threshold
    assert after.card["gate"]["distribution"] == before.card["gate"]["distribution"]


def test_a_step_that_refuses_the_models_own_images_is_not_entered(
    tool: ModuleType, gated: Path, tmp_path: Path
) -> None:
    before = gated.read_bytes()
    texts = _written(tmp_path, [foreign_image("text", 1, number) for number in range(4)])
    with pytest.raises(SystemExit, match="of 4 images of the model's own set only"):
        tool.regate(gated, texts)
    assert gated.read_bytes() == before


def test_a_bundle_without_a_gate_is_not_given_half_of_one(tool: ModuleType, run_bundle: Path) -> None:
    with pytest.raises(SystemExit, match="no gate to exchange"):
        tool.regate(run_bundle, [])
