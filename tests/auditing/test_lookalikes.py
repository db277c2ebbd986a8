"""Groups of look-alikes: what is joined, what is only reported, and how alike is alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from look_pictures import pictures, with_copies

from gyrus.auditing.lookalikes import (
    HIGHEST_THRESHOLD,
    INDEX_THRESHOLD,
    LARGEST_SURE,
    best_correlations,
    components,
    derive_threshold,
    find_look_alikes,
)
from gyrus.auditing.pair_search import Pairs
from gyrus.imaging.look import Looks


def pairs_of(*pairs: tuple[int, int, float]) -> Pairs:
    return Pairs(
        np.array([pair[0] for pair in pairs], np.int64),
        np.array([pair[1] for pair in pairs], np.int64),
        np.array([pair[2] for pair in pairs], np.float32),
        np.zeros(len(pairs), np.int64),
    )


def between(one: Looks, other: Looks, share: float) -> Looks:
    return ((1 - share) * one.astype(float) + share * other).round().astype(np.uint8)


def test_copies_are_grouped_and_others_are_alone() -> None:
    looks, _ = with_copies(60, 10)
    looks[20] = looks[0]  # a group of three
    found = find_look_alikes(looks, [""] * 60)
    assert found.threshold.value == INDEX_THRESHOLD
    assert (found.group >= 0).sum() == 21
    for number in range(10):
        assert found.group[number] == found.group[50 + number] >= 0
    assert found.group[20] == found.group[0]
    assert found.chains == found.oversized == ()


def test_a_chain_is_cut_and_told() -> None:
    one, other = pictures(2, seed=5)
    chain = np.stack([between(one, other, share) for share in np.linspace(0, 1, 13)])
    alone = pictures(200, seed=6)
    found = find_look_alikes(np.concatenate([chain, alone]), [""] * 213)
    alike = best_correlations(chain)
    assert alike[0, 12] < 0.9 < INDEX_THRESHOLD < alike[0, 1]
    assert len(found.chains) == 1
    assert set(found.chains[0].tolist()) <= set(range(13))
    assert found.group[0] != found.group[12]
    for number in set(found.group[found.group >= 0].tolist()):
        members = np.flatnonzero(found.group == number)
        assert best_correlations(np.concatenate([chain, alone])[members]).min() >= 0.95


def test_a_group_that_swallows_the_set_is_not_joined() -> None:
    rng = np.random.default_rng(0)
    base = pictures(1, seed=2)[0]
    many = (base + rng.normal(0, 2, (LARGEST_SURE + 1, 64, 64))).clip(0, 255).astype(np.uint8)
    looks = np.concatenate([many, pictures(30, seed=3)])
    found = find_look_alikes(looks, [""] * len(looks))
    assert (found.group == -1).all()
    assert [len(group) for group in found.oversized] == [LARGEST_SURE + 1]
    few = find_look_alikes(looks[1:], [""] * (len(looks) - 1))
    assert few.oversized == ()
    assert (few.group[:LARGEST_SURE] == 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_few_images(count: int) -> None:
    found = find_look_alikes(pictures(count), [""] * count)
    assert found.group.tolist() == [-1] * count


def test_the_threshold_lies_above_the_strangers() -> None:
    near = pairs_of((0, 1, 0.972), (0, 2, 0.999), (1, 2, 0.96), (2, 3, 0.98))
    subjects = ["A", "B", "A", ""]
    derived = derive_threshold(near, subjects)
    assert derived.largest_between == pytest.approx(0.972)
    assert derived.value == pytest.approx(HIGHEST_THRESHOLD)
    assert "0.9720" in derived.reason
    assert derive_threshold(pairs_of((1, 2, 0.955)), subjects).value == pytest.approx(0.9775, abs=1e-4)


def test_copies_with_wrong_numbers_do_not_lift_the_threshold() -> None:
    derived = derive_threshold(pairs_of((0, 1, 0.9999)), ["A", "B"])
    assert derived.value == INDEX_THRESHOLD
    assert derived.largest_between is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20))
def test_components_are_those_of_scipy(edges: list[tuple[int, int]]) -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = [(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]]
    rows, columns = [i for i, _ in edges], [j for _, j in edges]
    graph = coo_matrix((np.ones(len(edges)), (rows, columns)), shape=(15, 15))
    _, label = connected_components(graph, directed=False)
    expected = {frozenset(np.flatnonzero(label == number).tolist()) for number in set(label[rows].tolist())}
    found = components(15, pairs_of(*((i, j, 1.0) for i, j in edges)))
    assert {frozenset(members.tolist()) for members in found} == expected
    assert [members[0] for members in found] == sorted(members.min() for members in found)
