"""Recognising layouts: every arrangement, its variants, and what is in the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gyrus.config.options import DataOptions
from gyrus.data import Manifest, Row, load, write_manifest
from gyrus.errors import DataError, LayoutError, ManifestError, UsageError

MakeImages = Callable[..., Path]


def labels(manifest: Manifest) -> dict[str, str]:
    return {row.image_id: row.label for row in manifest}


def test_class_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["glioma/im10.png", "glioma/im2.JPG", "no_tumor/a.tif", "no_tumor/deep/er/b.bmp"])
    loaded = load(tmp_path)
    assert loaded.layout == "class folders"
    assert [row.image_id for row in loaded.manifest] == [
        "glioma/im2.JPG", "glioma/im10.png", "no_tumor/a.tif", "no_tumor/deep/er/b.bmp",
    ]  # fmt: skip
    assert set(labels(loaded.manifest).values()) == {"glioma", "no_tumor"}
    assert {row.split for row in loaded.manifest} == {""}
    assert all(loaded.manifest.file_of(row).is_file() for row in loaded.manifest)
    assert any("No patients are known" in note for note in loaded.notes)


def test_yes_no(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["yes/Y1.jpg", "no/1 no.jpeg"])
    loaded = load(tmp_path)
    assert loaded.layout == "yes/no folders"
    assert loaded.manifest.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("train", "val", "cal", "test"),
    [("Training", "validation", "calibration", "Testing"), ("train", "val", "cal", "test"),
     ("TRAIN", "Valid", "Cal", "TEST")],
)  # fmt: skip
def test_split_folders_in_any_spelling(
    tmp_path: Path, make_images: MakeImages, train: str, val: str, cal: str, test: str
) -> None:
    make_images(
        tmp_path, [f"{split}/{name}/1.png" for split in (train, val, cal, test) for name in ("a", "b")]
    )
    loaded = load(tmp_path)
    assert loaded.layout == "split folders"
    assert {row.image_id.split("/")[0]: row.split for row in loaded.manifest} == {
        train: "train", val: "val", cal: "cal", test: "test",
    }  # fmt: skip
    assert loaded.manifest.classes == ("a", "b")
    assert any(f"{test}/ is test" in note for note in loaded.notes)


def test_spelling_variants_between_splits_are_joined(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(
        tmp_path,
        ["Training/no_tumor/1.png", "Training/no_tumor/2.png", "Testing/notumor/3.png", "Training/x/4.png"],
    )
    loaded = load(tmp_path)
    assert loaded.manifest.classes == ("no_tumor", "x")
    assert any("'notumor' (1 images) joined into 'no_tumor'" in note for note in loaded.notes)


def test_told_class_joins(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["healthy/1.png", "glioma/1.png"])
    loaded = load(tmp_path, DataOptions(join_classes=("no_tumor=healthy",)))
    assert loaded.manifest.classes == ("glioma", "no_tumor")


@pytest.fixture
def table_folder(tmp_path: Path, make_images: MakeImages) -> Path:
    make_images(tmp_path, [f"images/{number}.png" for number in (1, 2, 10)] + ["masks/1.png", "masks/10.png"])
    (tmp_path / "patients.csv").write_text("file,class,patient\n1,a,P1\n2,b,P2\n10,a,P1\n")
    return tmp_path


def table_options(folder: Path, **changes: object) -> DataOptions:
    given = {
        "subjects": folder / "patients.csv",
        "on": "file",
        "subject_column": "patient",
        "label_column": "class",
        **changes,
    }
    return DataOptions(**given)  # type: ignore[arg-type]


def test_images_beside_a_table(table_folder: Path) -> None:
    loaded = load(table_folder, table_options(table_folder))
    assert loaded.layout == "images and table"
    found = [(r.image_id, r.label, r.subject_id, r.subject_source, r.mask) for r in loaded.manifest]
    assert found == [
        ("images/1.png", "a", "P1", "table", "masks/1.png"),
        ("images/2.png", "b", "P2", "table", ""),
        ("images/10.png", "a", "P1", "table", "masks/10.png"),
    ]
    assert any("2 of 3 images have a mask" in note for note in loaded.notes)
    assert any("2 patients are known (from: table)" in note for note in loaded.notes)


@pytest.mark.parametrize("name", ["images/{}.png", "images/{}", "{}.png", "{}", "images\\{}.png"])
def test_a_table_may_name_images_in_several_ways(table_folder: Path, name: str) -> None:
    lines = [f"{name.format(number)},a{number},P" for number in (1, 2, 10)]
    (table_folder / "patients.csv").write_text("\n".join(["file,class,patient", *lines]))
    loaded = load(table_folder, table_options(table_folder))
    assert labels(loaded.manifest)["images/10.png"] == "a10"


def test_images_without_row_and_rows_without_image_are_both_listed(table_folder: Path) -> None:
    (table_folder / "patients.csv").write_text("file,class,patient\n1,a,P1\n77,b,P2\n")
    with pytest.raises(DataError) as caught:
        load(table_folder, table_options(table_folder))
    message = str(caught.value)
    assert "2 of 3 images have no row" in message
    assert "image without a row: images/2.png" in message
    assert "image without a row: images/10.png" in message
    assert "row without an image: line 3: 77" in message
    assert "--on-bad-file skip" in message


def test_images_without_row_can_be_left_out(table_folder: Path) -> None:
    (table_folder / "patients.csv").write_text("file,class,patient\n1,a,P1\n77,b,P2\n")
    loaded = load(table_folder, table_options(table_folder, on_bad_file="skip"))
    assert [row.image_id for row in loaded.manifest] == ["images/1.png"]
    assert any("2 images without a row" in note and "images/10.png" in note for note in loaded.notes)
    assert any("1 rows of patients.csv have no image: line 3: 77" in note for note in loaded.notes)


def test_rows_without_image_alone_are_a_note(table_folder: Path) -> None:
    with (table_folder / "patients.csv").open("a") as stream:
        stream.write("11,b,P9\n")
    loaded = load(table_folder, table_options(table_folder))
    assert len(loaded.manifest) == 3
    assert any("line 5: 11" in note for note in loaded.notes)


def test_a_table_that_fits_no_image_is_an_error_even_when_skipping(table_folder: Path) -> None:
    (table_folder / "patients.csv").write_text("file,class,patient\nx,a,P1\n")
    with pytest.raises(DataError, match="3 of 3 images have no row") as caught:
        load(table_folder, table_options(table_folder, on_bad_file="skip"))
    message = str(caught.value)
    assert "Images are called 'images/1.png' or 'images/1' or '1.png' or '1', and file holds 'x'" in message
    assert "--on" in message
    assert "file, class, patient" in message


BAD_SIDE_TABLES = {
    "twice": ("1,a,P1\n1,b,P1\n2,a,P\n10,a,P\n", "line 3: images/1.png has a row already, line 2"),
    "no class": ("1,a,P1\n2,,P1\n10,a,P\n", "line 3: class is empty"),
    "no name": (",a,P1\n1,a,P\n2,a,P\n10,a,P\n", "line 2: file is empty"),
    "cells": ("1,a\n", "line 2: has 2 cells"),
}


@pytest.mark.parametrize("case", BAD_SIDE_TABLES)
def test_bad_side_tables_by_line(table_folder: Path, case: str) -> None:
    rows, words = BAD_SIDE_TABLES[case]
    (table_folder / "patients.csv").write_text("file,class,patient\n" + rows)
    with pytest.raises(ManifestError) as caught:
        load(table_folder, table_options(table_folder))
    assert words in str(caught.value)
    assert "patients.csv" in str(caught.value)


def test_a_row_that_stands_twice_with_the_same_cells_does_no_harm(table_folder: Path) -> None:
    (table_folder / "patients.csv").write_text("file,class,patient\n1,a,P\n1,a,P\n2,b,P\n10,a,P\n")
    assert len(load(table_folder, table_options(table_folder)).manifest) == 3


def test_a_name_that_fits_several_images_is_an_error(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png"])
    (tmp_path / "t.csv").write_text("file,patient\n1,P1\n")
    options = DataOptions(subjects=tmp_path / "t.csv", on="file", subject_column="patient")
    with pytest.raises(ManifestError, match=r"line 2: file '1' names several images: a/1\.png, b/1\.png"):
        load(tmp_path, options)


def test_a_table_may_give_patients_to_class_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["Training/a/1.png", "Testing/b/2.png"])
    (tmp_path / "t.csv").write_text("file;patient\nTraining/a/1.png;P1\nTesting/b/2.png; \n")
    options = DataOptions(subjects=tmp_path / "t.csv", on="file", subject_column="patient")
    loaded = load(tmp_path, options)
    assert [(row.label, row.split, row.subject_id, row.subject_source) for row in loaded.manifest] == [
        ("b", "test", "", ""),
        ("a", "train", "P1", "table"),
    ]
    assert any("1 of 2 images have none" in note for note in loaded.notes)


def test_a_table_may_give_classes_to_split_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["train/1.png", "test/2.png"])
    (tmp_path / "t.csv").write_text("file,class\n1,a\n2,b\n")
    options = DataOptions(subjects=tmp_path / "t.csv", on="file", label_column="class")
    found = {row.image_id: (row.label, row.split) for row in load(tmp_path, options).manifest}
    assert found == {"train/1.png": ("a", "train"), "test/2.png": ("b", "test")}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"on": None}, "which column names the image? It has file, class, patient"),
        ({"on": "fil"}, "did you mean 'file'"),
        ({"subject_column": "patiend"}, "did you mean 'patient'"),
        ({"label_column": "klass"}, "--label-column 'klass' is no column"),
        ({"subject_folder": True}, "--subject-column and --subject-folder both tell the patient"),
    ],
)
def test_wrong_side_table_options(table_folder: Path, changes: dict[str, object], words: str) -> None:
    options = table_options(table_folder, **changes)
    with pytest.raises(UsageError) as caught:
        load(table_folder, options)
    assert words in str(caught.value)


def test_a_side_table_must_be_asked_for_something(table_folder: Path, make_images: MakeImages) -> None:
    data = make_images(table_folder / "data", ["a/1.png", "b/2.png"])
    with pytest.raises(UsageError, match="give --subject-column, --label-column or both"):
        load(data, table_options(table_folder, subject_column=None, label_column=None))


def test_a_side_table_without_a_class_column_for_images_without_class_folders(table_folder: Path) -> None:
    with pytest.raises(LayoutError, match=r"nothing tells their classes[\s\S]*--label-column COLUMN"):
        load(table_folder, table_options(table_folder, label_column=None))


def test_an_absent_side_table(table_folder: Path) -> None:
    with pytest.raises(DataError, match="side table does not exist"):
        load(table_folder, table_options(table_folder, subjects=table_folder / "other.csv"))


@pytest.mark.parametrize("option", [{"on": "x"}, {"label_column": "x"}, {"subject_column": "x"}])
def test_table_options_without_a_table(
    tmp_path: Path, make_images: MakeImages, option: dict[str, str]
) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png"])
    with pytest.raises(UsageError, match="--subjects"):
        load(tmp_path, DataOptions(**option))  # type: ignore[arg-type]


def test_subjects_from_a_pattern(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/person12_1.png", "a/person12_2.png", "b/person3_x.png", "b/other.png"])
    loaded = load(tmp_path, DataOptions(subject_pattern=r"person(\d+)_"))
    assert [row.subject_id for row in loaded.manifest] == ["12", "12", "", "3"]
    assert [row.subject_source for row in loaded.manifest] == ["pattern", "pattern", "", "pattern"]
    assert any("1 of 4 images do not match" in note and "b/other.png" in note for note in loaded.notes)


def test_a_named_group_is_the_subject(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/s1-p7.png", "b/s2-p8.png"])
    loaded = load(tmp_path, DataOptions(subject_pattern=r"(s\d)-(?P<subject>p\d)"))
    assert [row.subject_id for row in loaded.manifest] == ["p7", "p8"]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(", "no regular expression"), ("person", "no group"), ("(xyz)", "matches no image")],
)
def test_wrong_patterns(tmp_path: Path, make_images: MakeImages, pattern: str, words: str) -> None:
    make_images(tmp_path, ["a/person1.png", "b/person2.png"])
    with pytest.raises(UsageError, match=words):
        load(tmp_path, DataOptions(subject_pattern=pattern))


def test_subjects_from_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["train/a/P1/1.png", "train/b/P1/2.png", "test/a/P2/1.png", "test/b/P3/1.png"])
    loaded = load(tmp_path, DataOptions(subject_folder=True))
    assert {row.image_id: row.subject_id for row in loaded.manifest} == {
        "train/a/P1/1.png": "P1", "train/b/P1/2.png": "P1", "test/a/P2/1.png": "P2", "test/b/P3/1.png": "P3",
    }  # fmt: skip
    assert {row.subject_source for row in loaded.manifest} == {"folder"}


def test_subject_folders_that_are_not_there(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/P1/1.png", "a/2.png", "b/P2/1.png"])
    with pytest.raises(DataError, match="1 images do not lie in a folder of their patient") as caught:
        load(tmp_path, DataOptions(subject_folder=True))
    assert caught.value.details == ["a/2.png"]


def test_a_class_folder_of_a_manifest_is_no_patient(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label\nno_tumor/1.png,No Tumor\ndata/a/P7/2.png,a\n")
    with pytest.raises(DataError, match="1 images do not lie in a folder of their patient") as caught:
        load(path, DataOptions(subject_folder=True))
    assert caught.value.details == ["no_tumor/1.png"]


def test_patients_of_a_manifest_are_not_set_aside_silently(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label,subject_id\na/p1_1.png,a,p1\na/p2_2.png,a,Q\nb/p3_1.png,b,\n")
    loaded = load(path, DataOptions(subject_pattern=r"(p\d)_"))
    assert [row.subject_id for row in loaded.manifest] == ["p1", "p2", "p3"]
    assert any("own patients of 1 images are set aside" in note for note in loaded.notes)
    assert not any("set aside" in note for note in load(path).notes)


def test_a_manifest_as_source(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,diagnosis,case\na.png,no tumor,1\nb.png,No_Tumor,2\nc.png,No_Tumor,\n")
    loaded = load(path, DataOptions(label_column="diagnosis", subject_column="case"))
    assert loaded.layout == "manifest"
    assert [(row.label, row.subject_id, row.subject_source) for row in loaded.manifest] == [
        ("No_Tumor", "1", "column"), ("No_Tumor", "2", "column"), ("No_Tumor", "", ""),
    ]  # fmt: skip
    assert loaded.manifest.root == tmp_path.resolve()


def test_an_absent_column_of_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,diagnosis\na.png,x\n")
    with pytest.raises(UsageError, match="did you mean 'diagnosis'"):
        load(path, DataOptions(label_column="diagnose"))


def test_the_manifest_of_gyrus_in_a_folder_is_used(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/2.png", "masks/1.png"])
    write_manifest(Manifest((Row("one", "a/1.png", label="q"),), tmp_path), tmp_path / "manifest.csv")
    loaded = load(tmp_path)
    assert loaded.layout == "manifest"
    assert labels(loaded.manifest) == {"one": "q"}
    assert any("manifest.csv; it is used" in note for note in loaded.notes)
    assert len(loaded.notes) == len(set(loaded.notes))


def test_somebody_elses_manifest_in_a_folder_is_not_used_and_it_is_said(
    tmp_path: Path, make_images: MakeImages
) -> None:
    make_images(tmp_path, ["a/1.png", "b/2.png"])
    (tmp_path / "manifest.csv").write_text("path,label\na/1.png,z\n")
    loaded = load(tmp_path)
    assert loaded.layout == "class folders"
    assert any("was not written by gyrus and is not used" in note for note in loaded.notes)


def test_hidden_and_other_files_are_ignored_with_a_note(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/2.png", "a/._1.png", "__MACOSX/a/1.png", ".git/x.png"])
    for name in ("a/.DS_Store", "b/Thumbs.db", "b/readme.txt", "code/run.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    loaded = load(tmp_path)
    assert [row.image_id for row in loaded.manifest] == ["a/1.png", "b/2.png"]
    hidden = next(note for note in loaded.notes if "hidden or system" in note)
    for name in ("a/._1.png", "__MACOSX", ".git", "a/.DS_Store", "b/Thumbs.db"):
        assert name in hidden
    assert any("2 files that are no images are ignored: b/readme.txt, code/run.py" in n for n in loaded.notes)
    assert any("Folders without images are no classes: code" in note for note in loaded.notes)


def test_corrupt_images_are_not_opened_yet(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/2.png"])
    (tmp_path / "b" / "zero.png").touch()
    assert len(load(tmp_path).manifest) == 3


def test_link_loops_are_not_followed_but_links_are(tmp_path: Path, make_images: MakeImages) -> None:
    elsewhere = make_images(tmp_path / "elsewhere", ["1.png"])
    data = make_images(tmp_path / "data", ["a/1.png"])
    (data / "b").symlink_to(elsewhere)
    (data / "a" / "loop").symlink_to(data)
    loaded = load(data)
    assert [row.image_id for row in loaded.manifest] == ["a/1.png", "b/1.png"]
    assert any("a/loop" in note for note in loaded.notes)


def test_a_dangling_link_is_found_by_the_scan_not_hidden(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png"])
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert "a/gone.png" in labels(load(tmp_path).manifest)


def test_non_ascii_names(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["Schädel/Bild ä (1).png", "脑/图 1.png"])
    loaded = load(tmp_path)
    write_manifest(loaded.manifest, tmp_path / "out" / "manifest.csv")
    again = load(tmp_path / "out" / "manifest.csv").manifest
    assert {row.label for row in again} == {"Schädel", "脑"}
    assert all(again.file_of(row).is_file() for row in again)


def test_names_that_are_no_text_are_named(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png"])
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/a/\xff.png")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system refuses such names")
    with pytest.raises(DataError, match="not valid UTF-8"):
        load(tmp_path)


def test_absent_source_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "sartaj").mkdir()
    with pytest.raises(DataError, match=r"does not exist[\s\S]*did you mean .*sartaj"):
        load(tmp_path / "sartja")
    with pytest.raises(DataError, match="check the path"):
        load(tmp_path / "no" / "such" / "folder")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"holds no images.*it holds no files"):
        load(tmp_path)


def test_a_folder_of_other_files_says_what_it_holds(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.mgz").write_bytes(b"x")
    with pytest.raises(LayoutError, match=r"it holds 3 \.mgz"):
        load(tmp_path)


def test_images_without_any_class(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["images/1.png", "images/2.png"])
    with pytest.raises(LayoutError, match=r"nothing tells their classes[\s\S]*known arrangements"):
        load(tmp_path)
    (tmp_path / "patients.csv").write_text("x\n1\n")
    with pytest.raises(LayoutError, match=r"--subjects .*patients\.csv --on COLUMN"):
        load(tmp_path)


def test_loose_images_beside_class_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png", "stray.png"])
    with pytest.raises(LayoutError) as caught:
        load(tmp_path)
    assert caught.value.details == ["stray.png"]


def test_images_beside_and_directly_in_split_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["Training/a/1.png", "Testing/a/1.png", "extra/1.png"])
    with pytest.raises(LayoutError, match="1 images outside them"):
        load(tmp_path)
    other = make_images(tmp_path / "other", ["train/a/1.png", "test/2.png"])
    with pytest.raises(LayoutError, match="in no class folder") as caught:
        load(other)
    assert caught.value.details == ["test/2.png"]


@pytest.mark.parametrize("empty", ["Training/b", "Testing", "Testing/b"])
def test_empty_split_and_class_folders_are_named(tmp_path: Path, make_images: MakeImages, empty: str) -> None:
    make_images(tmp_path, ["Training/a/1.png", "val/a/1.png"])
    (tmp_path / empty).mkdir(parents=True, exist_ok=True)
    (tmp_path / empty / ".DS_Store").touch()
    with pytest.raises(LayoutError, match=f"empty folders.*{empty}"):
        load(tmp_path)


def test_an_empty_class_folder_is_named(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["a/1.png", "b/1.png"])
    (tmp_path / "c").mkdir()
    with pytest.raises(LayoutError, match="empty folders where images are expected: c"):
        load(tmp_path)


def test_a_wrapping_folder_is_pointed_at(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["archive/a/1.png", "archive/b/1.png"])
    with pytest.raises(LayoutError, match=r"give .*archive as the source"):
        load(tmp_path)


def test_one_class_alone_can_be_loaded(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["only/1.png", "only/2.png"])
    assert load(tmp_path).manifest.classes == ("only",)


def test_a_single_image_is_no_source(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path, ["1.png"])
    with pytest.raises(LayoutError, match="neither a folder nor a table"):
        load(tmp_path / "1.png")


def test_masks_beside_images_are_no_images(tmp_path: Path, make_images: MakeImages) -> None:
    names = ["benign/a.png", "benign/a_mask.png", "normal/b.png", "normal/b_mask.png", "normal/b_mask_1.png"]
    make_images(tmp_path, [*names, "normal/c_mask.png"])
    loaded = load(tmp_path)
    found = {row.image_id: row.mask for row in loaded.manifest}
    # b has two masks, and which of them would be its mask nobody knows; c_mask lies beside no c
    assert found == {"benign/a.png": "benign/a_mask.png", "normal/b.png": "", "normal/c_mask.png": ""}
    assert any("3 files are called as masks of images beside them" in note for note in loaded.notes)


@pytest.mark.parametrize("masks", ["masks/a.png", "images/a_mask.png"])
def test_images_with_masks_and_no_class_lead_to_the_task_of_masks(
    tmp_path: Path, make_images: MakeImages, masks: str
) -> None:
    make_images(tmp_path, ["images/a.png", masks])
    with pytest.raises(LayoutError) as refused:
        load(tmp_path)
    assert "--task segment" in (refused.value.fix or "")
