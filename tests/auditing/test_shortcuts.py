"""Shortcuts: found where they were planted, and where real sets are known to have them; quiet elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gyrus.auditing import Finding, audit_manifest, find_shortcuts
from gyrus.config.options import DataOptions
from gyrus.data import Manifest, Row, load, scan
from gyrus.imaging.look import Looks
from gyrus.imaging.nuisance import Nuisance
from gyrus.phantom import Faults, Phantom, write_cohort
from gyrus.runs.atomic import to_json

PLAIN = Nuisance(
    format="JPEG", mode="L", bits=8, file_bytes=9000, jpeg_quality=80, mean=50.0, contrast=40.0,
    look_range=200, sharpness=0.4, border_mean=3.0, border_white=0.0, white_sides=0, border_width=0.1,
    centre_white=0.0, coloured=0.0, screen_word="",
)  # fmt: skip
Numbers = npt.NDArray[Any]


class Cohort:
    """Images whose facts are noise, or what a test makes of them."""

    def __init__(self, images: int = 240, classes: int = 3, per_subject: int = 1, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.subject = np.arange(images) // per_subject
        self.label = np.arange(self.subject.max() + 1)[self.subject] % classes
        self.size = np.full((images, 2), 256)
        self.split = np.full(images, "", dtype="U5")
        self.known = per_subject > 1
        noise = self.rng.normal(size=(images, 3))
        self.facts = [
            replace(PLAIN, mean=50 + 5 * a, sharpness=0.4 + 0.05 * b, file_bytes=9000 + int(400 * c))
            for a, b, c in noise.tolist()
        ]
        self.looks: Looks = self.rng.integers(0, 256, (images, 64, 64), dtype=np.uint8)

    def find(self, order: Sequence[int] | None = None) -> dict[str, Finding]:
        order = range(len(self.label)) if order is None else order
        rows = tuple(self._row(number) for number in order)
        nuisance = {f"{number}.png": fact for number, fact in enumerate(self.facts)}
        findings = find_shortcuts(Manifest(rows, Path("data")), nuisance, self.looks[list(order)])
        assert all((finding.kind, finding.severity) == ("shortcut", "warning") for finding in findings)
        return {finding.counts["fact"]: finding for finding in findings}

    def _row(self, number: int) -> Row:
        label = f"c{self.label[number]}" if self.label[number] >= 0 else ""
        return Row(
            f"{number}.png", f"{number}.png", label=label,
            subject_id=f"P{self.subject[number]}" if self.known else "", split=str(self.split[number]),
            sha256=f"s{number}", pixel_hash=f"p{number}",
            width_px=int(self.size[number, 0]), height_px=int(self.size[number, 1]),
        )  # fmt: skip


def test_nothing_is_found_where_nothing_is() -> None:
    assert Cohort().find() == {}
    assert Cohort(per_subject=6).find() == {}


def test_an_image_size_that_tells_the_class() -> None:
    cohort = Cohort()
    cohort.size[cohort.label == 0] = (512, 512)
    cohort.size[:12] = (512, 512)
    found = cohort.find()
    finding = found["size"]
    assert set(found) == {"size", "together"}
    assert finding.counts["class"] == "c0"
    assert finding.counts["scope"] == "all"
    auc = finding.counts["auc"]
    assert 0.9 < auc["low"] <= auc["value"] <= auc["high"] <= 1
    assert auc["limit"] < 0.65
    assert finding.counts["table"] == {
        "values": ["256 x 256", "512 x 512"],
        "shares": {"c0": [0, 1], "c1": [0.95, 0.05], "c2": [0.95, 0.05]},
        "images": {"c0": 80, "c1": 80, "c2": 80},
    }
    assert "The image size alone tells the class in the 240 images" in finding.message
    assert "256 x 256: c0 0 %, c1 95 %, c2 95 %." in finding.message
    assert json.loads(to_json(finding.to_json()))["counts"]["fact"] == "size"


FILE_FACTS: list[tuple[str, dict[str, Any], str]] = [
    ("jpeg_quality", {"jpeg_quality": 95}, "quality 95"),
    ("mode", {"mode": "RGB"}, "JPEG RGB"),
    ("mode", {"bits": 16, "format": "PNG", "mode": "I;16"}, "PNG I;16 16-bit"),
    ("white_sides", {"white_sides": 4}, "white on 4 sides"),
]


@pytest.mark.parametrize(("fact", "changes", "words"), FILE_FACTS)
def test_other_facts_of_the_file(fact: str, changes: dict[str, Any], words: str) -> None:
    cohort = Cohort(classes=2)
    for number in np.flatnonzero((cohort.label == 1) & (cohort.rng.random(240) < 0.9)):
        cohort.facts[number] = replace(cohort.facts[number], **changes)
    found = cohort.find()
    assert fact in found
    table = found[fact].counts["table"]
    assert table["shares"]["c0"][table["values"].index(words)] == 0
    assert table["shares"]["c1"][table["values"].index(words)] == pytest.approx(0.9, abs=0.07)


@pytest.mark.parametrize(
    "name", ["mean", "contrast", "sharpness", "border_mean", "border_width", "file_bytes"]
)
def test_facts_of_the_picture_are_reported_together(name: str) -> None:
    cohort = Cohort(classes=2)
    for number in np.flatnonzero(cohort.label == 1):
        cohort.facts[number] = replace(cohort.facts[number], **{name: 1.5 * getattr(PLAIN, name)})
    found = cohort.find()
    assert set(found) == {"together"}
    assert found["together"].counts["facts"][name]["c1"]["value"] > 0.9
    assert "the best alone is the" in found["together"].message


def test_corners_that_tell_the_class() -> None:
    cohort = Cohort(classes=2)
    cohort.looks[cohort.label == 1, -5:, :6] //= 4  # a label burnt into one corner
    found = cohort.find()
    assert set(found) == {"corners"}
    assert found["corners"].counts["auc"]["value"] > 0.95
    middle = Cohort(classes=2)
    middle.looks[middle.label == 1, 20:40, 20:40] //= 4
    assert middle.find() == {}


def test_shuffled_labels_are_quiet() -> None:
    noisy = 0
    for seed in range(8):
        cohort = Cohort(seed=seed)
        cohort.size = cohort.rng.integers(100, 600, cohort.size.shape)
        cohort.label = cohort.rng.permutation(cohort.label)
        noisy += bool(cohort.find())
    assert noisy <= 1


def test_what_is_the_same_for_a_patient_is_no_evidence_on_the_class() -> None:
    """Each patient has a size of his own; with eight patients a class that tells who, not what."""
    quiet = Cohort(240, 3, per_subject=10)
    sizes = quiet.rng.permutation(24) * 10 + 200
    quiet.size = np.stack([sizes[quiet.subject]] * 2, axis=1)
    assert quiet.find() == {}
    loud = Cohort(240, 3)  # the same without patients: nothing says that the images are not independent
    loud.size = quiet.size
    loud.label = quiet.label
    assert "size" in loud.find()


def test_the_training_images_are_tried_and_all_images_besides() -> None:
    cohort = Cohort(300, 2)
    cohort.split[:] = "train"
    cohort.split[200:] = "test"
    cohort.size[(cohort.label == 1) & (cohort.split == "train")] = (300, 200)
    finding = cohort.find()["size"]
    assert finding.counts["scope"] == "train"
    assert finding.counts["images"] == 200
    assert finding.counts["auc"]["value"] == 1
    assert 0.7 < finding.counts["all_images"]["c1"]["value"] < 0.95
    assert "training images" in finding.message


def test_a_shortcut_of_the_test_images_alone_is_not_learnt() -> None:
    cohort = Cohort(300, 2)
    cohort.split[:] = "train"
    cohort.split[200:] = "test"
    cohort.size[(cohort.label == 1) & (cohort.split == "test")] = (300, 200)
    assert cohort.find() == {}


def test_the_order_of_files_does_not_matter() -> None:
    cohort = Cohort(classes=2)
    cohort.size[cohort.label == 1] = (300, 200)
    order = cohort.rng.permutation(240).tolist()
    straight, mixed = cohort.find(), cohort.find(order)
    assert set(straight) == set(mixed)
    assert straight["size"].counts["table"] == mixed["size"].counts["table"]
    assert straight["size"].counts["auc"]["value"] == pytest.approx(mixed["size"].counts["auc"]["value"])


@pytest.mark.parametrize("images", [0, 1, 2, 9, 12])
def test_a_few_images_are_no_evidence(images: int) -> None:
    cohort = Cohort(max(images, 1), 2)
    cohort.size[cohort.label == 1] = (300, 200)
    assert cohort.find(range(images)) == {}


def test_one_class_no_class_and_rare_classes() -> None:
    assert Cohort(classes=1).find() == {}
    unlabelled = Cohort()
    unlabelled.label[:] = -1
    assert unlabelled.find() == {}
    rare = Cohort(classes=2)
    rare.size[rare.label == 1] = (300, 200)
    rare.label[:4] = 7  # too few to be tried, and no reason to give up on the others
    found = rare.find()
    assert set(found["size"].counts["by_class"]) == {"c0", "c1"}
    assert found["size"].counts["images"] == 236


def test_large_sets_are_sampled_by_whole_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyrus.auditing.shortcuts._MOST_IMAGES", 100)
    cohort = Cohort(400, 2, per_subject=3)
    cohort.size[cohort.label == 1] = (300, 200)
    finding = cohort.find()["size"]
    assert 97 <= finding.counts["images"] <= 100
    assert finding.counts["images"] % 3 in (0, 1), "one of the 134 patients has a single image"


def test_the_border_of_a_phantom(tmp_path: Path) -> None:
    phantom = Phantom(subjects=36, slices_per_subject=2, image_size=64)
    label = sorted(phantom.classes)[0]
    for folder, faults in (("sound", Faults()), ("framed", Faults(border_class=label))):
        write_cohort(tmp_path / folder, phantom, faults)
        scanned = scan(load(tmp_path / folder).manifest, progress=False)
        found = {
            f.counts["fact"]: f for f in find_shortcuts(scanned.manifest, scanned.nuisance, scanned.looks)
        }
        assert ("white_sides" in found) == (folder == "framed")
    assert found["white_sides"].counts["class"] == label


def test_shortcuts_are_findings_of_the_audit_and_no_part_of_its_verdict(tmp_path: Path) -> None:
    rows = tuple(
        Row(f"{n}", f"{n}.png", label="ab"[n % 2], subject_id=f"P{n}", sha256=f"{n}", pixel_hash=f"{n}")
        for n in range(4)
    )
    manifest = Manifest(rows, tmp_path)
    shortcut = Finding("shortcut", "warning", "The image size alone tells the class.")
    audit = audit_manifest(manifest, shortcuts=(shortcut,))
    assert audit.verdict == audit_manifest(manifest).verdict == "clean"
    assert audit.findings == (shortcut,)
    assert "warning: The image size alone tells the class." in audit.to_text()


@pytest.fixture(scope="module")
def shortcuts_of(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[dict[str, Finding], float]]:
    def find(name: str, **options: Any) -> tuple[dict[str, Finding], float]:
        folder = shared_data / name
        if not folder.is_dir():
            pytest.skip(f"no {name}/ in ../shared/data")
        cache = tmp_path_factory.getbasetemp() / "facts of public sets"
        loaded = load(folder, DataOptions(**options))
        scanned = scan(loaded.manifest, cache_dir=cache, progress=False)
        start = time.process_time()
        findings = find_shortcuts(scanned.manifest, scanned.nuisance, scanned.looks)
        return {f.counts["fact"]: f for f in findings}, time.process_time() - start

    return find


def test_the_sizes_of_sartaj(shortcuts_of: Callable[..., Any]) -> None:
    found, seconds = shortcuts_of("sartaj")
    assert seconds < 3, "of processor time, all threads together"
    size = found["size"].counts
    assert (size["scope"], size["images"], size["class"]) == ("train", 2870, "no_tumor")
    assert size["auc"]["low"] > 0.95
    assert size["auc"]["limit"] < 0.56
    row = size["table"]["values"].index("512 x 512")
    shares = {name: round(100 * of_class[row]) for name, of_class in size["table"]["shares"].items()}
    assert shares == {"glioma_tumor": 100, "meningioma_tumor": 83, "no_tumor": 1, "pituitary_tumor": 97}
    assert set(found) >= {"size", "aspect", "corners", "together"}
    assert not {"mode", "jpeg_quality"} & set(found), "all are RGB, of nearly the same quality"


def test_cheng_has_one_size(shortcuts_of: Callable[..., Any], shared_data: Path) -> None:
    found, _ = shortcuts_of(
        "cheng",
        subjects=shared_data / "cheng" / "patients.csv",
        on="file_number",
        subject_column="patient_base_id",
        label_column="class",
    )
    assert set(found) <= {"together", "corners"}, "no fact of the files tells the class"


def test_yes_no_has_sizes_and_qualities(shortcuts_of: Callable[..., Any]) -> None:
    found, _ = shortcuts_of("yesno")
    assert {"size", "jpeg_quality"} <= set(found)
