"""The model that comes with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gyrus
from gyrus import box
from gyrus.bundles import Bundle, canonical_json, read_bundle
from gyrus.errors import UsageError
from gyrus.inference import verify

LARGEST = 12_000_000


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    try:
        return read_bundle(box.path())
    except UsageError:
        pytest.skip("no model in the box (make box)")


def test_without_a_model_in_the_box_one_must_be_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(box, "NAME", "none.gyrus")
    with pytest.raises(UsageError, match="built without the model in the box") as caught:
        box.path()
    assert "--model" in str(caught.value.fix)
    with pytest.raises(UsageError, match="no model was given"):
        gyrus.predict([tmp_path / "scan.png"])


def test_it_is_small_whole_and_answers_as_it_did(bundle: Bundle) -> None:
    assert box.path().stat().st_size <= LARGEST
    _, outcome = verify(box.path())
    assert outcome.cases >= 4
    assert outcome.worst <= outcome.tolerance


def test_its_card_tells_licence_figures_limits_and_use(bundle: Bundle) -> None:
    card = bundle.card
    assert card["classes"] == ["glioma", "meningioma", "pituitary"]
    assert card["licence"] == "Apache-2.0"
    assert "CC BY 4.0" in card["data"]["licence"]
    assert "10.6084/m9.figshare.1512427" in card["data"]["licence"]
    assert card["leakage"]["verdict"] == "clean"
    assert "not a medical device" in card["intended_use"]
    assert any("never shown a brain without a tumour" in note for note in card["notes"])
    folds = card["metrics"]["folds"]
    assert folds["n_images"] == 3064
    assert folds["n_subjects"] == 209
    assert folds["accuracy"]["low"] < folds["accuracy"]["value"] < folds["accuracy"]["high"]
    external = card["metrics"]["external"]
    assert external["n_images"] == 261
    assert external["accuracy"]["low"] < external["accuracy"]["high"]


def test_it_holds_no_slice_and_no_path_of_a_machine(bundle: Bundle) -> None:
    assert [name for name in bundle.members if name.endswith(".png") and "phantom" not in name] == []
    neighbours = bundle.card["neighbours"]
    assert neighbours is None or neighbours["thumbnails"] is False
    text = canonical_json.dump(bundle.card).decode()
    assert re.findall(r'"/[A-Za-z][^"]*"|[A-Za-z]:\\\\', text) == []


def test_it_answers_a_scan_without_being_named(bundle: Bundle, shared_data: Path) -> None:
    scan = shared_data / "cheng" / "images" / "1.jpg"
    result = gyrus.predict([scan])
    assert result.exit_code == 0
    assert result.to_json()["model"]["digest"] == bundle.digest
