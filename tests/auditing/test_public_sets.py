"""The public sets beside the project: their leaks in known numbers, and splits of them that do not leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from gyrus.auditing import Audit, Finding, Related, audit_manifest, refuse_leak, relate
from gyrus.config.options import DataOptions, SplitOptions
from gyrus.data import Manifest, Scan, link_groups, load, make_split, scan
from gyrus.errors import LeakageError


def look(folder: Path, cache: Path, options: DataOptions | None = None) -> Scan:
    return scan(load(folder, options).manifest, cache_dir=cache, progress=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "facts of public sets"  # test_shortcuts.py uses it too


@pytest.fixture(scope="module")
def sartaj(shared_data: Path, cache: Path) -> Manifest:
    folder = shared_data / "sartaj"
    if not folder.is_dir():
        pytest.skip("no sartaj/ in ../shared/data")
    return look(folder, cache).manifest


def test_the_known_leak_of_sartaj(sartaj: Manifest) -> None:
    audit = audit_manifest(sartaj)
    assert audit.verdict == "leaking"
    assert len(sartaj) == 3264
    findings = {finding.kind: finding for finding in audit.findings}
    pixels = findings["pixels_across_splits"].counts["test"]
    assert (pixels["images"], pixels["of"]) == (251, 394)
    assert {name: (n["images"], n["of"]) for name, n in pixels["by_class"].items()} == {
        "glioma_tumor": (18, 100),
        "meningioma_tumor": (106, 115),
        "no_tumor": (105, 105),
        "pituitary_tumor": (22, 74),
    }
    assert findings["bytes_across_splits"].counts["test"]["images"] == 88
    assert len(findings["pixels_across_splits"].pairs) == 251
    assert all(pair.image_id.startswith("Testing/") for pair in findings["pixels_across_splits"].pairs)
    assert set(findings) == {
        "bytes_across_splits", "pixels_across_splits", "copies_within_split", "subjects_unknown",
    }  # fmt: skip


def test_the_gate_stays_shut_for_sartaj_and_opens_after_repair(sartaj: Manifest) -> None:
    kept = make_split(sartaj)
    with pytest.raises(LeakageError, match="251 of 394 test images") as caught:
        refuse_leak(audit_manifest(kept.manifest), None)
    assert sum(line.startswith("- Testing/") for line in caught.value.details) == 251
    repaired = make_split(sartaj, SplitOptions(split="repair"))
    audit = audit_manifest(repaired.manifest)
    assert audit.verdict == "unknowable"
    assert refuse_leak(audit, None) is None
    assert 0 < len(repaired.moved) <= 251
    assert len(repaired.manifest) == 3264
    for of_class in repaired.manifest.counts().values():
        assert min(of_class.values()) >= 30


def test_yes_no_has_25_surplus_copies(shared_data: Path, cache: Path) -> None:
    audit = audit_manifest(look(shared_data / "yesno", cache).manifest)
    assert audit.verdict == "unknowable"
    assert {f.kind: dict(f.counts) for f in audit.findings}["copies_within_split"]["images"] == 25


def test_cheng_is_split_by_its_209_patients(shared_data: Path, cache: Path) -> None:
    folder = shared_data / "cheng"
    options = DataOptions(
        subjects=folder / "patients.csv",
        on="file_number",
        subject_column="patient_base_id",
        label_column="class",
    )
    manifest = look(folder, cache, options).manifest
    assert manifest.classes == ("glioma", "meningioma", "pituitary")
    assert audit_manifest(manifest).subjects == 209
    assert audit_manifest(manifest).verdict == "clean"
    split = make_split(manifest).manifest
    assert audit_manifest(split).verdict == "clean"
    for name, wanted in (("train", 0.6), ("val", 0.1), ("cal", 0.1), ("test", 0.2)):
        for label in manifest.classes:
            total = sum(of_class[label] for of_class in split.counts().values())
            assert split.counts()[name][label] / total == pytest.approx(wanted, abs=0.02)


def related(folder: Path, cache: Path, options: DataOptions | None = None) -> Related:
    scanned = look(folder, cache, options)
    return relate(scanned.manifest, scanned.looks)


def kinds(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


@pytest.fixture(scope="module")
def related_sartaj(sartaj: Manifest, cache: Path) -> Related:
    return related(sartaj.root, cache)


def test_sartaj_gets_its_patients_back(related_sartaj: Related) -> None:
    """2345 images are Cheng slices; the 28 of the test part have their patient in the training part."""
    manifest = related_sartaj.manifest
    recovered = [row for row in manifest if row.subject_source == "recovered"]
    assert len(recovered) == 2345
    audit = audit_manifest(manifest, related_sartaj)
    assert audit.verdict == "leaking"
    found = kinds(audit)
    assert found["recovered_subjects"].counts["by_split"]["test"] == {"images": 28, "patient_before": 28}
    assert found["subject_across_splits"].counts["test"]["images"] == 28
    assert found["pixels_across_splits"].counts["test"]["images"] == 251
    assert found["bytes_across_splits"].counts["test"]["images"] == 88
    assert found["subjects_unknown"].counts == {"images": 919, "of": 3264}
    assert {f.counts["set"]: f.counts["images"] for f in audit.findings if f.kind == "known_set_overlap"} == {
        "sartaj": 3264, "yesno": 114,
    }  # fmt: skip


def test_a_split_of_sartaj_does_not_leak(related_sartaj: Related) -> None:
    for options in (SplitOptions(split="repair"), SplitOptions(split="new", seed=4), SplitOptions(fold=2)):
        made = make_split(related_sartaj.manifest, options).manifest
        audit = audit_manifest(made, related_sartaj)
        assert audit.verdict == "unknowable"
        assert audit.leaks == ()


def test_yes_no_has_209_pictures(shared_data: Path, cache: Path) -> None:
    found = related(shared_data / "yesno", cache)
    audit = audit_manifest(found.manifest, found)
    assert audit.verdict == "unknowable"
    assert kinds(audit)["copies_within_split"].counts["images"] == 25
    assert kinds(audit)["look_alikes_within_split"].counts["distinct"] == 209
    assert {f.counts["set"]: f.counts["images"] for f in audit.findings if f.kind == "known_set_overlap"} == {
        "sartaj": 102, "yesno": 253,
    }  # fmt: skip


@pytest.mark.parametrize(("column", "split_patients"), [("patient_base_id", 0), ("patient_id", 18)])
def test_no_two_patients_of_cheng_are_accused(
    shared_data: Path, cache: Path, column: str, split_patients: int
) -> None:
    folder = shared_data / "cheng"
    options = DataOptions(
        subjects=folder / "patients.csv", on="file_number", subject_column=column, label_column="class"
    )
    found = related(folder, cache, options)
    manifest = found.manifest
    assert 0.975 <= found.look_alikes.threshold.value <= 0.985
    audit = audit_manifest(manifest, found)
    assert audit.verdict == "clean"
    assert "copies_with_different_patients" not in kinds(audit)
    assert all(row.subject_source == "table" for row in manifest)
    for name in {row.copy_group for row in manifest} - {""}:
        assert len({row.recovered_subject for row in manifest if row.copy_group == name}) == 1
    assert len({row.recovered_subject for row in manifest}) == 209
    differ = kinds(audit).get("recovered_patients_differ")
    assert len(differ.counts["patients"] if differ else {}) == split_patients
    assert len(set(link_groups(manifest).tolist())) == 209


def test_chest_x_rays_of_different_people_are_not_accused(shared_data: Path, cache: Path) -> None:
    options = DataOptions(subject_pattern=r"(person\d+_|IM-\d+|NORMAL2-IM-\d+)")
    found = related(shared_data / "chest_xray", cache, options)
    assert "copies_with_different_patients" not in kinds(audit_manifest(found.manifest, found))
    assert not found.overlaps["sartaj"]
    assert not found.overlaps["yesno"]
    assert not any(row.recovered_subject for row in found.manifest)
