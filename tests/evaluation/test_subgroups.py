"""Figures by source, size, plane, fact."""

import json
from pathlib import Path

import numpy as np
import pytest

from gyrus.data.manifest import Manifest, Row
from gyrus.evaluation import Predictions, evaluate_predictions, format_subgroups, subgroups
from gyrus.runs.atomic import to_json

CLASSES = ("a", "b")


def cohort(share_right, sizes, slices=4, seed=0):
    """Patients of several scanners; ``share_right`` of each scanner's images are answered rightly."""
    rng = np.random.default_rng(seed)
    rows, labels, answered = [], [], []
    for scanner, (share, patients) in enumerate(zip(share_right, sizes, strict=True)):
        for patient in range(patients):
            for _ in range(slices):
                label = patient % 2
                right = rng.random() < share
                name = f"i{len(rows)}"
                rows.append(
                    Row(image_id=name, path=name, label=CLASSES[label], subject_id=f"S{scanner}P{patient}",
                        facts={"scanner": "ABCDE"[scanner]})
                )  # fmt: skip
                labels.append(label)
                answered.append(label if right else 1 - label)
    predictions = Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=tuple(row.subject_id for row in rows),
        labels=tuple(CLASSES[label] for label in labels),
        classes=CLASSES,
        y_prob=np.where(np.array(answered)[:, None] == [0, 1], 0.8, 0.2),
    )
    return predictions, Manifest(tuple(rows), Path())


def groups_of(block):
    (dimension,) = block["dimensions"]
    return {group["value"]: group for group in dimension["groups"]}


def test_a_groups_figures_are_those_of_its_images():
    predictions, manifest = cohort([0.9, 0.7], [20, 15])
    groups = groups_of(subgroups(predictions, manifest))
    rows = np.array([n for n, row in enumerate(manifest) if row.facts["scanner"] == "A"])
    alone = evaluate_predictions(predictions.take(rows), n_bootstrap=0)
    assert groups["A"]["accuracy"] == alone["accuracy"]
    assert groups["A"]["balanced_accuracy"] == alone["balanced_accuracy"]
    assert groups["A"]["macro_roc_auc"] == alone["macro"]["roc_auc"]
    assert groups["A"]["by_class"] == {"a": 40, "b": 40}
    assert (groups["B"]["n_images"], groups["B"]["n_clusters"]) == (60, 15)


def test_the_difference_is_against_the_rest_and_signed():
    predictions, manifest = cohort([0.95, 0.6], [30, 30])
    block = subgroups(predictions, manifest)
    groups = groups_of(block)
    a, b = (groups[name]["difference"] for name in "AB")
    assert a["value"] == pytest.approx(groups["A"]["accuracy"]["value"] - groups["B"]["accuracy"]["value"])
    assert b["value"] == pytest.approx(-a["value"])
    assert a["p_holm"] == b["p_holm"] < 0.001
    assert block["tests"] == 1


def test_several_groups_are_adjusted():
    block = subgroups(*cohort([0.9, 0.9, 0.5], [20, 20, 20]))
    groups = groups_of(block)
    assert block["tests"] == 3
    for group in groups.values():
        assert group["difference"]["p_holm"] >= group["difference"]["p"]
    assert groups["C"]["difference"]["p_holm"] < 0.05


def test_small_groups_are_counted_and_not_measured():
    predictions, manifest = cohort([0.9, 0.9, 0.9], [20, 4, 6], slices=6)
    groups = groups_of(subgroups(predictions, manifest, min_images=30, min_patients=5))
    assert groups["B"]["accuracy"] is None  # 24 images, 4 patients
    assert groups["B"]["difference"] is None
    assert groups["B"]["n_images"] == 24
    assert groups["C"]["accuracy"] is not None  # 36 images, 6 patients
    few_patients = groups_of(subgroups(predictions, manifest, min_images=10, min_patients=5))
    assert few_patients["B"]["accuracy"] is None


def test_equal_scanners_rarely_look_different():
    """Under the null at most about 5 % of cohorts may show any starred group (40 cohorts: up to 6)."""
    starred = 0
    for seed in range(40):
        block = subgroups(*cohort([0.8] * 4, [12] * 4, slices=3, seed=seed))
        starred += any(group["difference"]["p_holm"] < 0.05 for group in groups_of(block).values())
    assert starred <= 6


def test_the_text_marks_what_differs_and_says_what_is_too_small():
    predictions, manifest = cohort([0.95, 0.6, 0.9], [30, 30, 2])
    text = format_subgroups(subgroups(predictions, manifest))
    assert "by scanner" in text
    assert " *" in text
    assert "too few" in text
    assert "Holm" in text
    assert format_subgroups({"dimensions": [], "left_out": []}) == ""


def test_it_can_be_written_as_json():
    json.loads(to_json(subgroups(*cohort([0.9, 0.7], [6, 6]))))


def test_no_labels_no_groups():
    predictions, manifest = cohort([0.9], [6])
    blank = Predictions(
        predictions.image_ids, predictions.subject_ids, ("",) * len(predictions), CLASSES, predictions.y_prob
    )
    assert subgroups(blank, manifest)["dimensions"] == []
