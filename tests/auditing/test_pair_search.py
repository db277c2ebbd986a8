"""The search for pairs finds what comparing everything with everything finds."""

from __future__ import annotations

import numpy as np
import pytest
from look_pictures import pictures, with_copies

from gyrus.auditing import pair_search, screening
from gyrus.auditing.lookalikes import best_correlations
from gyrus.auditing.pair_search import best_products, candidates, correlate, find_pairs
from gyrus.imaging.look import ORIENTATIONS, orient, orient_spectrum, spectrum


def test_planted_copies_are_found_in_every_orientation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_ROWS", 37)
    monkeypatch.setattr(screening, "_COLUMNS", 41)  # so that pairs lie within and across blocks
    monkeypatch.setattr(pair_search, "_CONFIRM_BLOCK", 5)
    looks, moves = with_copies(200, 40)
    pairs = find_pairs(looks, min_correlation=0.97)
    assert pairs.first.tolist() == list(range(40))
    assert pairs.second.tolist() == list(range(160, 200))
    assert pairs.correlation.min() > 0.98
    for number in range(40):
        back = orient(looks[pairs.second[number]], int(pairs.orientation[number]))
        original = looks[pairs.first[number]].astype(float)
        assert np.corrcoef(original.ravel(), back.ravel())[0, 1] == pytest.approx(  # type: ignore[arg-type]
            pairs.correlation[number], abs=1e-5
        )
    assert len(set(moves.tolist())) == ORIENTATIONS


def test_everything_above_the_threshold_is_found() -> None:
    """Against all pairs in all orientations, at thresholds with borderline pairs."""
    looks, _ = with_copies(120, 30, seed=3)
    rng = np.random.default_rng(9)
    looks[60:90] = (looks[:30] + rng.normal(0, 12, (30, 64, 64))).clip(0, 255)
    every = best_correlations(looks)
    for threshold in (0.8, 0.95, 0.99):
        rows, columns = np.nonzero(np.triu(every >= threshold, 1))
        expected = set(zip(rows.tolist(), columns.tolist(), strict=True))
        # 12 x 12 frequencies always suffice for such smooth pictures
        pairs = find_pairs(looks, min_correlation=threshold, candidate_correlation=threshold - 0.05)
        assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == expected


def test_between_two_sets() -> None:
    looks, _ = with_copies(50, 10)
    pairs = find_pairs(looks[:40], looks[40:], min_correlation=0.97)
    assert pairs.first.tolist() == pairs.second.tolist() == list(range(10))
    correlation, orientation = correlate(looks[pairs.first], looks[40:][pairs.second])
    np.testing.assert_allclose(correlation, pairs.correlation, atol=1e-6)
    np.testing.assert_array_equal(orientation, pairs.orientation)


def test_blank_pictures_pair_with_nothing() -> None:
    looks = np.concatenate([np.zeros((3, 64, 64), np.uint8), np.full((3, 64, 64), 255, np.uint8)])
    assert len(find_pairs(looks, min_correlation=0.5)) == 0


@pytest.mark.parametrize("count", [0, 1])
def test_few_pictures(count: int) -> None:
    assert len(find_pairs(pictures(count), min_correlation=0.5)) == 0
    assert len(find_pairs(pictures(3), pictures(count, seed=1), min_correlation=0.999)) == 0


def test_candidates_are_the_best_of_eight_orientations() -> None:
    spectra = spectrum(pictures(30))
    oriented = [orient_spectrum(spectra, number) for number in range(ORIENTATIONS)]
    expected = np.max([np.einsum("nij,mij->nm", spectra, other) for other in oriented], axis=0)
    np.testing.assert_allclose(best_products(spectra, spectra), expected, atol=1e-5)
    threshold = 0.35
    first, second = candidates(spectra, None, threshold)
    found = {(int(i), int(j)) for i, j in zip(first, second, strict=True)}
    clear = np.abs(expected - threshold) > 1e-4
    rows, columns = np.nonzero(np.triu((expected >= threshold) & clear, 1))
    assert found >= set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert all(expected[i, j] >= threshold - 1e-4 and i < j for i, j in found)
