"""Groups: connected components of patient, bytes and pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gyrus.data import Manifest, Row, link_groups
from gyrus.data.groups import group_keys

links = st.sampled_from(["", "1", "2", "3"])
row_links = st.lists(st.tuples(links, links, links), max_size=12)


def manifest_of(linked: list[tuple[str, str, str]]) -> Manifest:
    return Manifest(
        tuple(
            Row(str(number), str(number), subject_id=subject, sha256=sha, pixel_hash=pixels)
            for number, (subject, sha, pixels) in enumerate(linked)
        ),
        Path(),
    )


def test_chains_are_followed() -> None:
    linked = [
        ("A", "1", "x"),
        ("B", "2", "x"),
        ("B", "3", "y"),
        ("C", "3", "z"),
        ("D", "4", "w"),
        ("", "5", ""),
    ]
    assert link_groups(manifest_of(linked)).tolist() == [0, 0, 0, 0, 1, 2]


def test_a_late_row_may_join_two_early_groups() -> None:
    assert link_groups(manifest_of([("A", "1", ""), ("B", "2", ""), ("A", "2", "")])).tolist() == [0, 0, 0]


def test_unknown_values_link_nothing() -> None:
    assert link_groups(manifest_of([("", "", "")] * 3)).tolist() == [0, 1, 2]
    assert link_groups(manifest_of([])).shape == (0,)


def test_the_same_text_in_two_columns_links_nothing() -> None:
    assert link_groups(manifest_of([("1", "", ""), ("", "1", ""), ("", "", "1")])).tolist() == [0, 1, 2]


@given(row_links)
def test_equals_the_components_of_scipy(linked: list[tuple[str, str, str]]) -> None:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    number = len(linked)
    joined = np.array(
        [
            [any(a and a == b for a, b in zip(one, other, strict=True)) for other in linked]
            for one in linked
        ],
        dtype=int,
    ).reshape(number, number)  # fmt: skip
    groups = link_groups(manifest_of(linked))
    count, expected = connected_components(csr_matrix(joined), directed=False) if number else (0, [])
    assert len(set(groups.tolist())) == count
    assert len(set(zip(groups.tolist(), list(expected), strict=True))) == count


def test_keys_depend_on_seed_and_content_alone() -> None:
    manifest = manifest_of([("A", "1", "x"), ("A", "2", "y"), ("B", "3", "z")])
    turned = Manifest(
        tuple(row.with_(image_id=f"other{row.image_id}", path="p") for row in reversed(manifest.rows)),
        Path("q"),
    )
    keys = group_keys(manifest, link_groups(manifest), seed=0)
    assert sorted(group_keys(turned, link_groups(turned), seed=0)) == sorted(keys)
    assert set(group_keys(manifest, link_groups(manifest), seed=1)).isdisjoint(keys)
