"""How far images lie from those that a model knows."""

import json

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from gyrus.evaluation import drift
from gyrus.evaluation.drift import drift_untold, embedding_drift, format_drift
from gyrus.runs.atomic import to_json


def cloud(n_patients, shift=0.0, slices=4, features=12, seed=0):
    """Images of patients: what one patient's images share is as large as what they do not."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), slices)
    points = rng.normal(size=(n_patients, features))[patient] + rng.normal(size=(len(patient), features))
    points[:, 0] += shift
    return points.astype(np.float32), [f"s{seed}p{number}" for number in patient]


def measured(shift, seed=1):
    reference, groups = cloud(60)
    external, external_groups = cloud(40, shift, seed=seed)
    names = [f"e{number}" for number in range(len(external))]
    return embedding_drift(reference, groups, external, external_groups, names)


def test_no_drift_gives_about_five_per_cent_and_a_half():
    blocks = [measured(0, seed) for seed in range(1, 13)]
    shares, areas = ([block[name]["value"] for block in blocks] for name in ("far", "auc"))
    assert np.mean(shares) == pytest.approx(0.05, abs=0.03)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.04)


def test_drift_is_seen_and_grows():
    near, far = measured(3), measured(9)
    assert near["auc"]["value"] < far["auc"]["value"]
    assert far["far"]["value"] > 0.9
    assert far["far"]["low"] > 0.05
    assert far["sentence"].startswith("These images look new to the model")
    assert "No drift is seen" in measured(0)["sentence"]


def test_the_farthest_are_named_in_units_of_the_limit():
    reference, groups = cloud(60)
    external, external_groups = cloud(20, seed=3)
    external[7] += 50
    names = [f"e{number}" for number in range(len(external))]
    block = embedding_drift(reference, groups, external, external_groups, names)
    assert block["farthest"][0]["image_id"] == "e7"
    assert block["farthest"][0]["distance"] > 5
    assert "e7" in format_drift(block)
    json.loads(to_json(block))


def test_distances_are_scikit_learns(monkeypatch):
    monkeypatch.setattr(drift, "_BLOCK", 7)
    reference, _ = cloud(15)
    points, _ = cloud(6, seed=4)
    fitted = NearestNeighbors(n_neighbors=drift.NEIGHBOURS).fit(reference.astype(float))
    wanted = fitted.kneighbors(points.astype(float))[0].mean(axis=1)
    own = np.arange(len(reference))
    got = drift._distances(points.astype(float), reference.astype(float), np.full(len(points), -1), own)
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_a_patients_own_images_are_no_neighbours():
    rng = np.random.default_rng(0)
    centres = 100 * rng.normal(size=(30, 5))
    points = centres.repeat(6, axis=0) + 0.01 * rng.normal(size=(180, 5))
    groups = np.repeat(np.arange(30), 6)
    assert drift._distances(points, points, groups, groups).min() > 5


def test_features_that_never_vary_are_left_out():
    reference, groups = cloud(20)
    external, external_groups = cloud(12, seed=2)
    names = [str(number) for number in range(len(external))]
    padded = [
        np.concatenate([points, np.full((len(points), 3), 7, np.float32)], 1)
        for points in (reference, external)
    ]
    plain = embedding_drift(reference, groups, external, external_groups, names)
    same = embedding_drift(padded[0], groups, padded[1], external_groups, names)
    assert same["auc"]["value"] == pytest.approx(plain["auc"]["value"])


def test_too_few_reference_patients():
    reference, groups = cloud(9)
    external, external_groups = cloud(5, seed=2)
    block = embedding_drift(reference, groups, external, external_groups, [""] * len(external))
    assert not block["known"]
    assert "9 patients" in block["sentence"]


def test_untold():
    assert format_drift(drift_untold("nothing is there")) == (
        "Drift against training cannot be told: nothing is there."
    )
