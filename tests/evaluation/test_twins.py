"""Which images a model has seen before, as what."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.auditing import audit_manifest
from gyrus.data.manifest import Manifest, Row
from gyrus.evaluation.twins import ITSELF, PATIENT, find_twins, has_training


def manifest_of(*rows):
    return Manifest(tuple(Row(image_id=name, path=name, label="a", **facts) for name, facts in rows), Path())


def reasons(manifest, **options):
    found = find_twins(manifest, [row.image_id for row in manifest], **options)
    return {name: (twin.other_id, twin.other_split, twin.reason) for name, twin in found.items()}


def test_every_kind_of_twin_is_found_under_its_strongest_reason():
    manifest = manifest_of(
        ("t", {"split": "train", "sha256": "s", "pixel_hash": "p", "copy_group": "g", "subject_id": "P1"}),
        ("bytes", {"split": "test", "sha256": "s", "pixel_hash": "p", "copy_group": "g"}),
        ("pixels", {"split": "test", "sha256": "x", "pixel_hash": "p", "subject_id": "P1"}),
        ("look", {"split": "test", "copy_group": "g"}),
        ("patient", {"split": "test", "subject_id": "P1"}),
        ("recovered", {"split": "test", "subject_id": "Q", "recovered_subject": "P1"}),
        ("stranger", {"split": "test", "subject_id": "Q"}),
    )
    found = reasons(manifest)
    assert found == {
        "t": ("t", "train", ITSELF),
        "bytes": ("t", "train", "identical bytes"),
        "pixels": ("t", "train", "identical pixels"),
        "look": ("t", "train", "look-alike"),
        "patient": ("t", "train", PATIENT),
        "recovered": ("t", "train", PATIENT),
    }


def test_what_is_used_before_counts_and_what_comes_after_does_not():
    manifest = manifest_of(
        ("val", {"split": "val", "pixel_hash": "p"}),
        ("cal", {"split": "cal", "pixel_hash": "p"}),
        ("test", {"split": "test", "pixel_hash": "p"}),
        ("none", {"split": "", "pixel_hash": "p"}),
    )
    found = reasons(manifest)
    assert {name: other for name, (other, _, _) in found.items()} == {
        "cal": "val",
        "test": "val",
        "none": "val",
    }
    assert not has_training(manifest)


def test_empty_values_join_nothing():
    manifest = manifest_of(("a", {"split": "train"}), ("b", {"split": "test"}))
    assert set(reasons(manifest)) == {"a"}


def test_out_of_fold_compares_with_the_other_folds():
    manifest = manifest_of(
        ("a", {"fold": 0, "subject_id": "P", "split": "train"}),
        ("b", {"fold": 0, "subject_id": "P", "split": "test"}),
        ("c", {"fold": 1, "subject_id": "Q", "pixel_hash": "p"}),
        ("d", {"fold": 2, "subject_id": "R", "pixel_hash": "p"}),
    )
    assert reasons(manifest, out_of_fold=True) == {
        "c": ("d", "fold 2", "identical pixels"),
        "d": ("c", "fold 1", "identical pixels"),
    }
    assert has_training(manifest, out_of_fold=True)


def test_ids_that_the_manifest_lacks_are_left_out():
    assert find_twins(manifest_of(("a", {"split": "train"})), ["zzz"]) == {}


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from(["train", "val", "cal", "test", ""]),
        st.sampled_from(["", "P1", "P2", "P3"]),
        st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6"]),
    ),
    min_size=2,
    max_size=25,
)


@given(rows_strategy)
def test_the_count_is_the_audits(drawn):
    """No image has a copy group here: what is left are the audit's two kinds."""
    manifest = manifest_of(
        *(
            (f"i{n}", {"split": split, "subject_id": subject, "pixel_hash": pixels, "sha256": pixels})
            for n, (split, subject, pixels) in enumerate(drawn)
        )
    )
    audited = {
        pair.image_id
        for finding in audit_manifest(manifest).findings
        if finding.kind in ("subject_across_splits", "pixels_across_splits")
        for pair in finding.pairs
    }
    seen = {
        name
        for name, twin in find_twins(manifest, [row.image_id for row in manifest]).items()
        if twin.reason != ITSELF and next(r for r in manifest if r.image_id == name).split != ""
    }
    trained = {row.image_id for row in manifest if row.split == "train"}
    assert seen == audited - trained


def test_the_answer_does_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    rows = [
        (f"i{n}", {"split": ("train", "test")[n % 2], "subject_id": f"P{rng.integers(12)}"})
        for n in range(40)
    ]
    shuffled = [rows[n] for n in rng.permutation(40)]
    assert set(reasons(manifest_of(*rows))) == set(reasons(manifest_of(*shuffled)))


@pytest.mark.parametrize(("split", "told"), [("train", True), ("test", False)])
def test_has_training(split, told):
    assert has_training(manifest_of(("a", {"split": split}))) is told
