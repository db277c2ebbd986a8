"""The manifest: what is written is read back, and bad rows are named by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gyrus.data import Manifest, Row, read_manifest, write_manifest
from gyrus.errors import ManifestError, StorageError

text = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
names = text.filter(lambda name: name.strip(" ./") != "" and "/" not in name and "\\" not in name)
rows = st.builds(
    Row,
    image_id=names,
    path=names,
    label=text.map(str.strip),
    subject_id=text.map(str.strip),
    subject_source=st.just("table"),
    split=st.sampled_from(["", "train", "val", "cal", "test"]),
    fold=st.none() | st.integers(0, 9),
    frame=st.sampled_from(["", "3"]),
    boxes=st.sampled_from(["", "1 2 3 4;5 6 7 8"]),
    synthetic=st.booleans(),
    sha256=st.sampled_from(["", "ab" * 32]),
    width_px=st.none() | st.integers(0, 9999),
    notes=text.map(str.strip),
    facts=st.fixed_dictionaries({"scanner": text, "field strength, T": text}),
)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(st.lists(rows, min_size=1, max_size=5, unique_by=lambda row: row.image_id))
def test_round_trip(tmp_path: Path, written: list[Row]) -> None:
    manifest = Manifest(tuple(written), tmp_path.resolve(), task="segment")
    write_manifest(manifest, tmp_path / "manifest.csv")
    again = read_manifest(tmp_path / "manifest.csv")
    assert again == manifest
    assert again.fingerprint == manifest.fingerprint


def test_paths_follow_the_file(tmp_path: Path) -> None:
    manifest = Manifest((Row("a", "images/a.png", mask="masks/a.png"),), tmp_path / "data")
    write_manifest(manifest, tmp_path / "runs" / "one" / "manifest.csv")
    again = read_manifest(tmp_path / "runs" / "one" / "manifest.csv")
    assert again.rows[0].path == "../../data/images/a.png"
    assert again.rows[0].mask == "../../data/masks/a.png"
    assert again.file_of(again.rows[0]).resolve() == (tmp_path / "data/images/a.png").resolve()
    assert again.fingerprint == manifest.fingerprint


def test_a_table_by_hand_needs_a_path_only(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "\ufeffpath ; label;scanner\n a.png ; glioma ;3T\n\nb.png;;\n", encoding="utf-8"
    )
    manifest = read_manifest(tmp_path / "m.csv")
    assert [(row.image_id, row.path, row.label, dict(row.facts)) for row in manifest] == [
        ("a.png", "a.png", "glioma", {"scanner": "3T"}),
        ("b.png", "b.png", "", {"scanner": ""}),
    ]
    assert manifest.task == "classify"


def test_a_given_subject_is_from_a_column(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,subject_id\na.png,P1\nb.png,\n")
    assert [row.subject_source for row in read_manifest(tmp_path / "m.csv")] == ["column", ""]


BAD_TABLES = {
    "no path column": ("image,label\na,b\n", "no column 'path'; its columns are image, label"),
    "twice": ("path,label,label\na,b,c\n", "columns twice: label"),
    "unnamed": ("path,,label\na,b,c\n", "column 2 has no name"),
    "header only": ("path,label\n", "no rows"),
    "empty": ("\n \n", "is empty"),
    "quoting": ('path,label\n"a,b\n', "line "),
    "short row": ("path,label\na\n", "line 2: has 1 cells, the header has 2"),
    "long row": ("path,label\na,b\na,b,c\n", "line 3: has 3 cells, the header has 2"),
    "empty path": ("path,label\na,b\n,c\n", "line 3: path is empty"),
    "twice named": ("path,label\na,b\nc,d\na,e\n", "line 4: image_id 'a' stands already in line 2"),
    "split": ("path,split\na,training\n", "line 2: split 'training' is none of train, val, cal, test"),
    "fold text": ("path,fold\na,one\n", "line 2: fold 'one' is not a whole number"),
    "fold negative": ("path,fold\na,-1\n", "line 2: fold '-1' is negative"),
    "synthetic": ("path,synthetic\na,maybe\n", "line 2: synthetic 'maybe'"),
    "version": ("path,manifest_version\na,2\n", "manifest_version is 2; this gyrus reads 1"),
    "tasks": ("path,task\na,classify\nb,segment\n", "classify, segment"),
    "task": ("path,task\na,guess\n", "guess"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_named(tmp_path: Path, case: str) -> None:
    content, words = BAD_TABLES[case]
    path = tmp_path / "m.csv"
    path.write_text(content)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert words in str(caught.value)
    assert caught.value.path == str(path)
    assert caught.value.exit_code == 3


def test_all_bad_rows_are_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,split,fold\na,x,0\nb,train,y\nc,train,0\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(tmp_path / "m.csv")
    assert [line.split(":")[0] for line in caught.value.details] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("data", "words"), [(b"path\n\xff\xfe\n", "UTF-8"), (b"path\na\x00b\n", "zero bytes")]
)
def test_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "m.csv").write_bytes(data)
    with pytest.raises(ManifestError, match=words):
        read_manifest(tmp_path / "m.csv")


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "m.csv")


def test_a_line_number_counts_lines_of_the_file_not_rows(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('path,notes,split\na,"two\nlines",train\nb,,nowhere\n')
    with pytest.raises(ManifestError, match="line 4: split 'nowhere'"):
        read_manifest(tmp_path / "m.csv")


def test_manifest_checks_itself() -> None:
    with pytest.raises(ManifestError, match="row 2: image_id 'a' also in row 1"):
        Manifest((Row("a", "a"), Row("a", "b")), Path())
    with pytest.raises(ManifestError, match="split 'x' is none of"):
        Manifest((Row("a", "a", split="x"),), Path())
    with pytest.raises(ManifestError, match="task 'x' is none of"):
        Manifest((), Path(), task="x")


@pytest.mark.parametrize(
    "change",
    [{"label": "b"}, {"subject_id": "P"}, {"split": "test"}, {"fold": 2}, {"pixel_hash": "x"},
     {"synthetic": True}, {"mask": "m/x.png"}, {"boxes": "0 0 1 1"}, {"frame": "1"}],
)  # fmt: skip
def test_fingerprint_sees_what_training_depends_on(change: dict[str, Any]) -> None:
    row = Row("a", "a", label="a", pixel_hash="h")
    assert Manifest((row.with_(**change),), Path()).fingerprint != Manifest((row,), Path()).fingerprint


def test_fingerprint_does_not_see_places_and_order() -> None:
    one, two = Row("a", "x/a", label="p", pixel_hash="1"), Row("b", "x/b", label="q", pixel_hash="2")
    moved = Manifest((two.with_(image_id="c", path="y/c"), one.with_(notes="n")), Path("elsewhere"))
    assert moved.fingerprint == Manifest((one, two), Path()).fingerprint


def test_counts_classes_and_select() -> None:
    rows = (Row("1", "1", label="b", split="train"), Row("2", "2", label="a", split="test"),
            Row("3", "3", label="b", split="train"), Row("4", "4"))  # fmt: skip
    manifest = Manifest(rows, Path())
    assert manifest.classes == ("a", "b")
    assert manifest.counts() == {"train": {"a": 0, "b": 2}, "test": {"a": 1, "b": 0}, "": {"a": 0, "b": 0}}
    assert [row.image_id for row in manifest.select("train")] == ["1", "3"]
    assert len(manifest) == 4


def test_a_failed_write_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "manifest.csv"
    write_manifest(Manifest((Row("a", "a"),), tmp_path), path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_manifest(Manifest((Row("b", "b"),), tmp_path), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["manifest.csv"]
