"""Faults on demand: each is there, as often as asked, and written down truly."""

import hashlib
import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from gyrus.data.manifest import read_manifest
from gyrus.errors import UsageError
from gyrus.phantom import CLASSES, Faults, Phantom, write_cohort

PHANTOM = Phantom(subjects=24, slices_per_subject=4, image_size=64, seed=2)
ALL = Faults(
    shared_subjects=2, byte_copies=3, pixel_copies=4, mirrored_copies=3, rotated_copies=3, reencoded_copies=3,
    wrong_labels=5, corrupt_files=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("faulty") / "cohort", PHANTOM, ALL, "subject")


def with_fault(manifest, kind):
    return [row for row in manifest if row.facts["fault"] == kind]


def pairs(manifest, kind):
    rows = {row.image_id: row for row in manifest}
    return [(row, rows[row.facts["fault_of"]]) for row in with_fault(manifest, kind)]


def pixels(manifest, row):
    with Image.open(manifest.file_of(row)) as image:
        return np.asarray(image.convert("L"))


def test_each_fault_is_there_as_often_as_asked(faulty):
    counts = Counter(row.facts["fault"] for row in faulty)
    assert counts == {
        "": counts[""], "shared_subject": 2 * 4, "byte_copy": 3, "pixel_copy": 4, "mirrored_copy": 3,
        "rotated_copy": 3, "reencoded_copy": 3, "wrong_label": 5, "corrupt": 2,
    }  # fmt: skip
    assert len(faulty) == 24 * 4 + 16


@pytest.mark.parametrize(
    "kind", ["byte_copy", "pixel_copy", "mirrored_copy", "rotated_copy", "reencoded_copy"]
)
def test_copies_lie_across_the_split_as_other_patients(faulty, kind):
    for copy, original in pairs(faulty, kind):
        assert (copy.split, original.split) == ("test", "train")
        assert copy.subject_id != original.subject_id
        assert copy.label == original.label
        assert original.facts["fault"] == ""


def test_byte_copies_share_their_bytes_and_pixel_copies_do_not(faulty):
    def digests(pair):
        return {hashlib.sha256(faulty.file_of(row).read_bytes()).digest() for row in pair}

    assert all(len(digests(pair)) == 1 for pair in pairs(faulty, "byte_copy"))
    assert all(len(digests(pair)) == 2 for pair in pairs(faulty, "pixel_copy"))
    for copy, original in pairs(faulty, "pixel_copy"):
        assert (pixels(faulty, copy) == pixels(faulty, original)).all()
    modes = set()
    for copy, _ in pairs(faulty, "pixel_copy"):
        with Image.open(faulty.file_of(copy)) as image:
            modes.add(image.mode)
    assert modes == {"L", "RGB"}


def test_mirrored_rotated_and_encoded_copies_are_what_they_say(faulty):
    for copy, original in pairs(faulty, "mirrored_copy"):
        assert (pixels(faulty, copy) == pixels(faulty, original)[:, ::-1]).all()
    for copy, original in pairs(faulty, "rotated_copy"):
        turned = [np.rot90(pixels(faulty, original), turns) for turns in (1, 2, 3)]
        assert sum((pixels(faulty, copy) == candidate).all() for candidate in turned) == 1
    for copy, original in pairs(faulty, "reencoded_copy"):
        assert copy.path.endswith(".jpg")
        one, other = pixels(faulty, copy).astype(float), pixels(faulty, original).astype(float)
        assert (one != other).any()
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("kind", ["mirrored_copy", "rotated_copy", "byte_copy"])
def test_masks_and_boxes_move_with_their_copy(faulty, kind):
    for copy, _ in pairs(faulty, kind):
        with Image.open(faulty.root / copy.mask) as image:
            mask = np.asarray(image) > 0
        if not copy.boxes:
            assert not mask.any()
            continue
        left, top, right, bottom = map(int, copy.boxes.split())
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        assert mask[top].any()
        assert mask[:, right - 1].any()


def test_shared_subjects_have_slices_on_both_sides(faulty):
    shared = {row.subject_id for row in with_fault(faulty, "shared_subject")}
    sides = {subject: {row.split for row in faulty if row.subject_id == subject} for subject in shared}
    assert len(sides) == 2
    assert all(side == {"train", "test"} for side in sides.values())
    others = {row.subject_id for row in faulty} - shared
    assert all(len({row.split for row in faulty if row.subject_id == subject}) == 1 for subject in others)


def test_wrong_labels_stand_in_the_wrong_folder_and_the_truth_is_told(faulty):
    for row in with_fault(faulty, "wrong_label"):
        truth = row.facts["fault_of"]
        assert row.label != truth
        assert row.path.startswith(row.label + "/")
        sound = {
            other.label for other in faulty if other.subject_id == row.subject_id and not other.facts["fault"]
        }
        assert sound <= {truth}


def test_corrupt_files_cannot_be_read(faulty):
    for row in with_fault(faulty, "corrupt"):
        data = faulty.file_of(row).read_bytes()
        assert data.startswith(b"\x89PNG")
        with pytest.raises((OSError, SyntaxError, UnidentifiedImageError)):
            Image.open(io.BytesIO(data)).load()


def test_the_truth_is_in_the_file_too(faulty):
    again = {row.image_id: row.facts for row in read_manifest(faulty.root / "manifest.csv")}
    assert again == {row.image_id: row.facts for row in faulty}


def test_a_border_betrays_its_class_alone(tmp_path):
    manifest = write_cohort(tmp_path / "cohort", PHANTOM, Faults(border_class="glioma"))
    for row in manifest:
        edge = pixels(manifest, row)[:2]
        assert (edge == 230).all() == (row.label == "glioma")


def test_faults_do_not_change_the_sound_images(tmp_path, faulty):
    sound = write_cohort(tmp_path / "cohort", PHANTOM, split="subject")
    assert "fault" not in sound.rows[0].facts
    theirs = {row.image_id: row for row in faulty if not row.facts["fault"]}
    for row in sound:
        if row.image_id in theirs:
            assert sound.file_of(row).read_bytes() == faulty.file_of(theirs[row.image_id]).read_bytes()


@pytest.mark.parametrize(
    ("faults", "split", "words"),
    [
        (Faults(byte_copies=1), None, "this cohort has none"),
        (Faults(shared_subjects=1), None, "this cohort has none"),
        (Faults(shared_subjects=20), "subject", "the test set has"),
        (Faults(mirrored_copies=500), "subject", "sound training images are left"),
        (Faults(wrong_labels=90, corrupt_files=90), "subject", "only 96 are left"),
        (Faults(border_class="cat"), None, ", ".join(CLASSES)),
    ],
)
def test_faults_that_do_not_fit_are_refused_before_anything_is_written(tmp_path, faults, split, words):
    with pytest.raises(UsageError, match=words):
        write_cohort(tmp_path / "cohort", PHANTOM, faults, split)
    assert not (tmp_path / "cohort").exists()


def test_negative_faults_are_refused():
    with pytest.raises(UsageError, match="wrong_labels is -1"):
        Faults(wrong_labels=-1)
