"""The bootstrap by weights."""

import time

import numpy as np
import pytest

from gyrus.metrics import cluster_weights, percentile_interval, resampling
from gyrus.metrics.resampling import image_weights, replicates, weight_chunks
from gyrus.metrics.roc import auc_resampled


def test_each_resample_draws_as_many_groups_as_there_are():
    weights = cluster_weights(37, 500, seed=0)
    assert weights.shape == (37, 500)
    assert (weights.sum(axis=0) == 37).all()
    # multinomial: mean 1, variance 1 - 1/n
    assert weights.mean() == pytest.approx(1)
    assert weights.var() == pytest.approx(1 - 1 / 37, rel=0.03)


def test_the_seed_decides():
    assert (cluster_weights(5, 9, 1) == cluster_weights(5, 9, 1)).all()
    assert (cluster_weights(5, 9, 1) != cluster_weights(5, 9, 2)).any()


def test_chunks_are_the_columns_of_the_whole(monkeypatch):
    whole = cluster_weights(30, 100, 7)
    monkeypatch.setattr(resampling, "_CHUNK_BYTES", 30 * 8 * 17)
    parts = list(weight_chunks(30, 100, 7))
    assert [part.shape[1] for part in parts] == [17] * 5 + [15]
    assert (np.concatenate(parts, axis=1) == whole).all()
    means = replicates(lambda weights: np.float64(1) * weights[0], 30, 100, 7)
    assert means == pytest.approx(whole[0])
    assert replicates(lambda weights: np.float64(1) * weights[0], 30, 0, 7).shape == (0,)


def test_images_share_the_weight_of_their_group_in_every_chunk():
    weights, groups = cluster_weights(4, 50, 0), np.array([0, 3, 3, 1, 2, 0])
    parts = list(image_weights(weights, groups))
    assert np.concatenate([part for _, part in parts], axis=1) == pytest.approx(weights[groups])
    assert parts[0][0].start == 0


def test_chunks_bound_the_memory():
    weights, groups = cluster_weights(1000, 400, 0), np.repeat(np.arange(1000), 200)
    sizes = [part.nbytes for _, part in image_weights(weights, groups)]
    assert len(sizes) > 1
    assert max(sizes) <= 30 * 2**20


def test_percentiles_leave_out_undefined_replicates():
    values = np.append(np.arange(101) / 100, [np.nan] * 7)
    assert percentile_interval(values, 0.9) == pytest.approx((0.05, 0.95))
    assert np.isnan(percentile_interval([np.nan], 0.9)).all()


def test_five_thousand_images_two_thousand_samples_take_seconds():
    rng = np.random.default_rng(0)
    groups, y_true, score = rng.integers(0, 300, 5000), rng.random(5000) < 0.3, rng.normal(size=5000)
    begin = time.process_time()  # a neighbour's load is not ours
    weights = cluster_weights(300, 2000, 0)
    areas = [auc_resampled(y_true, score, part) for _, part in image_weights(weights, groups)]
    assert np.concatenate(areas).shape == (2000,)
    assert time.process_time() - begin < 2  # 0.1 s on an idle core
