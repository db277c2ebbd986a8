"""Spelling variants of classes: joined when nothing but case and separators differs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrus.data.class_names import join_class_names, spelling_key
from gyrus.errors import UsageError


@pytest.mark.parametrize("name", ["no_tumor", "notumor", "No Tumor", "NO-TUMOR", " no  tumor", "no_tumor_"])
def test_variants_have_one_key(name: str) -> None:
    assert spelling_key(name) == "notumor"


@pytest.mark.parametrize(
    ("one", "other"),
    [("HER2+", "HER2-"), ("HER2", "HER2-"), ("grade_1_2", "grade_12"), ("a.b", "ab"), ("tumor", "tumour"),
     ("yes", "no"), ("T1", "T2")],
)  # fmt: skip
def test_different_classes_have_different_keys(one: str, other: str) -> None:
    assert spelling_key(one) != spelling_key(other)


def test_separators_between_digits_are_of_one_kind() -> None:
    assert spelling_key("grade 1-2") == spelling_key("Grade_1_2") == "grade1_2"


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert spelling_key(unicodedata.normalize("NFD", "Schädel")) == spelling_key("schädel")


def test_the_most_frequent_spelling_wins_and_it_is_said() -> None:
    labels = ["notumor"] * 3 + ["no_tumor"] * 5 + ["No Tumor"] + ["glioma"]
    joined, notes = join_class_names(labels, [])
    assert joined == ["no_tumor"] * 9 + ["glioma"]
    assert len(notes) == 2
    assert any("'notumor' (3 images) joined into 'no_tumor'" in note for note in notes)
    assert any("'No Tumor' (1 images)" in note for note in notes)


def test_equally_frequent_spellings_are_decided_by_name() -> None:
    assert join_class_names(["b_a", "ba"], [])[0] == ["b_a", "b_a"]
    assert join_class_names(["ba", "b_a"], [])[0] == ["b_a", "b_a"]


def test_nothing_to_join_says_nothing() -> None:
    assert join_class_names(["a", "b", ""], []) == (["a", "b", ""], [])


def test_told_joins() -> None:
    joined, notes = join_class_names(["healthy", "normal", "glioma"], ["no_tumor=healthy,normal"])
    assert joined == ["no_tumor", "no_tumor", "glioma"]
    assert all("as told" in note for note in notes)


def test_told_joins_and_spellings_work_together() -> None:
    joined, _ = join_class_names(["healthy"] + ["No Tumor"] * 4, ["no_tumor=healthy"])
    assert joined == ["No Tumor"] * 5


@pytest.mark.parametrize(
    ("join", "words"),
    [("no_tumor", "not of the form"), ("=a", "not of the form"), ("x=", "not of the form"),
     ("no=glioam", "names 'glioam'")],
)  # fmt: skip
def test_wrong_joins(join: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        join_class_names(["glioma", "no"], [join])


def test_a_mistyped_class_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'glioma'"):
        join_class_names(["glioma", "no"], ["no=glioam"])


def test_a_class_cannot_go_to_two_places() -> None:
    with pytest.raises(UsageError, match="into both 'x' and 'y'"):
        join_class_names(["a", "b"], ["x=a", "y=a"])


@given(st.lists(st.sampled_from(["a_b", "ab", "A B", "c", "C", "d1", ""]), max_size=12))
def test_joining_twice_changes_nothing_more(labels: list[str]) -> None:
    once, _ = join_class_names(labels, [])
    again, notes = join_class_names(once, [])
    assert again == once
    assert notes == []
    assert [label == "" for label in once] == [label == "" for label in labels]
    keys = {spelling_key(label) for label in once if label}
    assert len(keys) == len({label for label in once if label})
