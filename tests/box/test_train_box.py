"""What the tool that makes the model in the box adds to a run's bundle, and what it leaves out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tiny_bundle
from gyrus.bundles import encode_arrays, read_bundle, write_bundle
from gyrus.bundles.arrays import decode_arrays
from gyrus.bundles.members import NEIGHBOURS

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
