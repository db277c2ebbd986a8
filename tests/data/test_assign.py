"""Dealing groups: whole, stratified, no worse than scikit-learn's, the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.data.assign import assign_groups


def keys_of(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{rng.integers(1 << 60):016x}" for _ in range(count)]


def totals(counts: np.ndarray, parts: np.ndarray, number: int) -> np.ndarray:
    return np.stack([counts[parts == part].sum(axis=0) for part in range(number)])


@pytest.mark.parametrize("fractions", [(0.6, 0.1, 0.1, 0.2), (0.5, 0.5), (0.97, 0.03)])
def test_single_images_are_shared_exactly_to_one(fractions: tuple[float, ...]) -> None:
    classes = np.repeat([0, 1, 2], [100, 57, 333])
    counts = np.eye(3, dtype=np.int64)[classes]
    parts = assign_groups(counts, fractions, keys_of(len(counts)))
    wanted = np.outer(fractions, counts.sum(axis=0))
    assert np.abs(totals(counts, parts, len(fractions)) - wanted).max() <= 1


cohorts = st.integers(4, 60).flatmap(
    lambda groups: st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(0, 3)), min_size=groups, max_size=groups
    )
)


@settings(deadline=None, max_examples=150)
@given(cohorts, st.integers(0, 5))
def test_every_group_has_one_part_and_no_class_is_absent_without_need(
    cohort: list[tuple[int, int, int]], seed: int
) -> None:
    counts = np.zeros((len(cohort), 3), dtype=np.int64)
    for row, (label, size, strays) in enumerate(cohort):
        counts[row, label] += size
        counts[row, (label + 1) % 3] += strays if strays > 2 else 0
    parts = assign_groups(counts, (0.6, 0.2, 0.2), keys_of(len(cohort), seed))
    assert parts.shape == (len(cohort),)
    assert set(parts.tolist()) <= {0, 1, 2}
    pure = (counts > 0).sum(axis=1).max() == 1
    if pure:  # with one class a group, three groups of a class are enough for three parts
        enough = (counts > 0).sum(axis=0) >= 3
        assert np.all(totals(counts, parts, 3)[:, enough] > 0)


def test_a_rare_class_reaches_every_part() -> None:
    counts = np.array([[5, 0]] * 40 + [[0, 1]] * 4)
    parts = assign_groups(counts, (0.7, 0.1, 0.1, 0.1), keys_of(44))
    assert np.all(totals(counts, parts, 4) > 0)


def deviation(counts: np.ndarray, parts: np.ndarray, number: int) -> float:
    wanted = counts.sum(axis=0) / number
    return float((np.abs(totals(counts, parts, number) - wanted) / wanted).max())


@pytest.mark.parametrize("seed", range(6))
def test_folds_are_as_even_as_those_of_scikit_learn(seed: int) -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    rng = np.random.default_rng(seed)
    labels_of_group = rng.integers(0, 3, 120)
    sizes = rng.geometric(0.08, 120)
    groups = np.repeat(np.arange(120), sizes)
    labels = labels_of_group[groups]
    counts = np.zeros((120, 3), dtype=np.int64)
    np.add.at(counts, (groups, labels), 1)
    ours = assign_groups(counts, [1.0] * 5, keys_of(120, seed))
    theirs = np.empty(120, dtype=int)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
    for fold, (_, test) in enumerate(folds):
        theirs[np.unique(groups[test])] = fold
    assert deviation(counts, ours, 5) <= deviation(counts, theirs, 5) + 0.01
    assert deviation(counts, ours, 5) < 0.1


def test_the_order_of_groups_does_not_count() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 9, (50, 4)) + 1
    keys = keys_of(50)
    parts = assign_groups(counts, (0.5, 0.3, 0.2), keys)
    order = rng.permutation(50)
    again = assign_groups(counts[order], (0.5, 0.3, 0.2), [keys[index] for index in order])
    np.testing.assert_array_equal(again, parts[order])


def test_another_seed_gives_another_deal() -> None:
    counts = np.random.default_rng(4).integers(0, 9, (80, 2)) + 1
    deals = {tuple(assign_groups(counts, (0.7, 0.3), keys_of(80, seed)).tolist()) for seed in range(8)}
    assert len(deals) == 8


def test_groups_that_count_nothing_go_to_the_first_part() -> None:
    parts = assign_groups(np.array([[0, 0], [3, 1], [1, 3], [2, 2]]), (0.5, 0.5), keys_of(4))
    assert parts[0] == 0


def test_one_part_takes_all() -> None:
    assert assign_groups(np.ones((5, 2), dtype=np.int64), (1.0,), keys_of(5)).tolist() == [0] * 5
