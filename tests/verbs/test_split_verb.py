"""``gyrus split`` from one end to the other: what is written, exported and audited again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.data import read_manifest
from gyrus.errors import DataError, UsageError
from gyrus.phantom import Faults, Phantom, write_cohort

PHANTOM = Phantom(subjects=32, slices_per_subject=3, image_size=64, seed=3)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort as public sets come: without patients, split by images, with copies of five kinds."""
    folder = tmp_path_factory.mktemp("cohort") / "data"
    faults = Faults(byte_copies=3, pixel_copies=3, mirrored_copies=3, rotated_copies=3, reencoded_copies=3)
    write_cohort(folder, PHANTOM, faults, split="subject", anonymous=True)
    return folder


def test_a_leaking_set_is_repaired_and_passes_the_audit(leaking: Path, tmp_path: Path) -> None:
    before = gyrus.audit(leaking)
    assert before.exit_code == 4
    kinds = {finding.kind: finding for finding in before.audit.leaks}
    assert kinds["pixels_across_splits"].counts["test"]["images"] == 6
    assert kinds["bytes_across_splits"].counts["test"]["images"] == 3
    assert kinds["looks_across_splits"].counts["test"]["images"] == 9
    done = gyrus.split(leaking, out=tmp_path / "m.csv")
    assert done.exit_code == 0
    assert done.moved == 15
    after = gyrus.audit(tmp_path / "m.csv")
    assert (after.exit_code, after.audit.verdict) == (0, "unknowable")
    assert after.audit.leaks == ()
    assert any("The repair moved 15 images" in line for line in done.to_text().splitlines())


def test_the_repair_flag_is_the_default(leaking: Path, tmp_path: Path) -> None:
    one = gyrus.split(leaking, out=tmp_path / "1.csv", repair=True)
    assert one.manifest == gyrus.split(leaking, out=tmp_path / "2.csv").manifest
    kept = gyrus.split(leaking, out=tmp_path / "3.csv", split="auto")
    assert kept.exit_code == 4


def test_the_same_split_wherever_the_folder_lies(leaking: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "other name"
    for path in sorted(leaking.rglob("*.[pj]*g"), reverse=True):
        target = moved / path.relative_to(leaking)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    one = gyrus.split(leaking, out=tmp_path / "1.csv", split="new", seed=7).manifest
    other = gyrus.split(moved, out=tmp_path / "2.csv", split="new", seed=7).manifest
    assert {row.image_id: row.split for row in one} == {row.image_id: row.split for row in other}
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("kind", ["folders", "csv", "yolo", "monai-json"])
def test_exports_lie_beside_the_manifest(leaking: Path, tmp_path: Path, kind: str) -> None:
    done = gyrus.split(leaking, out=tmp_path / "m.csv", export=kind)
    assert done.exported == tmp_path / f"m-{kind}"
    assert done.exported.is_dir()
    assert done.to_json()["exported"] == str(done.exported)
    assert f"exported to {done.exported}" in done.to_text()
    if kind in ("folders", "yolo"):  # read back, it does not leak
        again = gyrus.audit(done.exported).audit
        assert again.leaks == ()
        assert again.splits == gyrus.audit(tmp_path / "m.csv").audit.splits


def test_a_full_target_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="not empty"):
        gyrus.split(tmp_path / "nothing", out=tmp_path / "m.csv", export="csv", export_to=tmp_path / "full")
    with pytest.raises(UsageError, match="belong to an export"):
        gyrus.split(tmp_path / "nothing", out=tmp_path / "m.csv", copy=True)
    assert not (tmp_path / "m.csv").exists()


def test_all_folds(leaking: Path, tmp_path: Path) -> None:
    done = gyrus.split(leaking, out=tmp_path / "m.csv", all_folds=True, folds=3, split="new", cal_fraction=0)
    assert done.exit_code == 0
    read = read_manifest(tmp_path / "m.csv")
    for number in range(3):
        splits = [row.facts[f"split_fold_{number}"] for row in read]
        assert set(splits) == {"train", "val", "test"}
        assert all((row.fold == number) == (split == "test") for row, split in zip(read, splits, strict=True))
    assert [row.split for row in read] == [row.facts["split_fold_0"] for row in read]
    assert sum(line.startswith("fold 2: ") for line in done.done) == 3, "the shares of three splits"
    again = gyrus.split(tmp_path / "m.csv", out=tmp_path / "n.csv", all_folds=True, fold=1, cal_fraction=0)
    assert [row.fold for row in again.manifest] == [row.fold for row in read], "its folds are kept"
    assert [row.split for row in again.manifest] == [row.facts["split_fold_1"] for row in read]
    with pytest.raises(UsageError, match="whose folds are 0, 1, 2"):
        gyrus.split(tmp_path / "m.csv", out=tmp_path / "o.csv", all_folds=True, fold=4)


def images_in(folder: Path, names: dict[str, int]) -> Path:
    for name, seed in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (30, 40), np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


def test_folds_without_a_fold_are_told(leaking: Path, tmp_path: Path) -> None:
    outcome = gyrus.split(leaking, out=tmp_path / "m.csv", folds=4)
    assert "--folds 4 is not used, because neither --fold nor --all-folds is asked for." in outcome.notes
    for options in ({"folds": 4, "fold": 1}, {"folds": 4, "all_folds": True}, {}):
        used = gyrus.split(leaking, out=tmp_path / "m.csv", overwrite=True, **options)
        assert not any("not used" in note for note in used.notes)


def test_a_set_of_one_image(tmp_path: Path) -> None:
    folder = images_in(tmp_path / "data", {"a/1.png": 1})
    assert gyrus.audit(folder).audit.verdict == "unknowable"
    with pytest.raises(DataError, match="one class only"):
        gyrus.split(folder, out=tmp_path / "m.csv")


def test_all_images_identical(tmp_path: Path) -> None:
    folder = images_in(tmp_path / "data", {f"{label}/{n}.png": 1 for label in "ab" for n in range(5)})
    audit = gyrus.audit(folder).audit
    assert audit.largest_groups[0]["images"] == 10
    assert {finding.kind for finding in audit.findings} >= {
        "copies_with_different_labels", "copies_within_split",
    }  # fmt: skip
    with pytest.raises(DataError, match="too few groups"):
        gyrus.split(folder, out=tmp_path / "m.csv")


def test_names_of_any_kind_survive(tmp_path: Path) -> None:
    names = ["ä ö 脑.png", "x" * 240 + ".png", 'a,b"c;.png', " lead.png", "tab\tand\nline.png"]
    seeds = {
        f"{label}/{name}": n + 10 * (label == "b") for label in ("é", "b") for n, name in enumerate(names)
    }
    folder = images_in(tmp_path / "Größe 1", seeds)
    out = tmp_path / "脑.csv"
    options = {"val_fraction": 0.0, "cal_fraction": 0.0, "export": "folders", "export_to": tmp_path / "x"}
    done = gyrus.split(folder, out=out, **options)
    again = gyrus.audit(out)
    assert again.audit.images == 10
    assert [row.image_id for row in read_manifest(out)] == [row.image_id for row in done.manifest]
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "x")) == 10


def test_a_manifest_whose_files_are_gone(tmp_path: Path) -> None:
    names = {f"{label}/{n}.png": n + 10 * (label == "b") for label in "ab" for n in range(6)}
    folder = images_in(tmp_path / "data", names)
    gyrus.split(folder, out=tmp_path / "m.csv", cal_fraction=0)
    folder.rename(tmp_path / "moved")
    for way in ("fail", "skip"):
        with pytest.raises(DataError, match="12 of 12 images cannot be read") as caught:
            gyrus.audit(tmp_path / "m.csv", on_bad_file=way)
        assert "a/0.png" in caught.value.details[0]
        assert "does not exist" in caught.value.details[0]


def test_unreadable_files_are_listed_and_the_audit_goes_on(tmp_path: Path) -> None:
    folder = images_in(tmp_path / "data", {f"{label}/{n}.png": n for label in "ab" for n in range(4)})
    (folder / "a" / "0.png").write_bytes((folder / "a" / "0.png").read_bytes()[:100])
    (folder / "b" / "empty.png").touch()
    result = gyrus.audit(folder, on_bad_file="skip")
    assert [skipped.image_id for skipped in result.skipped] == ["a/0.png", "b/empty.png"]
    assert result.audit.images == 7
    assert {item["image_id"] for item in result.to_json()["skipped"]} == {"a/0.png", "b/empty.png"}
