"""The screen lets every pair through that is alike in some orientation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from look_pictures import pictures, with_copies

from gyrus.auditing import pair_search, screening
from gyrus.auditing.pair_search import TooManyPairsError, best_products, candidates, find_pairs
from gyrus.auditing.screening import Screen, possible_pairs, sharper, unmoved, with_rest
from gyrus.imaging.look import ORIENTATIONS, low_frequencies, orient_spectrum, sharpen, spectrum


def left(screen: Screen) -> set[tuple[int, int]]:
    found = [
        (int(a), int(b))
        for block in possible_pairs(screen)
        for a, b in zip(block.rows[block.i], block.columns[block.j], strict=True)
    ]
    assert len(found) == len(set(found))
    return set(found)


def test_no_orientation_moves_the_features() -> None:
    spectra = spectrum(pictures(20))
    for number in range(ORIENTATIONS):
        np.testing.assert_allclose(unmoved(orient_spectrum(spectra, number)), unmoved(spectra), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(unmoved(spectra), axis=1), 1, atol=1e-5)


def test_the_product_of_features_bounds_that_of_the_best_orientation() -> None:
    rng = np.random.default_rng(0)
    spectra = sharpen(rng.normal(0, 1, (60, 12, 12)).astype(np.float32))
    assert (unmoved(spectra) @ unmoved(spectra).T >= best_products(spectra, spectra) - 1e-5).all()
    looks, _ = with_copies(60, 20)
    low = low_frequencies(looks, 12)
    features = with_rest(unmoved(low))
    whole = low_frequencies(looks, 64)
    assert (features @ features.T >= best_products(whole, whole) - 1e-4).all()


@pytest.mark.parametrize("least", [0.3, 0.9, 0.999])
def test_every_pair_above_the_least_product_is_left_once(
    monkeypatch: pytest.MonkeyPatch, least: float
) -> None:
    monkeypatch.setattr(screening, "_ROWS", 7)
    monkeypatch.setattr(screening, "_COLUMNS", 11)  # so that the stretch of others begins within a block
    rng = np.random.default_rng(2)
    mine = np.abs(rng.normal(0, [3, 1, 1, 1], (50, 4))).astype(np.float32)
    mine /= np.linalg.norm(mine, axis=1, keepdims=True)
    theirs = mine[::3] + 1e-4
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    between = {(i, j) for i, j in product(range(50), range(len(theirs))) if mine[i] @ theirs[j] >= least}
    assert left(Screen(mine, theirs, least)) == between
    within = {(i, j) for i, j in product(range(50), range(50)) if i < j and mine[i] @ mine[j] >= least}
    assert {(min(pair), max(pair)) for pair in left(Screen(mine, None, least))} == within
    assert 0 < len(within) < 50 * 49 / 2


def test_the_screen_that_leaves_fewer_pairs_is_taken() -> None:
    features = np.eye(5, dtype=np.float32)
    strict, lax = Screen(features, None, 0.9), Screen(features, None, -1.0)
    assert sharper(strict, lax) is sharper(lax, strict) is strict


def test_a_crowd_of_alike_pictures_is_compared_all_at_once_and_found_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, _ = with_copies(60, 30)
    spectra = sharpen(spectrum(looks))
    monkeypatch.setattr(pair_search, "_ALL_AT_ONCE", 2.0)
    singly = candidates(spectra, None, 0.5)
    monkeypatch.setattr(pair_search, "_ALL_AT_ONCE", 0.0)
    together = candidates(spectra, None, 0.5)
    np.testing.assert_array_equal(singly, together)
    assert len(singly[0]) > 30


def test_too_many_pairs_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_search, "MOST_PAIRS", 9)
    looks, _ = with_copies(40, 9)
    assert len(find_pairs(looks, min_correlation=0.97)) == 9
    looks, _ = with_copies(40, 10)
    with pytest.raises(TooManyPairsError):
        find_pairs(looks, min_correlation=0.97)
