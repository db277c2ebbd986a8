"""Labels of several names: read in one order, joined name by name, counted, and divided by quotas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gyrus.config.options import DataOptions, SplitOptions
from gyrus.data import Manifest, Row, load, make_split, read_manifest, write_manifest
from gyrus.data.label_names import in_one_order, label_of, names_of
from gyrus.data.sampling import sample_groups
from gyrus.data.splits import make_folds
from gyrus.errors import DataError

NAMES = st.lists(st.sampled_from(["edema", "mass", "shift"]), max_size=5)


@given(NAMES)
def test_a_label_is_one_for_each_set(names: list[str]) -> None:
    assert set(names_of(label_of(names))) == set(names)
    assert in_one_order("|".join(names) or "|") == label_of(names)
    assert in_one_order("") == ""


def table(folder: Path, labels: list[str]) -> Path:
    path = folder / "set.csv"
    lines = [f"{number}.png,{label},P{number}" for number, label in enumerate(labels)]
    path.write_text("\n".join(["path,label,subject_id", *lines]) + "\n")
    return path


def test_sets_are_read_in_one_order_and_single_names_are_joined(tmp_path: Path) -> None:
    source = table(tmp_path, ["mass|edema", " edema | Mass", "No Finding", "|", "", "mass|oedema"])
    options = DataOptions(task="multilabel", join_classes=("|=No Finding", "edema=oedema"))
    loaded = load(source, options)
    labels = [row.label for row in loaded.manifest]
    assert labels == ["edema|mass", "edema|mass", "|", "|", "", "edema|mass"]
    assert loaded.manifest.classes == ("edema", "mass")
    assert loaded.joined == {"Mass": "mass", "No Finding": "|", "oedema": "edema"}
    assert any("3 of 6 show two or more, 2 show none" in note for note in loaded.notes)


def test_the_task_is_not_guessed(tmp_path: Path) -> None:
    source = table(tmp_path, ["a|b", "a", "b"])
    loaded = load(source)
    assert loaded.manifest.task == "classify"
    assert loaded.manifest.classes == ("a", "a|b", "b")
    (note,) = [note for note in loaded.notes if "--task multilabel" in note]
    assert note.startswith("1 of 3 labels hold '|', for example 'a|b'")
    assert not any("--task" in note for note in load(table(tmp_path, ["a", "b"])).notes)


def test_a_written_manifest_keeps_its_task(tmp_path: Path) -> None:
    manifest = load(table(tmp_path, ["a|b", "a", "|"]), DataOptions(task="multilabel")).manifest
    write_manifest(manifest, tmp_path / "again.csv")
    assert read_manifest(tmp_path / "again.csv").task == "multilabel"
    assert load(tmp_path / "again.csv").manifest.classes == ("a", "b")
    assert load(tmp_path / "again.csv", DataOptions(task="classify")).manifest.classes == ("a", "a|b", "|")


def test_counts_are_of_classes_and_sizes_of_images(tmp_path: Path) -> None:
    manifest = load(table(tmp_path, ["a|b", "a", "|", ""]), DataOptions(task="multilabel")).manifest
    assert manifest.counts() == {"": {"a": 2, "b": 1}}
    assert manifest.sizes() == {"": 3}


def several(seed: int, patients: int = 60) -> Manifest:
    """Patients with three images each; classes occur together, alone, and not at all."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        shown = [name for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.15)) if rng.random() < share]
        for image in range(3):
            name = f"{patient}-{image}"
            here = [one for one in shown if rng.random() < 0.8]
            rows.append(
                Row(name, f"{name}.png", label=label_of(here), subject_id=f"P{patient}",
                    subject_source="column", sha256=f"s{name}", pixel_hash=f"p{name}")
            )  # fmt: skip
    return Manifest(tuple(rows), Path("data"), "multilabel")


def patients_of(name: str, manifest: Manifest) -> set[str]:
    return {row.subject_id for row in manifest if name in manifest.names_of(row)}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_every_class_and_the_images_get_their_shares_whole_patients(seed: int) -> None:
    manifest = several(seed)
    assume(
        all(len(patients_of(name, manifest)) >= 3 for name in manifest.classes)
    )  # else it is refused: below
    divided = make_split(manifest, SplitOptions(cal_fraction=0.0)).manifest
    sides: dict[str, set[str]] = {}
    for row in divided:
        sides.setdefault(row.subject_id, set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    totals = {name: sum(of[name] for of in divided.counts().values()) for name in divided.classes}
    for split, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert divided.sizes()[split] == pytest.approx(share * len(manifest), abs=6)
        for name, total in totals.items():
            assert divided.counts()[split][name] == pytest.approx(share * total, abs=6)
            assert divided.counts()[split][name] > 0


@pytest.mark.parametrize("patients", [1, 2])
def test_a_class_of_fewer_patients_than_splits_is_refused(patients: int) -> None:
    """An AUC of it could not be had on every side; no image may be given to two of them instead."""
    manifest = several(0)
    kept = set(sorted(patients_of("c", manifest))[:patients])
    rare = manifest.with_rows(
        row if row.subject_id in kept else row.with_(label=label_of(set(manifest.names_of(row)) - {"c"}))
        for row in manifest
    )
    with pytest.raises(DataError, match=f"class 'c' has {patients}; 3 are needed") as caught:
        make_split(rare, SplitOptions(cal_fraction=0.0))
    assert '--join-classes "|=c"' in str(caught.value)


def test_folds_and_samples_take_sets() -> None:
    manifest = several(0)
    folds = make_folds(manifest, 3)
    for name in manifest.classes:
        counts = [sum(name in manifest.names_of(row) for row in folds if row.fold == n) for n in range(3)]
        assert max(counts) - min(counts) <= 6
    part = sample_groups(manifest, 60, seed=0)
    assert len(part) == pytest.approx(60, abs=6)


def test_an_image_without_a_label_is_refused_and_told_how_to_say_none() -> None:
    manifest = several(0)
    unknown = manifest.with_rows([manifest.rows[0].with_(label=""), *manifest.rows[1:]])
    with pytest.raises(DataError, match="have no class") as caught:
        make_split(unknown)
    assert "a single |" in str(caught.value)


def test_images_that_all_show_nothing_cannot_be_divided() -> None:
    manifest = several(0)
    with pytest.raises(DataError, match="there is no class"):
        make_split(manifest.with_rows(row.with_(label="|") for row in manifest))
