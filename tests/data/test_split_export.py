"""Exports of a split: what other tools find there, links and copies, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gyrus.data import Manifest, Row, load
from gyrus.data.split_export import export_split
from gyrus.errors import DataError, StorageError, UsageError

MakeImages = Callable[..., Path]


def manifest_in(folder: Path, make_images: MakeImages, **more: dict[str, object]) -> Manifest:
    """Six images in class folders, two of the same name, one without a split."""
    splits = {"a/1.png": "train", "a/2.png": "test", "b/1.png": "train", "b/ü 3.png": "val", "b/4.png": "cal",
              "old/a/1.png": "train", "b/5.png": ""}  # fmt: skip
    make_images(folder, list(splits))
    rows = [
        Row(name, name, label="b" if name.startswith("b") else "a", split=split, subject_id=f"P{number}",
            width_px=12, height_px=10, fold=number % 3, **more.get(name, {}))  # type: ignore[arg-type]
        for number, (name, split) in enumerate(splits.items())
    ]  # fmt: skip
    return Manifest(tuple(rows), folder)


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("kind", ["folders", "yolo"])
def test_class_folders_hold_the_images(
    tmp_path: Path, make_images: MakeImages, kind: str, copy: bool
) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    notes = export_split(manifest, kind, tmp_path / "deep" / "out", copy=copy)  # type: ignore[arg-type]
    assert "1 images without a split are left out." in notes
    found = load(tmp_path / "deep" / "out").manifest
    assert found.counts() == {
        "train": {"a": 2, "b": 1}, "test": {"a": 1, "b": 0}, "val": {"a": 0, "b": 1}, "cal": {"a": 0, "b": 1},
    }  # fmt: skip
    contents = sorted(found.file_of(row).read_bytes() for row in found)
    assert contents == sorted(manifest.file_of(row).read_bytes() for row in manifest if row.split)
    files = [found.file_of(row) for row in found]
    assert all(path.is_symlink() != copy for path in files)
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}, "nothing half-made is left"
    assert (tmp_path / "deep" / "out" / "val" / "b" / "ü 3.png").exists()


def test_torchvision_reads_the_folders(tmp_path: Path, make_images: MakeImages) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    export_split(manifest_in(tmp_path / "data", make_images), "folders", tmp_path / "out")
    train = datasets.ImageFolder(tmp_path / "out" / "train")
    assert (train.classes, sorted(train.targets)) == (["a", "b"], [0, 0, 1])


def test_links_hold_when_data_and_export_move_together(tmp_path: Path, make_images: MakeImages) -> None:
    export_split(manifest_in(tmp_path / "x" / "data", make_images), "folders", tmp_path / "x" / "out")
    (tmp_path / "x").rename(tmp_path / "y")
    assert all(path.exists() for path in (tmp_path / "y" / "out").rglob("*.png"))


def test_names_that_collide_are_told_apart_and_stay_short(tmp_path: Path, make_images: MakeImages) -> None:
    long = "脑" * 80 + ".png"  # 240 bytes and the ending
    names = [f"one/{long}", f"two/{long}", "one/A.png", "two/a.png", "one/b.png"]
    make_images(tmp_path / "data", names)
    manifest = Manifest(tuple(Row(name, name, label="a", split="train") for name in names), tmp_path / "data")
    export_split(manifest, "folders", tmp_path / "out")
    found = sorted(path.name for path in (tmp_path / "out" / "train" / "a").iterdir())
    assert len({name.casefold() for name in found}) == 5
    assert max(len(name.encode()) for name in found) <= 255
    assert "b.png" in found
    export_split(manifest.with_rows(reversed(manifest.rows)), "folders", tmp_path / "again")
    assert sorted(path.name for path in (tmp_path / "again" / "train" / "a").iterdir()) == found


@pytest.mark.parametrize("copy", [False, True])
def test_tables(tmp_path: Path, make_images: MakeImages, copy: bool) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    export_split(manifest, "csv", tmp_path / "out", copy=copy)
    rows = []
    for split in ("train", "val", "cal", "test"):
        with (tmp_path / "out" / f"{split}.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                assert not Path(row["path"]).is_absolute()
                path = tmp_path / "out" / row["path"]
                assert path.read_bytes() == (tmp_path / "data" / row["image_id"]).read_bytes()
                assert (path.resolve().parent.parent.parent == tmp_path / "out") == copy
                rows.append((row["image_id"], row["label"], row["subject_id"], split))
    assert sorted(rows) == sorted(
        (row.image_id, row.label, row.subject_id, row.split) for row in manifest if row.split
    )


@pytest.mark.parametrize("copy", [False, True])
def test_monai_data_list(tmp_path: Path, make_images: MakeImages, copy: bool) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    export_split(manifest, "monai-json", tmp_path / "out", copy=copy)
    read = json.loads((tmp_path / "out" / "datalist.json").read_text(encoding="utf-8"))
    assert read["labels"] == {"0": "a", "1": "b"}
    assert (read["numTraining"], read["numTest"]) == (3, 1)
    assert {key: len(read[key]) for key in ("training", "validation", "calibration", "testing")} == {
        "training": 3, "validation": 1, "calibration": 1, "testing": 1,
    }  # fmt: skip
    for entry in read["training"] + read["testing"]:
        assert (tmp_path / "out" / entry["image"]).exists()
        assert read["labels"][str(entry["label"])] == entry["class"]
        assert entry["fold"] in (0, 1, 2)


def test_yolo_boxes_are_shares_of_the_image(tmp_path: Path, make_images: MakeImages) -> None:
    boxes = {"a/1.png": {"boxes": "0 0 12 10;3 5 6 10"}, "b/1.png": {"boxes": "1 1 3 2"}}
    manifest = manifest_in(tmp_path / "data", make_images, **boxes)  # type: ignore[arg-type]
    export_split(manifest, "yolo", tmp_path / "out")
    lines = (tmp_path / "out" / "data.yaml").read_text().splitlines()
    assert lines == [
        *(f"{split}: images/{split}" for split in ("train", "val", "cal", "test")),
        *("names:", '  0: "a"', '  1: "b"'),
    ]
    found = {}
    for image in (tmp_path / "out" / "images").rglob("*.png"):
        label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")  # as YOLO looks for it
        found[image.resolve().relative_to(tmp_path / "data").as_posix()] = label.read_text().splitlines()
    assert found["a/1.png"] == [
        "0 0.500000 0.500000 1.000000 1.000000",
        "0 0.375000 0.750000 0.250000 0.500000",
    ]
    assert found["b/1.png"] == ["1 0.166667 0.150000 0.166667 0.100000"]
    assert found["a/2.png"] == []


@pytest.mark.parametrize(
    ("box", "words"), [("0 0 13 10", "outside its 12 x 10"), ("1 2 3", "is not x0 y0 x1 y1")]
)
def test_bad_boxes_are_named_and_nothing_is_left(
    tmp_path: Path, make_images: MakeImages, box: str, words: str
) -> None:
    manifest = manifest_in(tmp_path / "data", make_images, **{"a/1.png": {"boxes": box}})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=words):
        export_split(manifest, "yolo", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_target_that_holds_something_is_left_alone(tmp_path: Path, make_images: MakeImages) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    (tmp_path / "out").mkdir()
    export_split(manifest, "csv", tmp_path / "out")  # an empty one may be used
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="not empty"):
        export_split(manifest, "folders", tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_class_names_that_are_no_folders(tmp_path: Path, make_images: MakeImages) -> None:
    make_images(tmp_path / "data", ["1.png"])
    for label in ("../up", "..", "a/b", "con:", " "):
        manifest = Manifest((Row("1.png", "1.png", label=label, split="train"),), tmp_path / "data")
        with pytest.raises(DataError, match="can be no folder name"):
            export_split(manifest, "folders", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_split_there_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image has a split"):
        export_split(Manifest((Row("1", "1.png", label="a"),), tmp_path), "csv", tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, make_images: MakeImages) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="could not be written"):
        export_split(manifest, "folders", tmp_path / "file" / "out")


def test_a_system_without_links_is_told_of_copies(
    tmp_path: Path, make_images: MakeImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("a required privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refused)
    with pytest.raises(StorageError, match="--copy"):
        export_split(manifest_in(tmp_path / "data", make_images), "folders", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_are_never_changed(tmp_path: Path, make_images: MakeImages) -> None:
    manifest = manifest_in(tmp_path / "data", make_images)
    before = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*.png")}
    export_split(manifest, "folders", tmp_path / "out", copy=True)
    for path in (tmp_path / "out").rglob("*.png"):
        Image.new("L", (2, 2)).save(path)
    assert {path: path.read_bytes() for path in (tmp_path / "data").rglob("*.png")} == before
