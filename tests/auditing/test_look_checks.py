"""Findings on look-alikes, chains and public sets, from the columns of a manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from look_pictures import pictures, with_copies

from gyrus.auditing import Audit, Finding, Related, audit_manifest, relate
from gyrus.data import Manifest, Row
from gyrus.imaging import byte_hash


def image(name: str, split: str = "train", subject: str = "", label: str = "a", **more: Any) -> Row:
    given = {"sha256": f"s{name}", "pixel_hash": f"p{name}", **more}
    return Row(name, f"{name}.png", label=label, split=split, subject_id=subject, **given)


def audited(*rows: Row) -> tuple[Audit, dict[str, Finding]]:
    audit = audit_manifest(Manifest(rows, Path("data")))
    return audit, {finding.kind: finding for finding in audit.findings}


def test_look_alikes_across_splits_do_not_count_identical_pixels_again() -> None:
    audit, found = audited(
        image("1", "train", "A", copy_group="look-1"),
        image("2", "test", "B", copy_group="look-1", pixel_hash="p1"),
        image("3", "test", "C", copy_group="look-1"),
        image("4", "val", "D", copy_group="look-1"),
    )
    assert [str(pair) for pair in found["looks_across_splits"].pairs] == [
        "3 (test) = 1 (train): look-alike",
        "4 (val) = 1 (train): look-alike",
    ]
    assert [pair.image_id for pair in found["pixels_across_splits"].pairs] == ["2"]
    assert audit.verdict == "leaking"
    assert "another 1 of 2 test images and another 1 of 1 val images look like an image" in audit.sentence


def test_look_alikes_of_two_classes() -> None:
    audit, found = audited(
        image("1", subject="A", copy_group="g"),
        image("2", subject="A", label="b", copy_group="g"),
        image("3", subject="A", label="b", copy_group="g", pixel_hash="p1"),
    )
    pairs = found["look_alikes_with_different_labels"].pairs
    assert [str(pair) for pair in pairs] == ["2 (train) = 1 (train): labelled 'b' and 'a'"]
    assert audit.verdict == "clean"


def test_copies_of_two_patients_are_told_even_on_one_side() -> None:
    audit, found = audited(
        image("1", subject="A", copy_group="g"),
        image("2", subject="B", copy_group="g"),
        image("3", subject="C", pixel_hash="p1"),
        image("4", subject="cheng:1", subject_source="recovered", copy_group="g"),
    )
    finding = found["copies_with_different_patients"]
    assert finding.severity == "warning"
    assert {pair.image_id: pair.why for pair in finding.pairs} == {
        "2": "look-alike, patients 'B' and 'A'",
        "3": "identical pixels, patients 'C' and 'A'",
    }
    assert audit.verdict == "clean"


def test_look_alikes_within_a_side() -> None:
    _, found = audited(
        image("1", subject="A", copy_group="g"),
        image("2", subject="A", copy_group="g"),
        image("3", copy_group="h"),
        image("4", copy_group="h"),
        image("5"),
    )
    finding = found["look_alikes_within_split"]
    assert finding.counts == {"images": 2, "groups": 2, "same_patient": 1, "distinct": 3}
    assert "2 images within one side look like another" in finding.message


def test_a_chain_through_an_unused_image_leaks() -> None:
    """1 and 3 are of one patient: 2, which is not used, is a copy of the one and of the other's patient."""
    audit, found = audited(
        image("1", "train", pixel_hash="same"),
        image("2", "", "P", pixel_hash="same"),
        image("3", "test", "P"),
    )
    assert audit.verdict == "leaking"
    assert [(pair.image_id, pair.other_id) for pair in found["linked_across_splits"].pairs] == [("3", "1")]
    assert "tied to another side by a chain" in audit.sentence


def test_the_largest_group_is_shown() -> None:
    rows = [image(str(n), subject="P" if n < 6 else f"Q{n}") for n in range(10)]
    audit, _ = audited(
        *rows, image("x", subject="P9", copy_group="g"), image("y", subject="P8", copy_group="g")
    )
    assert [group["images"] for group in audit.largest_groups] == [6, 2]
    assert audit.largest_groups[0]["subjects"] == ["P"]
    assert audit.largest_groups[1]["look_alikes"] == 2
    assert "largest group that must stay on one side: 6 of 12 images of patient P" in audit.to_text()


def related_of(looks: np.ndarray, **columns: list[Any]) -> Related:
    rows = [
        image(str(n), pixel_hash=byte_hash(small.tobytes()), **{name: v[n] for name, v in columns.items()})
        for n, small in enumerate(looks)
    ]
    return relate(Manifest(tuple(rows), Path()), looks)


def test_the_threshold_and_its_reason_are_told() -> None:
    looks, _ = with_copies(20, 4)
    related = related_of(looks)
    audit = audit_manifest(related.manifest, related)
    told = audit.to_json()["look_alikes"]
    assert told["threshold"] == related.look_alikes.threshold.value
    assert told["pictures"] == 20
    assert f"{told['threshold']:.4f}" in audit.to_text()
    assert told["reason"] in audit.to_text()
    assert audit_manifest(related.manifest).to_json()["look_alikes"] is None


def test_chains_and_groups_too_large_are_reported_with_their_images() -> None:
    one, other = pictures(2, seed=5).astype(float)
    chain = np.stack([(1 - share) * one + share * other for share in np.linspace(0, 1, 13)])
    rng = np.random.default_rng(1)
    crowd = pictures(1, seed=7)[0] + rng.normal(0, 2, (30, 64, 64))
    looks = np.concatenate([chain, crowd, pictures(60, seed=8)]).clip(0, 255).astype(np.uint8)
    related = related_of(looks)
    found = {finding.kind: finding for finding in audit_manifest(related.manifest, related).findings}
    assert set(found["look_alike_chains"].rows) <= {str(n) for n in range(13)}
    assert set(found["look_alikes_oversized"].rows) == {str(n) for n in range(13, 43)}
    assert found["look_alikes_oversized"].counts["largest"] == 30
    assert {found[kind].severity for kind in ("look_alike_chains", "look_alikes_oversized")} == {"warning"}


@pytest.mark.parametrize(("hits", "words"), [(4, "Every image also stands in Sartaj"), (3, "3 of 4 images")])
def test_overlap_with_a_public_set_is_named(hits: int, words: str) -> None:
    related = related_of(pictures(4))
    related = replace(related, overlaps={"sartaj": tuple("0123"[:hits]), "yesno": ()})
    found = [f for f in audit_manifest(related.manifest, related).findings if f.kind == "known_set_overlap"]
    assert len(found) == 1
    assert words in found[0].message
    assert found[0].counts == {"set": "sartaj", "images": hits, "of": 4}


def test_a_search_that_was_given_up_is_said_and_leaves_the_verdict_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gyrus.auditing.pair_search.MOST_PAIRS", 3)
    looks, _ = with_copies(20, 4)
    people = [f"P{n}" for n in range(20)]
    related = related_of(looks, subject=people, split=["train"] * 10 + ["test"] * 10)
    audit = audit_manifest(related.manifest, related)
    found = {finding.kind: finding for finding in audit.findings}
    assert found["look_alikes_not_searched"].severity == "warning"
    assert "given up" in audit.sentence
    assert audit.sentence.startswith("No identical copy of an image stands in two splits, but of 20")
    assert audit.verdict == "unknowable"
    assert "given up" in audit.to_text()
