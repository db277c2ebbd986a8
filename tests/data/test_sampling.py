from collections import Counter
from pathlib import Path

import numpy as np

from gyrus.data import Manifest, Row
from gyrus.data.sampling import sample_groups


def cohort(patients=60):
    rows = tuple(
        Row(image_id=f"{p}/{s}", path="x", label="abc"[p % 3], subject_id=f"P{p}", pixel_hash=f"{p}-{s}")
        for p in range(patients) for s in range(2 + p % 5)
    )  # fmt: skip
    return Manifest(rows, Path())


def test_whole_patients_of_all_classes_about_as_many_as_asked():
    whole = cohort()
    part = sample_groups(whole, 100, seed=0)
    assert abs(len(part) - 100) <= 8
    images = Counter(row.subject_id for row in whole)
    assert all(images[name] == number for name, number in Counter(row.subject_id for row in part).items())
    shares = [Counter(row.label for row in m) for m in (whole, part)]
    for name in "abc":
        assert abs(shares[0][name] / len(whole) - shares[1][name] / len(part)) < 0.06


def test_small_sets_stay_whole_and_the_seed_decides():
    whole = cohort()
    assert sample_groups(whole, len(whole), seed=0) is whole
    ids = [frozenset(row.image_id for row in sample_groups(whole, 80, seed)) for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
    order = np.random.default_rng(0).permutation(len(whole))
    mixed = whole.with_rows(whole.rows[i] for i in order)
    assert frozenset(row.image_id for row in sample_groups(mixed, 80, 0)) == ids[0]
