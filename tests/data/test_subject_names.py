"""Patients by the names of Kermany's X-rays: recognised, said to be, not taken where they may be others."""

from pathlib import Path

import pytest

from gyrus.config import DataOptions
from gyrus.data import Row, load
from gyrus.data.subject_names import subjects_from_names

NAMES = {
    "PNEUMONIA/person12_bacteria_34.jpg": "person12",
    "PNEUMONIA/person12_virus_35.jpeg": "person12",
    "PNEUMONIA/person123_virus_7.jpg": "person123",
    "NORMAL/IM-0123-0001.jpg": "IM-0123",
    "NORMAL/IM-0123-0001-0002.jpg": "IM-0123",
    "NORMAL/NORMAL2-IM-0123-0001.jpg": "NORMAL2-IM-0123",
}
SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "chest_xray"


def rows(names: dict[str, str]) -> list[Row]:
    return [Row(name, name, name.partition("/")[0]) for name in names]


def test_each_kind_of_name() -> None:
    named, notes = subjects_from_names(rows(NAMES))
    assert {row.image_id: row.subject_id for row in named} == NAMES
    assert {row.subject_source for row in named} == {"name"}
    assert notes[0].startswith("6 of 6 images are named as the chest X-rays of Kermany 2018 are")


def test_other_names_have_no_patient_and_are_listed() -> None:
    others = {"NORMAL/scan.jpg": "", "NORMAL/xperson1_virus_2.jpg": ""}
    named, notes = subjects_from_names(rows(NAMES | others))
    assert [row.subject_source for row in named[-2:]] == ["", ""]
    assert notes[1] == "The names of 2 images tell no patient: NORMAL/scan.jpg, NORMAL/xperson1_virus_2.jpg."


def test_series_of_another_program_are_left_alone() -> None:
    exported = {"tumour/IM-0001-0001.jpg": "", "tumour/IM-0001-0002.jpg": "", "healthy/IM-0001-0001.jpg": ""}
    named, notes = subjects_from_names(rows(exported))
    assert not any(row.subject_id for row in named)
    assert notes == []


@pytest.fixture
def xrays(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    other = tmp_path / "test" / "PNEUMONIA" / "person12_virus_99.jpg"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"x")
    return tmp_path


def test_loading_recognises_them_on_its_own(xrays: Path) -> None:
    loaded = load(xrays)
    assert "4 patients are known (from: name)." in loaded.notes
    assert any("7 of 7 images are named" in note for note in loaded.notes)


def test_the_users_pattern_wins(xrays: Path) -> None:
    loaded = load(xrays, DataOptions(subject_pattern=r"(person\d+_[a-z]+|IM-\d+)"))
    found = {row.subject_id for row in loaded.manifest}
    assert found == {"person12_bacteria", "person12_virus", "person123_virus", "IM-0123"}
    assert {row.subject_source for row in loaded.manifest} == {"pattern"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/chest_xray is not here")
def test_the_real_set() -> None:
    manifest = load(SHARED).manifest
    assert all(row.subject_id for row in manifest)
    assert len({row.subject_id for row in manifest if row.label == "NORMAL"}) == 250


def test_a_train_test_division_with_one_person_on_both_sides_is_found_to_leak(
    xrays: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import numpy as np
    from PIL import Image

    from gyrus.verbs.audit import audit

    for number, path in enumerate(sorted(xrays.rglob("*.jp*g"))):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32), dtype=np.uint8)
        Image.fromarray(noise).save(path, format="JPEG")
    found = audit(xrays, cache_dir=tmp_path_factory.mktemp("cache"))
    assert found.exit_code == 4
    assert found.audit.verdict == "leaking"
