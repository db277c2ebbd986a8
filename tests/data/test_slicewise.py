"""Splits that leak on purpose and labels that mean nothing are exactly that, and nothing else changes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.auditing import audit_manifest
from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, Row, make_split
from gyrus.data.slicewise import leaky_slice_wise_split, meaningless_labels


def cohort(patients=30, slices=4, classes=3):
    rows = tuple(
        Row(image_id=f"{p}/{s}.png", path=f"{p}/{s}.png", label="abcdef"[p % classes], subject_id=f"P{p}",
            sha256=f"b{p}-{s}", pixel_hash=f"p{p}-{s}")
        for p in range(patients) for s in range(slices)
    )  # fmt: skip
    return Manifest(rows, Path())


def divided(**options):
    return make_split(cohort(**options), SplitOptions(split="new", cal_fraction=0.0)).manifest


def subjects(manifest, split):
    return {row.subject_id for row in manifest if row.split == split}


def test_the_leaky_split_keeps_every_number_and_puts_patients_on_both_sides():
    honest = divided()
    assert not subjects(honest, "train") & subjects(honest, "test")
    leaky = leaky_slice_wise_split(honest, 0)
    assert leaky.counts() == honest.counts()
    assert len(subjects(leaky, "train") & subjects(leaky, "test")) > 10
    assert audit_manifest(honest).verdict == "clean"
    assert audit_manifest(leaky).verdict == "leaking"


def test_it_depends_on_content_and_seed_not_on_order():
    honest = divided()
    leaky = leaky_slice_wise_split(honest, 0)
    order = np.random.default_rng(1).permutation(len(honest))
    shuffled = leaky_slice_wise_split(honest.with_rows(honest.rows[i] for i in order), 0)
    assert {row.image_id: row.split for row in shuffled} == {row.image_id: row.split for row in leaky}
    other = leaky_slice_wise_split(honest, 1)
    assert sum(a.split != b.split for a, b in zip(leaky, other, strict=True)) > 20


def test_images_without_a_split_stay_without():
    honest = divided()
    rows = [row.with_(split="") if row.subject_id == "P0" else row for row in honest]
    leaky = leaky_slice_wise_split(honest.with_rows(rows), 0)
    assert {row.subject_id for row in leaky if not row.split} == {"P0"}
    assert leaky.counts() == honest.with_rows(rows).counts()


def test_nothing_but_the_split_or_the_label_changes():
    honest = divided()
    for changed in (leaky_slice_wise_split(honest, 0), meaningless_labels(honest, 0)):
        for before, after in zip(honest, changed, strict=True):
            assert after.with_(split="", label="") == before.with_(split="", label="")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), patients=st.integers(12, 30), classes=st.integers(2, 4))
def test_a_patient_has_one_meaningless_label_and_the_sides_keep_their_shares(seed, patients, classes):
    honest = divided(patients=patients, classes=classes)
    nonsense = meaningless_labels(honest, seed)
    label_of = {}
    for row in nonsense:
        assert label_of.setdefault(row.subject_id, row.label) == row.label
    for split in ("train", "val", "test"):
        before = Counter({row.subject_id: row.label for row in honest if row.split == split}.values())
        after = Counter(label_of[name] for name in subjects(nonsense, split))
        assert before == after


def test_meaningless_labels_say_nothing_about_true_ones():
    honest = divided(patients=60)
    agree = np.mean([
        np.mean([a.label == b.label for a, b in zip(honest, meaningless_labels(honest, seed), strict=True)])
        for seed in range(40)
    ])  # fmt: skip
    assert agree == pytest.approx(1 / 3, abs=0.04)


def test_copies_of_a_patient_under_another_name_get_the_same_label():
    rows = [row.with_(copy_group="same") if row.subject_id in ("P0", "P1") else row for row in cohort()]
    nonsense = meaningless_labels(cohort().with_rows(rows), 3)
    assert len({row.label for row in nonsense if row.subject_id in ("P0", "P1")}) == 1
