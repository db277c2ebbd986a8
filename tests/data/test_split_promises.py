"""What a split promises, for any data set and any options: hypothesis looks for one that breaks it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, Row, link_groups, make_split
from gyrus.data.nested import make_nested_folds
from gyrus.data.repair import moves, repair_split
from gyrus.data.splits import SplitResult
from gyrus.errors import DataError, UsageError

CLASSES = ("a", "b", "c")


@st.composite
def manifests(draw: st.DrawFn, splits: tuple[str, ...] = ("",)) -> Manifest:
    """Draw patients of few images, and ties between some: recovered patients, copies, look-alikes."""
    rows = []
    for number in range(draw(st.integers(6, 60))):
        tie = draw(st.sampled_from(["", "", "", "sha256", "pixel_hash", "copy_group", "recovered_subject"]))
        row = Row(
            f"i{number}", f"i{number}.png",
            label=draw(st.sampled_from(CLASSES)),
            subject_id=draw(st.sampled_from(["", f"P{number // 2}", f"P{number // 4}"])),
            split=draw(st.sampled_from(splits)),
            synthetic=draw(st.integers(0, 19)) == 0,
            sha256=f"s{number}", pixel_hash=f"p{number}",
        )  # fmt: skip
        rows.append(row.with_(**{tie: f"tie{draw(st.integers(0, 15))}"}) if tie else row)
    return Manifest(tuple(rows), Path("data"))


options = st.builds(
    SplitOptions,
    split=st.sampled_from(["new", "repair"]),
    val_fraction=st.sampled_from([0.0, 0.1, 0.3]),
    cal_fraction=st.sampled_from([0.0, 0.1, 0.2]),
    test_fraction=st.sampled_from([0.0, 0.2, 0.4]),
    folds=st.integers(2, 5),
    fold=st.sampled_from([None, None, 0, 1]),
    seed=st.integers(0, 5),
)
GIVEN = ("train", "train", "test", "val", "")


def made(manifest: Manifest, chosen: SplitOptions) -> SplitResult:
    """Return the split, or skip a set that is refused with an explanation (too few groups of a class …)."""
    try:
        return make_split(manifest, chosen)
    except (DataError, UsageError):
        reject()


def sides(manifest: Manifest) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for row, group in zip(manifest.rows, link_groups(manifest).tolist(), strict=True):
        if row.split:
            found[group].add(row.split)
    return found


@settings(deadline=None, max_examples=60)
@given(manifests(), options)
def test_no_group_stands_on_two_sides(manifest: Manifest, chosen: SplitOptions) -> None:
    result = made(manifest, chosen).manifest
    assert all(len(splits) == 1 for splits in sides(result).values())
    assert [row.image_id for row in result] == [row.image_id for row in manifest], "no image is lost"
    if not all(row.synthetic for row in manifest):
        assert all(row.split in ("", "train") for row in result if row.synthetic)
    for of_class in (counts for split, counts in result.counts().items() if split):
        assert min(of_class.values()) > 0, "every class in every split"


@settings(deadline=None, max_examples=60)
@given(manifests(GIVEN), options)
def test_nor_where_a_split_was_given(manifest: Manifest, chosen: SplitOptions) -> None:
    result = made(manifest, chosen).manifest
    assert all(len(splits) == 1 for splits in sides(result).values())


@settings(deadline=None, max_examples=30)
@given(manifests(GIVEN), options, st.randoms(use_true_random=False))
def test_the_same_split_for_any_order_of_rows_and_names_of_files(
    manifest: Manifest, chosen: SplitOptions, random: object
) -> None:
    expected = made(manifest, chosen).manifest
    renamed = [row.with_(image_id=f"x/{row.image_id}", path=f"y{row.path}") for row in manifest]
    random.shuffle(renamed)  # type: ignore[attr-defined]
    result = make_split(Manifest(tuple(renamed), Path("elsewhere")), chosen).manifest
    where = {row.image_id: (row.split, row.fold) for row in result}
    assert where == {f"x/{row.image_id}": (row.split, row.fold) for row in expected}


@settings(deadline=None, max_examples=60)
@given(manifests(("train", "train", "train", "val", "cal", "test", "test")))
def test_a_repair_moves_the_fewest_images(manifest: Manifest) -> None:
    """Of a group on several sides all but the largest side move; no other image does."""
    rows = tuple(row.with_(synthetic=False) for row in manifest)
    groups = link_groups(manifest)
    mended = repair_split(rows, groups)
    by_group: dict[int, Counter[str]] = defaultdict(Counter)
    for row, group in zip(rows, groups.tolist(), strict=True):
        by_group[group][row.split] += 1
    fewest = sum(sum(counts.values()) - max(counts.values()) for counts in by_group.values())
    assert len(moves(rows, mended)) == fewest
    result = manifest.with_rows(row.with_(split=side) for row, side in zip(rows, mended, strict=True))
    assert all(len(splits) == 1 for splits in sides(result).values())
    assert repair_split(result.rows, groups) == mended, "a second repair finds nothing to do"


@settings(deadline=None, max_examples=60)
@given(manifests(), st.integers(2, 4), st.integers(0, 3))
def test_nested_folds_part_no_group_and_test_each_image_once(
    manifest: Manifest, folds: int, seed: int
) -> None:
    try:
        nested = make_nested_folds(manifest, SplitOptions(folds=folds, seed=seed, cal_fraction=0.05))
    except DataError:
        reject()
    tested: Counter[str] = Counter()
    for number, result in enumerate(nested.folds):
        assert all(len(splits) == 1 for splits in sides(result.manifest).values())
        for row, written in zip(result.manifest, nested.manifest, strict=True):
            assert written.facts[f"split_fold_{number}"] == row.split
            assert (written.fold == number) == (row.split == "test")
            tested[row.image_id] += row.split == "test"
    real = [row for row in manifest if not row.synthetic] or list(manifest)
    assert all(tested[row.image_id] == 1 for row in real)


def test_a_repair_that_takes_away_a_class_says_so() -> None:
    rows = [
        Row(f"{n}", f"{n}.png", label="ab"[n % 2], split="train" if n < 20 else "test", subject_id=f"P{n}",
            sha256=f"s{n}", pixel_hash=f"p{n}")
        for n in range(24)
    ]  # fmt: skip
    # every test image of class b is of a patient with more images in train
    rows = [row.with_(subject_id="P1") if row.label == "b" else row for row in rows]
    with pytest.raises(DataError, match="the repair took away all images") as caught:
        make_split(
            Manifest(tuple(rows), Path()), SplitOptions(split="repair", val_fraction=0, cal_fraction=0)
        )
    assert any("class 'b' is absent from test" in line for line in caught.value.details)
