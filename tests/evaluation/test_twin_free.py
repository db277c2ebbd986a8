"""The figure with and without the images that were seen before."""

import json
from pathlib import Path

import numpy as np
import pytest

from gyrus.data.manifest import Manifest, Row
from gyrus.evaluation import Predictions, format_twin_free, twin_free
from gyrus.runs.atomic import to_json

CLASSES = ("a", "b")


def leaking(n_seen=30, n_new=20, subjects=True):
    """A model that knows by heart what it has seen, and is right in half of the rest."""
    labels = [CLASSES[number % 2] for number in range(n_seen + n_new)]
    right = [True] * n_seen + [number % 4 < 2 for number in range(n_new)]
    y_true = np.array([CLASSES.index(label) for label in labels])
    answered = np.where(right, y_true, 1 - y_true)
    names = [f"test/{number}" for number in range(n_seen + n_new)]
    predictions = Predictions(
        image_ids=tuple(names),
        subject_ids=tuple(f"T{number}" if subjects else "" for number in range(len(names))),
        labels=tuple(labels),
        classes=CLASSES,
        y_prob=np.where(answered[:, None] == [0, 1], 0.9, 0.1),
    )
    rows = [
        Row(image_id=name, path=name, label=label, split="test", pixel_hash=f"p{number}",
            subject_id=f"T{number}" if subjects else "")
        for number, (name, label) in enumerate(zip(names, labels, strict=True))
    ]  # fmt: skip
    rows += [
        Row(image_id=f"train/{number}", path="x", label=labels[number], split="train",
            pixel_hash=f"p{number}", subject_id=f"R{number}" if subjects else "")
        for number in range(n_seen)
    ]  # fmt: skip
    return predictions, Manifest(tuple(rows), Path())


def test_the_sentence_and_the_three_figures():
    block = twin_free(*leaking())
    assert block["sentence"] == (
        "Your 80.0 % is 50.0 % without twins: 30 of 50 images have a twin or their patient in training."
    )
    assert (block["n_images"], block["n_twins"], block["n_left"]) == (50, 30, 20)
    values = {name: block[name]["accuracy"]["value"] for name in ("all", "without_twins", "twins_only")}
    assert values == {"all": 0.8, "without_twins": 0.5, "twins_only": 1.0}
    assert block["reasons"]["identical pixels"] == 30
    assert block["by_split"] == {"train": 30}
    assert block["by_class"] == {"a": {"images": 25, "twins": 15}, "b": {"images": 25, "twins": 15}}
    assert {twin["image_id"] for twin in block["twins"]} == {f"test/{number}" for number in range(30)}
    low, high = (block["without_twins"]["accuracy"][name] for name in ("low", "high"))
    assert 0.2 < low < 0.5 < high < 0.8


def test_the_text_shows_them_side_by_side():
    text = format_twin_free(twin_free(*leaking()))
    assert "without twins" in text
    assert "80.0 %" in text
    assert "50.0 % [" in text
    assert "seen as: identical pixels 30" in text


def test_a_clean_split_is_said_to_stand():
    predictions, manifest = leaking(n_seen=0, n_new=20)
    trained = Row(image_id="t", path="t", split="train", subject_id="T")
    with_training = manifest.with_rows([*manifest.rows, trained])
    block = twin_free(predictions, with_training)
    assert block["n_twins"] == 0
    assert block["sentence"].endswith("the figure stands as it is.")
    assert block["all"] == block["without_twins"]
    assert block["twins_only"] is None
    unknown = twin_free(*(leaking(n_seen=0, subjects=False)[0], with_training))
    assert unknown["sentence"].endswith("as far as is known.")
    assert "cannot be told" in format_twin_free(unknown)
    nameless = twin_free(predictions, manifest.with_rows([*manifest.rows, trained.with_(subject_id="")]))
    assert nameless["sentence"].endswith("as far as is known.")
    assert "1 image of training has no known patient" in format_twin_free(nameless)


def test_nothing_left():
    block = twin_free(*leaking(n_seen=10, n_new=0))
    assert block["without_twins"] is None
    assert block["sentence"].startswith("Nothing is left to measure without twins")
    assert "without twins" in format_twin_free(block)


def test_a_class_that_is_all_twins_is_named():
    predictions, manifest = leaking(n_seen=2, n_new=0)
    fresh, other = leaking(n_seen=0, n_new=4)
    only_a = fresh.take(np.array([0, 2]))
    both = Predictions(
        image_ids=(*predictions.image_ids, "u0", "u2"),
        subject_ids=(*predictions.subject_ids, "U0", "U2"),
        labels=(*predictions.labels, *only_a.labels),
        classes=CLASSES,
        y_prob=np.concatenate([predictions.y_prob, only_a.y_prob]),
    )
    more = [
        row.with_(image_id=f"u{n}", subject_id=f"U{n}", pixel_hash=f"u{n}")
        for n, row in enumerate(other.rows)
        if n in (0, 2)
    ]
    block = twin_free(both, manifest.with_rows([*manifest.rows, *more]))
    assert any("every image of b has a twin" in note for note in block["notes"])
    assert any("mixed otherwise (a 75 % before, 100 % now)" in note for note in block["notes"])
    assert not any("mixed otherwise" in note for note in twin_free(*leaking())["notes"])
    json.loads(to_json(block))


def test_without_a_split_it_cannot_be_told():
    predictions, manifest = leaking()
    bare = manifest.with_rows(row.with_(split="") for row in manifest)
    block = twin_free(predictions, bare)
    assert not block["known"]
    assert "cannot be told" in format_twin_free(block)
    assert "column fold" in twin_free(predictions, bare, out_of_fold=True)["sentence"]


def test_pooled_out_of_fold_predictions():
    predictions, manifest = leaking(n_seen=10, n_new=10)
    folds = manifest.with_rows(
        row.with_(fold=number % 2, split="train") for number, row in enumerate(manifest.rows)
    )
    block = twin_free(predictions, folds, out_of_fold=True)
    assert block["known"]
    # the copies of the ten seen images stand at 20 to 29: the same parity, hence the same fold
    assert block["n_twins"] == 0


def test_unlabelled_images_do_not_count():
    predictions, manifest = leaking()
    blank = Predictions(
        predictions.image_ids, predictions.subject_ids,
        ("", *predictions.labels[1:]), CLASSES, predictions.y_prob,
    )  # fmt: skip
    assert twin_free(blank, manifest)["n_images"] == 49


@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_the_confidence_is_the_callers(confidence):
    block = twin_free(*leaking(), confidence=confidence)
    width = block["all"]["accuracy"]["high"] - block["all"]["accuracy"]["low"]
    usual = twin_free(*leaking())["all"]["accuracy"]
    assert (width < usual["high"] - usual["low"]) is (confidence < 0.95)
