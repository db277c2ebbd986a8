"""A cohort on disk."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from gyrus.config.options import DataOptions
from gyrus.data import load
from gyrus.data.manifest import read_manifest
from gyrus.errors import StorageError, UsageError
from gyrus.phantom import CLASSES, Phantom, generate, write_cohort

PHANTOM = Phantom(subjects=16, slices_per_subject=3, image_size=64, seed=4)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("phantom") / "cohort", PHANTOM)


def grey(path):
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_files_hold_what_was_drawn(cohort):
    for row, drawn in zip(cohort, generate(PHANTOM), strict=True):
        assert row.path == f"{drawn.label}/{drawn.subject_id}_{drawn.index}.png"
        assert (grey(cohort.file_of(row)) == drawn.pixels).all()
        assert (row.label, row.subject_id, row.subject_source) == (drawn.label, drawn.subject_id, "phantom")
        assert row.split == ""
        if drawn.boxes:
            assert row.boxes == " ".join(map(str, drawn.boxes[0]))
        else:
            assert row.boxes == ""
        # healthy slices too have a mask: nothing is marked in it
        assert (grey(cohort.root / row.mask) == drawn.mask * 255).all()


def test_the_manifest_file_says_the_same(cohort):
    assert read_manifest(cohort.root / "manifest.csv").rows == cohort.rows


def test_writing_twice_gives_the_same_bytes(cohort, tmp_path):
    def digests(root):
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    write_cohort(tmp_path / "again", PHANTOM)
    assert digests(tmp_path / "again") == digests(cohort.root)


def test_the_folder_is_loaded_through_its_manifest(cohort):
    loaded = load(cohort.root, DataOptions())
    assert loaded.manifest.classes == CLASSES  # no class "masks"
    assert {row.subject_id for row in loaded.manifest} == {f"S{number:04d}" for number in range(16)}
    assert len(loaded.manifest) == 48


def test_a_split_by_subjects_keeps_them_whole_and_classes_even(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", PHANTOM, split="subject")
    sides = {row.subject_id: set() for row in manifest}
    for row in manifest:
        sides[row.subject_id].add(row.split)
    assert all(len(side) == 1 for side in sides.values())
    assert manifest.counts() == {"train": dict.fromkeys(CLASSES, 9), "test": dict.fromkeys(CLASSES, 3)}


def test_a_split_by_slices_tears_subjects_apart(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", PHANTOM, split="slice")
    subjects = {
        split: {row.subject_id for row in manifest if row.split == split} for split in ("train", "test")
    }
    assert len(subjects["train"] & subjects["test"]) >= 6
    assert sum(manifest.counts()["test"].values()) == 12


def test_anonymous_cohorts_look_like_public_sets(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", PHANTOM, split="slice", anonymous=True)
    top = sorted(path.name for path in manifest.root.iterdir())
    assert top == ["Testing", "Training"]
    assert sorted(path.name for path in (manifest.root / "Training").iterdir()) == list(CLASSES)
    assert not any(row.subject_id or row.mask or row.boxes for row in manifest)
    assert {row.facts["subject"] for row in manifest} == {f"S{number:04d}" for number in range(16)}
    loaded = load(manifest.root, DataOptions()).manifest
    assert {row.image_id for row in loaded} == {row.image_id for row in manifest}
    assert not any(row.subject_id for row in loaded)


def test_anonymous_names_tell_nothing(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", PHANTOM, anonymous=True)
    numbers = [int(row.path[-9:-4]) for row in manifest]
    assert sorted(numbers) == list(range(48))
    assert abs(np.corrcoef(numbers, range(48))[0, 1]) < 0.5


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty"):
        write_cohort(tmp_path, PHANTOM)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="could not be written"):
        write_cohort(tmp_path / "file" / "cohort", PHANTOM)


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(UsageError, match="'subject', 'slice' or None"):
        write_cohort(tmp_path / "cohort", PHANTOM, split="patient")
