"""Splits: whole groups, given ones kept, leaks repaired, folds, and what cannot be split."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, Row, link_groups, make_split
from gyrus.data.splits import make_folds
from gyrus.errors import DataError, UsageError


def cohort(
    subjects: int = 40, images: int = 5, classes: tuple[str, ...] = ("a", "b"), split: str = ""
) -> Manifest:
    """A cohort of patients, each of one class, all images different."""
    return Manifest(
        tuple(
            Row(f"{subject}/{image}", f"{subject}/{image}.png", label=classes[subject % len(classes)],
                subject_id=f"P{subject}", subject_source="column", split=split,
                sha256=f"s{subject}-{image}", pixel_hash=f"p{subject}-{image}")
            for subject in range(subjects)
            for image in range(images)
        ),
        Path("data"),
    )  # fmt: skip


def loose(count: int = 60, classes: tuple[str, ...] = ("a", "b"), split: str = "") -> Manifest:
    """Images without patients, all different."""
    return Manifest(
        tuple(
            Row(
                f"i{n}",
                f"i{n}.png",
                label=classes[n % len(classes)],
                split=split,
                sha256=f"s{n}",
                pixel_hash=f"p{n}",
            )
            for n in range(count)
        ),
        Path("data"),
    )  # fmt: skip


def sides(manifest: Manifest) -> dict[int, set[str]]:
    """Splits by group, over images that are used."""
    found: dict[int, set[str]] = defaultdict(set)
    for row, group in zip(manifest.rows, link_groups(manifest).tolist(), strict=True):
        if row.split:
            found[group].add(row.split)
    return found


def leaks(manifest: Manifest) -> bool:
    return any(len(splits) > 1 for splits in sides(manifest).values())


def shares(manifest: Manifest) -> dict[str, float]:
    return {split: sum(of.values()) / len(manifest) for split, of in manifest.counts().items()}


def by_content(manifest: Manifest) -> dict[str, str]:
    return {row.pixel_hash: row.split for row in manifest}


def test_a_new_split_keeps_patients_whole_and_shares_close() -> None:
    result = make_split(cohort())
    assert not leaks(result.manifest)
    assert shares(result.manifest) == pytest.approx(
        {"train": 0.6, "val": 0.1, "cal": 0.1, "test": 0.2}, abs=0.03
    )
    for of_class in result.manifest.counts().values():
        assert abs(of_class["a"] - of_class["b"]) <= 5
    assert result.moved == ()
    notes = " ".join(result.notes)
    for word in ("A new split was made", "train: 120 images (60.0 %), 24 patients: a 60 (60.0 %)"):
        assert word in notes


def test_fractions_of_zero_leave_a_split_out() -> None:
    options = SplitOptions(val_fraction=0.25, cal_fraction=0, test_fraction=0)
    result = make_split(loose(), options)
    assert shares(result.manifest) == pytest.approx({"train": 0.75, "val": 0.25}, abs=0.02)


def test_order_names_and_folders_of_files_do_not_count() -> None:
    manifest = cohort()
    shuffled = [manifest.rows[index] for index in np.random.default_rng(0).permutation(len(manifest))]
    renamed = [row.with_(image_id=f"x{n}", path=f"y/{n}.png") for n, row in enumerate(shuffled)]
    again = Manifest(tuple(renamed), Path("elsewhere"))
    assert by_content(make_split(again).manifest) == by_content(make_split(manifest).manifest)
    assert make_split(again).manifest.fingerprint == make_split(manifest).manifest.fingerprint


def test_a_split_is_the_same_on_every_machine() -> None:
    """Pinned: a change here changes everyone's splits, and needs a line in the changelog."""
    split = make_split(cohort(subjects=12, images=2)).manifest
    assert " ".join(row.split for row in split.rows[::2]) == PINNED


PINNED = "val val test test cal train train cal train train train train"


def test_seeds_give_different_splits() -> None:
    splits = {
        tuple(by_content(make_split(cohort(), SplitOptions(seed=seed)).manifest).values())
        for seed in range(5)
    }
    assert len(splits) == 5


def test_without_patients_copies_still_stay_together() -> None:
    rows = [row.with_(pixel_hash=f"p{n // 3}") for n, row in enumerate(loose(90, ("a",)).rows)]
    rows = [row.with_(label="ab"[n // 3 % 2]) for n, row in enumerate(rows)]
    result = make_split(Manifest(tuple(rows), Path()))
    assert not leaks(result.manifest)
    assert any("patients are not known" in note for note in result.notes)


def test_an_unscanned_manifest_is_split_with_a_warning() -> None:
    rows = tuple(row.with_(sha256="", pixel_hash="") for row in cohort().rows)
    result = make_split(Manifest(rows, Path()))
    assert not leaks(result.manifest)
    assert any("200 images were not scanned" in note for note in result.notes)


def given_split(manifest: Manifest, test_share: float = 0.25) -> Manifest:
    """Put whole patients into train and test."""
    last = int(len({row.subject_id for row in manifest}) * (1 - test_share))
    return manifest.with_rows(
        row.with_(split="train" if int(row.subject_id[1:]) < last else "test") for row in manifest
    )


def test_auto_keeps_a_given_split_and_carves_the_rest_out_of_train() -> None:
    manifest = given_split(cohort())
    result = make_split(manifest)
    was = {row.image_id: row.split for row in manifest}
    for row in result.manifest:
        assert (row.split == "test") == (was[row.image_id] == "test")
    assert not leaks(result.manifest)
    assert shares(result.manifest) == pytest.approx(
        {"train": 0.55, "val": 0.1, "cal": 0.1, "test": 0.25}, abs=0.03
    )
    assert any("val, cal taken out of train" in note for note in result.notes)


def test_auto_leaves_a_complete_split_alone() -> None:
    manifest = make_split(cohort()).manifest
    assert make_split(manifest, SplitOptions(seed=9)).manifest == manifest


def test_auto_carves_a_missing_test_as_well() -> None:
    result = make_split(cohort(split="train"))
    assert set(shares(result.manifest)) == {"train", "val", "cal", "test"}
    assert not leaks(result.manifest)


def leaky(share: float = 0.3) -> Manifest:
    """A slice-wise split: patients stand on both sides."""
    rng = np.random.default_rng(5)
    manifest = cohort()
    return manifest.with_rows(
        row.with_(split="test" if rng.random() < share else "train") for row in manifest
    )


def test_auto_does_not_mend_a_leak_and_never_adds_to_it() -> None:
    manifest = leaky()
    result = make_split(manifest)
    for before, after in zip(manifest, result.manifest, strict=True):
        assert (before.split == "test") == (after.split == "test")
    for splits in sides(result.manifest).values():
        assert len(splits - {"test"}) <= 1, "carving separated a group"


def test_repair_mends_it_with_few_moves_and_tells_them() -> None:
    manifest = leaky()
    result = make_split(manifest, SplitOptions(split="repair"))
    assert not leaks(result.manifest)
    was = {row.image_id: row.split for row in manifest}
    moved = {move.image_id: (move.from_split, move.to_split) for move in result.moved}
    for subject in {row.subject_id for row in manifest}:
        before = [was[row.image_id] for row in manifest if row.subject_id == subject]
        fewest = min(before.count("train"), before.count("test"))
        assert sum(row.image_id in moved for row in manifest if row.subject_id == subject) == fewest
    assert all(was[image] == before != after for image, (before, after) in moved.items())
    assert any(f"moved {len(moved)} images" in note for note in result.notes)


def test_a_tie_goes_to_the_more_protected_side() -> None:
    rows = list(given_split(cohort()).rows)
    rows[0] = rows[0].with_(pixel_hash="same", subject_id="")
    rows[-5] = rows[-5].with_(pixel_hash="same", subject_id="")
    result = make_split(
        Manifest(tuple(rows), Path()), SplitOptions(split="repair", val_fraction=0, cal_fraction=0)
    )
    assert [(move.from_split, move.to_split) for move in result.moved] == [("train", "test")]


def test_repair_of_a_sound_split_moves_nothing() -> None:
    result = make_split(given_split(cohort()), SplitOptions(split="repair"))
    assert result.moved == ()
    assert "Nothing had to be repaired." in result.notes


def test_repair_without_a_split_makes_one() -> None:
    result = make_split(cohort(), SplitOptions(split="repair"))
    assert not leaks(result.manifest)
    assert result.moved == ()


messy_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "P1", "P2", "P3", "P4"]), st.sampled_from("xyzwvu"), st.sampled_from("pqrst"),
        st.sampled_from(["train", "train", "val", "cal", "test", ""]), st.booleans(),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(messy_rows)
def test_a_repaired_split_never_leaks(messy: list[tuple[str, str, str, str, bool]]) -> None:
    from gyrus.data.repair import repair_split

    rows = tuple(
        Row(
            str(n),
            str(n),
            label="a",
            subject_id=subject,
            sha256=sha,
            pixel_hash=pixels,
            split=split,
            synthetic=fake,
        )
        for n, (subject, sha, pixels, split, fake) in enumerate(messy)
    )
    manifest = Manifest(rows, Path())
    splits = repair_split(rows, link_groups(manifest))
    mended = manifest.with_rows(row.with_(split=split) for row, split in zip(rows, splits, strict=True))
    assert not leaks(mended)
    assert all(not row.split for row, before in zip(mended, rows, strict=True) if not before.split)
    if not all(row.synthetic for row in rows):
        assert all(row.split in ("", "train") for row in mended if row.synthetic)


def test_new_ignores_what_is_given() -> None:
    result = make_split(leaky(), SplitOptions(split="new"))
    assert not leaks(result.manifest)
    assert by_content(result.manifest) == by_content(make_split(cohort()).manifest)
    assert any("The given split is set aside" in note for note in result.notes)


def test_rows_without_a_split_beside_given_ones_stay_unused() -> None:
    rows = list(given_split(cohort()).rows)
    rows[3] = rows[3].with_(split="")
    result = make_split(Manifest(tuple(rows), Path()))
    assert result.manifest.rows[3].split == ""
    assert any("1 images have no split" in note for note in result.notes)


def test_folds_cover_every_image_once_and_share_no_patient() -> None:
    manifest = make_folds(cohort(), 5)
    assert {row.fold for row in manifest} == {0, 1, 2, 3, 4}
    of_subject = defaultdict(set)
    for row in manifest:
        of_subject[row.subject_id].add(row.fold)
    assert all(len(folds) == 1 for folds in of_subject.values())


def test_each_fold_is_once_the_test_set() -> None:
    tested: list[str] = []
    for fold in range(5):
        result = make_split(cohort(), SplitOptions(fold=fold))
        assert not leaks(result.manifest)
        assert set(shares(result.manifest)) == {"train", "val", "cal", "test"}
        tested += [row.image_id for row in result.manifest.select("test")]
    assert sorted(tested) == sorted(row.image_id for row in cohort())


def test_folds_of_the_manifest_are_honoured() -> None:
    manifest = cohort().with_rows(row.with_(fold=int(row.subject_id[1:]) % 7) for row in cohort())
    result = make_split(manifest, SplitOptions(fold=6, folds=7))
    assert {row.subject_id for row in result.manifest.select("test")} == {"P6", "P13", "P20", "P27", "P34"}
    assert any("given by the manifest" in note for note in result.notes)
    with pytest.raises(UsageError, match="fold 7 is not in the manifest, whose folds are 0, 1, 2"):
        make_split(manifest, SplitOptions(fold=7, folds=8))


def test_a_fold_sets_a_given_split_aside_and_says_so() -> None:
    result = make_split(given_split(cohort()), SplitOptions(fold=0))
    assert any("set aside" in note for note in result.notes)
    assert shares(result.manifest)["test"] == pytest.approx(0.2, abs=0.03)


def test_synthetic_images_are_for_training_only() -> None:
    real = cohort()
    fakes = tuple(
        row.with_(image_id=f"fake{row.image_id}", path=f"fake{row.path}", synthetic=True,
                  sha256=f"f{row.sha256}", pixel_hash=f"f{row.pixel_hash}")
        for row in real
    )  # fmt: skip
    manifest = Manifest((*real.rows, *fakes), Path())
    for options in (SplitOptions(), SplitOptions(fold=2), SplitOptions(split="new")):
        result = make_split(manifest, options).manifest
        assert {row.split for row in result if row.synthetic} == {"train", ""}
        assert not leaks(result)
        of_real = [row for row in result if not row.synthetic]
        assert sum(row.split == "test" for row in of_real) / len(of_real) == pytest.approx(0.2, abs=0.03)


def test_a_cohort_of_synthetic_images_alone_is_split_like_any_other() -> None:
    manifest = cohort().with_rows(row.with_(synthetic=True) for row in cohort())
    assert by_content(make_split(manifest).manifest) == by_content(make_split(cohort()).manifest)


def test_fractions_that_would_eat_up_a_given_train() -> None:
    manifest = given_split(cohort(), test_share=0.85)
    with pytest.raises(UsageError, match="leave nothing of the 30 in train"):
        make_split(manifest)


def test_no_images() -> None:
    with pytest.raises(DataError, match="no images"):
        make_split(Manifest((), Path()))


def test_one_class_only_is_named() -> None:
    with pytest.raises(DataError, match="one class only, 'solo'"):
        make_split(cohort(classes=("solo",)))


def test_images_without_a_class_are_named() -> None:
    rows = list(cohort().rows)
    rows[7] = rows[7].with_(label="")
    with pytest.raises(DataError, match="1 of 200 images have no class") as caught:
        make_split(Manifest(tuple(rows), Path()))
    assert caught.value.details == ["1/2"]


def test_too_few_groups_says_how_many() -> None:
    manifest = cohort(subjects=6)
    with pytest.raises(DataError) as caught:
        make_split(manifest)
    assert caught.value.details == ["class 'a' has 3; 4 are needed", "class 'b' has 3; 4 are needed"]
    make_split(manifest, SplitOptions(cal_fraction=0))
    with pytest.raises(DataError, match="for 5 folds"):
        make_split(manifest, SplitOptions(fold=0))


def test_a_class_absent_from_a_given_split_is_named() -> None:
    rows = [row for row in given_split(cohort()) if not (row.split == "test" and row.label == "b")]
    with pytest.raises(DataError, match="class 'b' is absent from test"):
        make_split(Manifest(tuple(rows), Path()))


def test_a_given_split_without_train() -> None:
    with pytest.raises(DataError, match="has test, but no train"):
        make_split(cohort(split="test"))
