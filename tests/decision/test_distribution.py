"""The gate's third step: scores against scikit-learn and by hand, thresholds, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from gyrus.decision.distribution import (
    METHODS,
    Distribution,
    energy,
    fewest_held_out,
    fit_arrays,
    knn,
    mahalanobis,
    threshold_for,
    unit,
)
from gyrus.decision.gate_fitting import Features, fit_distribution
from gyrus.decision.shrinkage import shrunk_axes
from gyrus.errors import BundleError, DataError


def features(n=60, d=12, k=3, seed=0, shift=0.0) -> Features:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    centres = np.random.default_rng(99).normal(size=(k, d)) * 3 + shift
    embedding = (centres[labels] + rng.normal(size=(n, d))).astype(np.float32)
    return Features(rng.normal(size=(n, k)).astype(np.float32), embedding, labels, subjects=n // 2)


@pytest.mark.parametrize(("n", "d"), [(60, 20), (15, 40), (40, 40)])
def test_the_shrunk_covariance_is_that_of_scikit_learn(n, d) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    rows -= rows.mean(axis=0)
    axes, variances, rest = shrunk_axes(rows, most=200)
    mine = axes.T @ np.diag(variances) @ axes + rest * (np.eye(d) - axes.T @ axes)
    theirs = LedoitWolf(assume_centered=True).fit(rows).covariance_
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())


def test_mahalanobis_is_the_distance_under_that_covariance() -> None:
    training, new = features(80), features(7, seed=5)
    arrays = fit_arrays("mahalanobis", training.embedding, training.labels)
    values, asked = unit(training.embedding).astype(np.float64), unit(new.embedding).astype(np.float64)
    means = np.stack([values[training.labels == number].mean(axis=0) for number in range(3)])
    covariance = LedoitWolf(assume_centered=True).fit(values - means[training.labels]).covariance_
    inverse = np.linalg.inv(covariance)
    expected = [-min((row - mean) @ inverse @ (row - mean) for mean in means) for row in asked]
    np.testing.assert_allclose(mahalanobis(new.embedding, **arrays), expected, rtol=1e-3)


def test_few_axes_keep_the_total_variance() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 30))
    axes, variances, rest = shrunk_axes(rows, most=5)
    full, all_variances, full_rest = shrunk_axes(rows, most=30)
    assert variances.sum() + rest * 25 == pytest.approx(all_variances.sum() + full_rest * (30 - len(full)))
    np.testing.assert_allclose(axes @ axes.T, np.eye(5), atol=1e-9)


def test_knn_is_that_of_scikit_learn() -> None:
    training, new = features(80), features(7, seed=5)
    kept = fit_arrays("knn", training.embedding, training.labels)["neighbours"]
    distances, _ = NearestNeighbors(n_neighbors=10).fit(kept).kneighbors(unit(new.embedding))
    np.testing.assert_allclose(knn(new.embedding, kept), -distances[:, -1], rtol=1e-4, atol=1e-5)


def test_energy_by_hand() -> None:
    assert energy(np.array([[np.log(2.0), np.log(3.0)]])) == pytest.approx(np.log(5.0))
    assert energy(np.array([[1000.0, 1000.0]])) == pytest.approx(1000.0 + np.log(2.0))


@pytest.mark.parametrize(
    ("n", "share", "rank"), [(99, 0.05, 5), (100, 0.01, 1), (999, 0.01, 10), (10, 0.01, 1), (1, 0.5, 1)]
)
def test_the_threshold_is_the_promised_order_statistic(n, share, rank) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    threshold = threshold_for(scores, share)
    assert threshold < rank
    assert int((scores < threshold).sum()) == rank - 1


def test_new_images_of_the_same_kind_are_refused_as_often_as_promised() -> None:
    rates = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        threshold = threshold_for(rng.normal(size=99), 0.05)
        rates.append(float((rng.normal(size=2000) < threshold).mean()))
    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)


def test_patients_count_alike_however_many_images_they_have() -> None:
    alone = np.arange(1.0, 100.0)
    assert threshold_for(alone, 0.05, np.arange(99)) == threshold_for(alone, 0.05)
    # the least alike patient has as many images as all others together
    scores = np.concatenate([np.full(98, 1.0), alone[1:]])
    groups = np.concatenate([np.zeros(98, dtype=np.int64), np.arange(1, 99)])
    assert threshold_for(scores, 0.05, groups) == threshold_for(alone, 0.05)
    assert threshold_for(scores, 0.05) < 1.0


def test_images_of_new_patients_are_refused_as_often_as_promised() -> None:
    rng = np.random.default_rng(4)

    def drawn(patients):
        sizes = rng.integers(1, 30, patients)
        whose = np.repeat(np.arange(patients), sizes)
        return rng.normal(size=patients)[whose] + 0.3 * rng.normal(size=whose.size), whose

    rates: dict[str, list[float]] = {"by patient": [], "by image": []}
    for _ in range(60):
        (scores, whose), (new, new_whose) = drawn(39), drawn(400)
        for name, groups in (("by patient", whose), ("by image", None)):
            refused = (new < threshold_for(scores, 0.05, groups)).astype(float)
            shares = np.bincount(new_whose, weights=refused) / np.bincount(new_whose)
            rates[name].append(float(shares.mean()))
    assert np.mean(rates["by patient"]) <= 0.05
    assert np.mean(rates["by image"]) > 0.06


def test_so_few_patients_that_none_is_refused() -> None:
    assert fewest_held_out(0.01) == 99
    scores, groups = np.arange(980.0), np.repeat(np.arange(98), 10)
    assert threshold_for(scores, 0.01, groups) < 0.0
    held_out = replace(features(60, seed=1), groups=np.repeat(np.arange(30), 2))
    for share, few in ((0.01, True), (0.1, False)):
        _, fitted = fit_distribution(
            features(80), held_out, split="cal", method="energy", false_refusals=share
        )
        assert (fitted["by"], fitted["too_few"]) == ("subject", few)


@pytest.mark.parametrize("method", ["mahalanobis", "knn"])
def test_far_images_are_refused_and_near_ones_pass(method) -> None:
    step, fitted = fit_distribution(
        features(80), features(60, seed=1), split="cal", method=method, false_refusals=0.05
    )
    near, far = features(200, seed=2), features(200, seed=3, shift=20.0)
    assert np.mean([item.passed for item in step.find(near.embedding, near.logits)]) > 0.85
    findings = step.find(far.embedding, far.logits)
    assert not any(item.passed for item in findings)
    assert findings[0].step == "distribution"
    assert "unlike the images" in findings[0].reason
    assert fitted["fitted_on"] == {"split": "cal", "images": 60, "subjects": 30}
    assert fitted["refused_there"] <= 3


def test_a_score_that_is_no_number_does_not_pass() -> None:
    step = Distribution("energy", 0.0, {})
    assert not step.find(None, np.array([[np.nan, 1.0]]))[0].passed


def test_training_images_that_are_all_alike_do_not_divide_by_zero() -> None:
    same = np.ones((5, 4), dtype=np.float32)
    arrays = fit_arrays("mahalanobis", same, np.zeros(5, dtype=np.int64))
    scores = mahalanobis(np.array([[1, 1, 1, 1], [1, -1, 1, -1]], dtype=np.float32), **arrays)
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]


def test_one_image_of_a_class_is_enough() -> None:
    training = features(30)
    labels = training.labels.copy()
    labels[:] = 0
    labels[3] = 2
    assert fit_arrays("mahalanobis", training.embedding, labels)["means"].shape == (2, 12)


@pytest.mark.parametrize("method", ["mahalanobis", "knn"])
def test_a_network_without_embedding_is_refused_by_name(method) -> None:
    with pytest.raises(DataError, match=f"method {method} needs embeddings .* got none"):
        fit_arrays(method, None, np.zeros(3, dtype=np.int64))
    step = Distribution(method, 0.0, fit_arrays(method, features().embedding, features().labels))
    with pytest.raises(BundleError, match="embeddings of 12 features; the network gives none"):
        step.scores(None, np.zeros((1, 3)))
    with pytest.raises(BundleError, match="the network gives 5 features"):
        step.scores(np.zeros((1, 5), dtype=np.float32), np.zeros((1, 3)))


def test_no_held_out_image_is_refused() -> None:
    with pytest.raises(DataError, match="held-out images"):
        threshold_for(np.empty(0), 0.01)
    with pytest.raises(DataError, match="share of false refusals"):
        fit_distribution(features(), features(), split="cal", method="energy", false_refusals=0.0)


def test_the_methods_are_those_of_the_options() -> None:
    from typing import get_args, get_type_hints

    from gyrus.config.gating import GateOptions

    assert get_args(get_type_hints(GateOptions)["gate_method"]) == METHODS
