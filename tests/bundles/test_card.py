"""The card's fields are checked one by one, and complaints name the field."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_bundle
from gyrus.bundles import INTENDED_USE, check_card
from gyrus.bundles.card_rules import RULES
from gyrus.errors import BundleError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "bundle.md"


def test_a_made_card_passes_and_says_what_it_is_for() -> None:
    card = tiny_bundle.card()
    check_card(card)
    assert card["intended_use"] == INTENDED_USE
    assert card["leakage"]["verdict"] == "unknowable"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("classes", ["b", "a"], "sorted by name"),
        ("classes", ["a", "a"], "each once"),
        ("classes", ["a"], "has 1 classes"),
        ("classes", ["a", "b|c"], "control character"),
        ("classes", ["a", "b\n"], "control character"),
        ("classes", "ab", "a list of class names"),
        ("task", "guess", "'classify'"),
        ("format_version", True, "expected 2"),
        ("input.image_size_px", 0, "a whole number from 8"),
        ("input.image_size_px", 224.0, "a whole number"),
        ("input.color", "sepia", "'grey' or 'rgb'"),
        ("input.channels", 2, "1 or 3"),
        ("input.reading_policy", "", "a reading policy"),
        ("input.mean", [0.1, 0.2], "one or three numbers"),
        ("input.std", [0.0], "greater than 0"),
        ("input.std", [float("nan")], "greater than 0"),
        ("outputs.maps", "some", "'exact' or 'gradient'"),
        ("outputs.embedding", 1, "true or false"),
        ("data.fingerprint", "abc", "64 hexadecimal"),
        ("data.splits", {"train": {"images": -1, "subjects": None, "classes": {}}}, "train.images"),
        ("leakage.verdict", "fine", "'clean' or 'leaking'"),
        ("leakage.allow_leak", "", "text or null"),
        ("metrics", [1], "null or an object"),
        ("calibration", {"temperature": 1.2}, "method 'temperature' or 'vector'"),
        ("lineage", ["abc"], "digests"),
        ("seeds", {"split": 0.5}, "whole numbers"),
        ("intended_use", "diagnosis", "not a medical device"),
        ("notes", "text", "a list of texts"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, words: str) -> None:
    card = copy.deepcopy(tiny_bundle.card())
    parent = card
    *parents, name = path.split(".")
    for step in parents:
        parent = parent[step]
    parent[name] = value
    with pytest.raises(BundleError) as caught:
        check_card(card)
    assert len(caught.value.details) == 1
    assert caught.value.details[0].startswith(path)
    assert words in caught.value.details[0]


def test_all_wrong_fields_are_named_at_once() -> None:
    card = tiny_bundle.card()
    del card["licence"]
    card["threshold"] = 0.5
    card["input"]["window"] = 3
    with pytest.raises(BundleError) as caught:
        check_card(card)
    assert sorted(caught.value.details) == [
        "input.window: is not known", "licence: is missing", "threshold: is not known",
    ]  # fmt: skip


@pytest.mark.parametrize("card", [None, [], "card", 3])
def test_what_is_no_object_is_refused(card: Any) -> None:
    with pytest.raises(BundleError, match="not an object"):
        check_card(card)


def test_the_reference_page_describes_every_field() -> None:
    """Somebody else shall be able to write a reader from the page alone."""
    text = DOCS.read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([a-z_.]+)` \|", text, flags=re.MULTILINE))
    fields = set()
    for name, rule in RULES.items():
        fields |= {name} if callable(rule) else {f"{name}.{inner}" for inner in rule}
    assert fields <= described


@pytest.mark.parametrize(
    ("task", "activation", "good"),
    [
        ("classify", "softmax", True),
        ("multilabel", "sigmoid", True),
        ("classify", "sigmoid", False),
        ("multilabel", "softmax", False),
    ],
)
def test_task_and_activation_go_together(task: str, activation: str, good: bool) -> None:
    card = copy.deepcopy(tiny_bundle.card())
    card["task"] = task
    card["outputs"]["activation"] = activation
    if good:
        check_card(card)
        return
    with pytest.raises(BundleError) as caught:
        check_card(card)
    assert "outputs.activation" in caught.value.details[0]


FITTED = {"split": "cal", "images": 40, "subjects": None, "fingerprint": None}
FIGURE = {"value": 0.1, "low": None, "high": None, "method": "bootstrap", "clusters": 3}
LOSSES = {"log_loss": 0.5, "ece": FIGURE}
POINT = {
    "name": "screening", "positive": ["glioma"], "threshold": 0.25, "split": "cal",
    "images": 40, "subjects": 20,
    "constraint": {"metric": "sensitivity", "at_least": 0.95}, "figures": {"cal": {"sensitivity": 0.9}},
}  # fmt: skip
SETS = {
    "method": "aps", "level": 0.9, "class_conditional": False, "by": "image", "seed": 1,
    "quantiles": dict.fromkeys(tiny_bundle.CLASSES, 0.8), "counts": dict.fromkeys(tiny_bundle.CLASSES, 9),
    "refused": {},
}  # fmt: skip
VECTOR = {"method": "vector", "scale": [1.0] * 4, "bias": [0] * 4}


def full_card() -> dict[str, Any]:
    """A card with every field filled."""
    return {
        **copy.deepcopy(tiny_bundle.card(metrics={"val": {"accuracy": FIGURE}})),
        "calibration": {**VECTOR, "fitted_on": dict(FITTED), "before": dict(LOSSES), "after": dict(LOSSES)},
        "operating_points": [copy.deepcopy(POINT)],
        "conformal": copy.deepcopy(SETS),
        "gate": {"version": 1, "brain_mri": {"threshold": 0.5}, "distribution": {"method": "energy"}},
        "neighbours": {
            "count": 2, "features": 6, "thumbnails": False, "hashes": True, "others": 0, "apart": 0.5,
        },
    }  # fmt: skip


def test_a_card_with_every_field_filled_passes() -> None:
    check_card(full_card())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("calibration.method", "isotonic", "method 'temperature' or 'vector'"),
        ("calibration.scale", [1.0], "expected 4 numbers, got 1"),
        ("calibration.bias", [1.0, 1.0, 1.0, "0"], "a list of numbers"),
        ("calibration.temperature", 1.5, "temperature: is not known"),
        ("calibration.before", {"ece": 0.1}, "log_loss and ece"),
        ("calibration.fitted_on.images", -1, "images: expected a whole number"),
        ("calibration.fitted_on.fingerprint", "ab", "64 hexadecimal"),
        ("operating_points.0.threshold", 1.5, "a number from 0 to 1"),
        ("operating_points.0.positive", [], "a list of class names"),
        ("operating_points.0.positive", ["stroke"], "'stroke', which is no class"),
        ("operating_points.0.constraint.metric", "accuracy", "'sensitivity' or 'specificity'"),
        ("operating_points.0.figures", {"cal": {"sensitivity": "high"}}, "an object of figures"),
        ("conformal.level", 1.0, "between 0 and 1"),
        ("conformal.quantiles", {"glioma": 0.5}, "a value for each class"),
        ("conformal.counts", {}, "a value for each class"),
        ("conformal.refused", {"glioma": "few"}, "a reason for each class without a quantile"),
        ("gate.version", 2, "expected 1"),
        ("gate.brain_mri", 0.5, "an object"),
        ("neighbours.count", 0, "a whole number from 1"),
        ("neighbours.hashes", 1, "true or false"),
        ("private", True, "a private bundle holds no training cases"),
        ("private", None, "true or false"),
    ],
)
def test_a_wrong_decision_is_named(path: str, value: Any, words: str) -> None:
    card = full_card()
    put(card, path.split("."), value)
    with pytest.raises(BundleError) as caught:
        check_card(card)
    assert words in "\n".join(caught.value.details)


def put(card: Any, path: list[str], value: Any) -> None:
    """Replace what lies at a path; numbers count in lists."""
    *parents, last = path
    for step in parents:
        card = card[int(step)] if isinstance(card, list) else card[step]
    card[int(last) if isinstance(card, list) else last] = value


def paths(value: Any, here: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in a card."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, item in items for place in paths(item, (*here, str(key))))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from([10**400, -(10**400), "glioma", "0" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=400)
@given(st.sampled_from([place for place in paths(full_card()) if place]), JSON)
def test_whatever_stands_in_a_field_is_taken_or_refused(place: tuple[str, ...], value: Any) -> None:
    """Never another exception than ours, and complaints of bounded length."""
    card = full_card()
    put(card, list(place), value)
    complaints = ["format_version"]
    try:
        check_card(card)
    except BundleError as error:
        complaints = [error.message, *error.details]
    assert len(complaints) > 1 or "format_version" in complaints[0]
    assert all(len(line) < 1000 for line in complaints)


def test_a_name_without_end_is_shortened() -> None:
    with pytest.raises(BundleError) as caught:
        check_card({**tiny_bundle.card(), "x" * 10**6: 1})
    assert caught.value.details == [f"{'x' * 60}…: is not known"]
