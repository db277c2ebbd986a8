"""The card's fields are checked one by one, and complaints name the field."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

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
