"""Relations between images: groups of look-alikes and recovered patients, entered into the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from look_pictures import pictures, with_copies

from gyrus.auditing import Related, audit_manifest, relate
from gyrus.auditing import relations as relations_module
from gyrus.auditing.known import RecoveredSlices, recover_slices
from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, Row, link_groups, make_split
from gyrus.imaging import byte_hash
from gyrus.imaging.look import Looks, orient


def rows_of(looks: Looks, **columns: list[Any]) -> list[Row]:
    """Return scanned rows; equal looks are equal pixels."""
    rows = []
    for number, small in enumerate(looks):
        row = Row(
            f"{number}", f"{number}.png", label="ab"[number % 2], sha256=byte_hash(b"%d" % number),
            pixel_hash=byte_hash(np.ascontiguousarray(small).tobytes()),
        )  # fmt: skip
        rows.append(row.with_(**{name: values[number] for name, values in columns.items()}))
    return rows


def related_of(looks: Looks, **columns: list[Any]) -> Related:
    return relate(Manifest(tuple(rows_of(looks, **columns)), Path()), looks)


def groups_in(manifest: Manifest) -> set[frozenset[str]]:
    names = {row.copy_group for row in manifest} - {""}
    return {frozenset(row.image_id for row in manifest if row.copy_group == name) for name in names}


def test_copies_get_a_group_and_others_none() -> None:
    looks, _ = with_copies(40, 6)
    related = related_of(looks)
    assert groups_in(related.manifest) == {frozenset({str(n), str(34 + n)}) for n in range(6)}
    first = related.manifest.rows[0]
    smallest = min(row.pixel_hash for row in related.manifest if row.copy_group == first.copy_group)
    assert first.copy_group == f"look-{smallest[:12]}"
    assert {row.subject_id for row in related.manifest} == {""}
    assert related.notes == ("12 images look like another: 6 groups of look-alikes.",)


def test_groups_keep_copies_on_one_side() -> None:
    looks, _ = with_copies(120, 40)
    related = related_of(looks)
    split = make_split(related.manifest, SplitOptions(seed=3)).manifest
    side = {row.image_id: row.split for row in split}
    assert all(side[str(n)] == side[str(80 + n)] for n in range(40))
    assert not audit_manifest(split, related).leaks


def test_a_split_that_parts_copies_leaks_and_is_repaired() -> None:
    looks, moves = with_copies(60, 20)
    related = related_of(looks, split=["train"] * 40 + ["test"] * 20)
    audit = audit_manifest(related.manifest, related)
    assert audit.verdict == "leaking"
    finding = next(found for found in audit.findings if found.kind == "looks_across_splits")
    assert finding.counts["test"]["images"] == 20
    assert {(pair.image_id, pair.other_id) for pair in finding.pairs} == {
        (str(40 + number), str(number)) for number in range(20)
    }
    assert "20 of 20 test images look like an image on another side" in audit.sentence
    words = {pair.image_id: pair.why for pair in finding.pairs}
    mirrored = next(40 + number for number, move in enumerate(moves.tolist()) if move == 1)
    assert "correlation 0.99" in words[str(mirrored)]
    assert "mirrored left-right" in words[str(mirrored)]
    mended = make_split(related.manifest, SplitOptions(split="repair", val_fraction=0, cal_fraction=0))
    assert not audit_manifest(mended.manifest, related).leaks
    assert len(mended.moved) == 20, "one image of each pair"


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random: Any) -> None:
    looks, _ = with_copies(30, 8, seed=4)
    looks[10] = looks[0]
    rows = rows_of(looks)
    order = list(range(30))
    random.shuffle(order)
    straight = relate(Manifest(tuple(rows), Path()), looks).manifest
    shuffled = relate(Manifest(tuple(rows[n] for n in order), Path()), looks[order]).manifest
    assert {row.image_id: row for row in straight} == {row.image_id: row for row in shuffled}


def test_identical_pictures_cost_one_and_share_a_group() -> None:
    looks, _ = with_copies(20, 2)
    many = np.concatenate([looks, np.repeat(looks[:1], 3000, axis=0)])
    related = related_of(many)
    assert len(related.pictures) == 20
    assert len(groups_in(related.manifest)) == 2
    assert max(map(len, groups_in(related.manifest))) == 3002


def test_all_images_identical_and_one_image() -> None:
    for count in (1, 5):
        related = related_of(np.repeat(pictures(1), count, axis=0))
        assert groups_in(related.manifest) == set()
        assert len(set(link_groups(related.manifest).tolist())) == 1
        assert audit_manifest(related.manifest, related).verdict == "unknowable"


def test_what_an_earlier_run_entered_is_computed_anew() -> None:
    looks, _ = with_copies(12, 2)
    rows = rows_of(looks)
    rows[5] = rows[5].with_(
        copy_group="look-000000000000", subject_id="cheng:9", subject_source="recovered",
        recovered_subject="cheng:9", facts={"recovered_from": "cheng slice 1", "scanner": "X"},
    )  # fmt: skip
    related = relate(Manifest(tuple(rows), Path()), looks)
    assert related.manifest.rows[5] == rows_of(looks)[5].with_(facts={"scanner": "X"})
    again = relate(related.manifest, looks)
    assert again.manifest == related.manifest


def test_groups_of_the_user_are_kept_and_grow() -> None:
    looks, _ = with_copies(12, 3)  # 0-9, 1-10, 2-11
    names = ["", "mine", "yours", "mine", "", "", "", "", "", "", "yours", ""]
    related = related_of(looks, copy_group=names)
    by_name = {row.image_id: row.copy_group for row in related.manifest}
    # 1 (mine) looks like 10 (yours): the two groups of the user become one; 2 (yours) brings 11
    assert {by_name[n] for n in ("1", "2", "3", "10", "11")} == {"mine"}
    assert by_name["0"] == by_name["9"]
    assert by_name["0"].startswith("look-")
    assert by_name["4"] == ""


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures 0, 1 and 2 (in the order of their hashes) be slices of patients 7, 7 and 8."""

    def recover(looks: Looks) -> RecoveredSlices:
        count = min(3, len(looks))
        return RecoveredSlices(
            np.arange(count), np.array([101, 102, 103])[:count], ("7", "7", "8")[:count],
            ("glioma",) * count, np.ones(count, np.float32), np.array([0, 1, 0])[:count],
        )  # fmt: skip

    monkeypatch.setattr(relations_module, "recover_slices", recover)


def in_order_of_hash(count: int) -> Looks:
    looks = pictures(count)
    keys = [byte_hash(np.ascontiguousarray(small).tobytes()) for small in looks]
    return looks[np.argsort(keys)]


@pytest.mark.usefixtures("slices")
def test_recovered_patients_fill_what_is_missing() -> None:
    looks = in_order_of_hash(5)
    related = related_of(
        looks, subject_id=["", "", "own", "", "other"], split=["train", "test", "train", "", ""]
    )
    rows = related.manifest.rows
    assert [row.subject_id for row in rows] == ["cheng:7", "cheng:7", "own", "", "other"]
    assert [row.subject_source for row in rows] == ["recovered", "recovered", "", "", ""]
    assert [row.recovered_subject for row in rows] == ["cheng:7", "cheng:7", "cheng:8", "", ""]
    assert rows[0].facts == {"recovered_from": "cheng slice 101"}
    assert rows[1].facts == {"recovered_from": "cheng slice 102, mirrored left-right"}
    assert "2 of 5 images are slices of Cheng" in related.notes[0]
    audit = audit_manifest(related.manifest, related)
    assert audit.verdict == "leaking"
    assert [str(pair) for pair in audit.leaks[0].pairs] == [
        "1 (test) = 0 (train): patient cheng:7 (recovered)"
    ]
    info = next(found for found in audit.findings if found.kind == "recovered_subjects")
    assert info.counts["by_patient"] == {"cheng:7": 2, "cheng:8": 1}
    assert info.counts["mirrored_or_turned"] == 1
    assert info.counts["by_split"]["test"] == {"images": 1, "patient_before": 1}


@pytest.mark.usefixtures("slices")
def test_own_patients_that_are_one_are_told_and_kept_together() -> None:
    looks = in_order_of_hash(4)
    related = related_of(looks, subject_id=["P1", "P2", "P3", "P4"], split=["train", "test", "train", "test"])
    rows = related.manifest.rows
    assert [row.subject_id for row in rows] == ["P1", "P2", "P3", "P4"]
    assert link_groups(related.manifest).tolist() == [0, 0, 1, 2]
    audit = audit_manifest(related.manifest, related)
    differ = next(found for found in audit.findings if found.kind == "recovered_patients_differ")
    assert differ.counts["patients"] == {"cheng:7": ["P1", "P2"]}
    assert audit.verdict == "leaking"
    assert str(audit.leaks[0].pairs[0]) == "1 (test) = 0 (train): patient cheng:7 (recovered)"
    assert "the data's own patients are kept" in related.notes[0]


@pytest.mark.usefixtures("slices")
def test_with_all_patients_recovered_the_verdict_is_clean() -> None:
    related = related_of(in_order_of_hash(3), split=["train", "train", "test"])
    assert audit_manifest(related.manifest, related).verdict == "clean"


def test_slices_of_the_index_are_recovered_when_moved() -> None:
    """The thumbnails of the index themselves, enlarged, are the slices; strangers are none."""
    from gyrus.auditing.known import _load

    index = _load("cheng")
    chosen = [0, 500, 1700, 3063]
    looks = np.kron(index["thumbnails"][chosen], np.ones((4, 4), np.uint8))
    moved = np.stack([orient(small, number) for number, small in enumerate(looks)])
    found = recover_slices(np.concatenate([pictures(5), moved, np.zeros((1, 64, 64), np.uint8)]))
    assert found.image.tolist() == [5, 6, 7, 8]
    assert found.file_number.tolist() == index["file_number"][chosen].tolist()
    assert found.patient == tuple(index["patient"][chosen].astype(str).tolist())
    assert found.correlation.min() > 0.999


@pytest.mark.parametrize(("side", "threshold"), [(28, 0.998), (32, 0.998), (33, 0.975), (256, 0.975)])
def test_small_plain_images_that_are_only_alike_are_no_copies(side: int, threshold: float) -> None:
    strokes = np.zeros((3, 64, 64), np.uint8)
    strokes[:, 10:54, 28:36] = 200
    strokes[1, 10:54, 27] = 90  # by another hand
    strokes[2, 30:38, 10:54] = 255
    rows = [
        Row(f"{n}", f"{n}.png", label="1", sha256=f"{n:064x}", pixel_hash=f"{n:064x}", width_px=side,
            height_px=side)
        for n in range(3)
    ]  # fmt: skip
    related = relate(Manifest(tuple(rows), Path()), strokes)
    assert related.look_alikes.threshold.value == threshold
    assert bool(related.manifest.rows[0].copy_group) == (threshold < 0.99)
