"""The audit of a manifest: each kind of finding, the verdict, and the gate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrus.auditing import Audit, Finding, audit_manifest, refuse_leak
from gyrus.auditing.checks import subjects_unknown
from gyrus.config.options import SplitOptions
from gyrus.data import Manifest, Row, make_split
from gyrus.errors import DataError, LeakageError, UsageError
from gyrus.runs.atomic import to_json


def image(name: str, split: str = "train", subject: str = "", label: str = "a", **more: Any) -> Row:
    """A scanned image; its content is its name unless told."""
    given = {"sha256": f"s{name}", "pixel_hash": f"p{name}", **more}
    return Row(name, f"{name}.png", label=label, split=split, subject_id=subject, **given)


def audited(*rows: Row) -> Audit:
    return audit_manifest(Manifest(rows, Path("data")))


def found(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


CLEAN = (
    image("1", "train", "P1"),
    image("2", "val", "P2"),
    image("3", "cal", "P3"),
    image("4", "test", "P4", "b"),
)


def test_clean() -> None:
    audit = audited(*CLEAN)
    assert audit.verdict == "clean"
    assert audit.findings == ()
    assert audit.sentence == "No patient and no copy of an image stands in two splits."
    assert (audit.images, audit.subjects) == (4, 4)
    assert audit.splits["test"] == {"a": 0, "b": 1}
    assert refuse_leak(audit, None) is None
    assert refuse_leak(audit, "no need") is None


def test_a_patient_on_two_sides() -> None:
    audit = audited(*CLEAN, image("5", "test", "P1"), image("6", "test", "P1", "b"), image("7", "val", "P1"))
    finding = found(audit)["subject_across_splits"]
    assert audit.verdict == "leaking"
    assert finding.severity == "leak"
    assert [str(pair) for pair in finding.pairs] == [
        "5 (test) = 1 (train): patient P1",
        "6 (test) = 1 (train): patient P1",
        "7 (val) = 1 (train): patient P1",
    ]
    assert finding.counts["test"] == {
        "images": 2, "of": 3, "by_class": {"a": {"images": 1, "of": 1}, "b": {"images": 1, "of": 2}},
    }  # fmt: skip
    assert finding.counts["val"]["images"] == 1
    assert finding.counts["subjects"] == ["P1"]
    assert audit.sentence == (
        "The split leaks: 1 patient stands on both sides (2 of 3 test images and 1 of 2 val images)."
    )


def test_identical_bytes_and_pixels_on_two_sides() -> None:
    audit = audited(
        *CLEAN,
        image("5", "test", "P5", sha256="s1", pixel_hash="p1"),
        image("6", "test", "P6", pixel_hash="p1"),
        image("7", "test", "P7", pixel_hash="p2"),
    )
    files, pixels = found(audit)["bytes_across_splits"], found(audit)["pixels_across_splits"]
    assert [str(pair) for pair in files.pairs] == ["5 (test) = 1 (train): identical bytes"]
    assert [(pair.image_id, pair.other_id) for pair in pixels.pairs] == [("5", "1"), ("6", "1"), ("7", "2")]
    assert pixels.counts["test"]["images"] == 3
    assert "3 of 4 test images have a pixel-identical copy on another side (1 of them" in audit.sentence


def test_copies_are_counted_by_image_not_by_pair() -> None:
    """Two copies in test of three in train are two images, whatever the number of pairs."""
    same = {"pixel_hash": "same"}
    rows = [image(f"t{n}", "train", f"T{n}", **same) for n in range(3)]
    rows += [image(f"x{n}", "test", f"X{n}", **same) for n in range(2)]
    pixels = found(audited(*rows))["pixels_across_splits"]
    assert pixels.counts["test"]["images"] == 2
    assert len(pixels.pairs) == 2


def test_images_without_a_split_do_not_leak() -> None:
    audit = audited(*CLEAN, image("5", "", "P4", sha256="s4", pixel_hash="p4"))
    assert audit.verdict == "clean"


def test_unknown_patients_make_it_unknowable() -> None:
    audit = audited(*(row.with_(subject_id="") for row in CLEAN))
    assert audit.verdict == "unknowable"
    assert found(audit)["subjects_unknown"].counts == {"images": 4, "of": 4}
    assert audit.sentence.startswith("No copy of an image stands in two splits, but no patient is known")
    assert refuse_leak(audit, None) is None


def test_some_unknown_patients_are_named() -> None:
    audit = audited(*CLEAN, image("5"))
    assert audit.verdict == "unknowable"
    assert found(audit)["subjects_unknown"].rows == ("5",)
    assert "1 of 5 images have no patient" in audit.sentence


def test_a_leak_outweighs_unknown_patients() -> None:
    assert audited(*CLEAN, image("5"), image("6", "test", "P1")).verdict == "leaking"


def test_without_a_split() -> None:
    known = audited(*(row.with_(split="") for row in CLEAN))
    assert known.verdict == "clean"
    assert known.sentence.startswith("There is no split yet; all patients are known")
    unknown = audited(*(row.with_(split="", subject_id="") for row in CLEAN))
    assert unknown.verdict == "unknowable"
    assert unknown.sentence.startswith("There is no split yet, and no patient is known")


def test_synthetic_images_outside_train() -> None:
    audit = audited(
        *CLEAN,
        image("f1", "test", "P4", synthetic=True),
        image("f2", "train", "P1", synthetic=True),
        image("f3", "", "P2", synthetic=True),
    )
    finding = found(audit)["synthetic_outside_train"]
    assert audit.verdict == "leaking"
    assert finding.rows == ("f1",)
    assert finding.counts == {"test": 1}
    with pytest.raises(LeakageError, match="f1"):
        refuse_leak(audit, None)


def test_a_synthetic_cohort_is_told_but_not_refused() -> None:
    audit = audited(*(row.with_(synthetic=True) for row in CLEAN))
    assert audit.verdict == "clean"
    assert found(audit)["synthetic_outside_train"].severity == "info"


def test_copies_of_two_classes() -> None:
    audit = audited(*CLEAN, image("5", "train", "P1", "b", pixel_hash="p1"))
    finding = found(audit)["copies_with_different_labels"]
    assert audit.verdict == "clean"
    assert finding.severity == "warning"
    assert str(finding.pairs[0]) == "5 (train) = 1 (train): identical pixels, labelled 'b' and 'a'"


def test_surplus_copies_on_one_side() -> None:
    audit = audited(
        *CLEAN,
        image("5", "train", "P1", sha256="s1", pixel_hash="p1"),
        image("6", "train", "P1", pixel_hash="p1"),
        image("7", "", "P1", pixel_hash="q"),
        image("8", "", "P1", pixel_hash="q"),
    )
    finding = found(audit)["copies_within_split"]
    assert audit.verdict == "clean"
    assert finding.counts == {"images": 3, "train": 2, "no split": 1}
    assert [str(pair) for pair in finding.pairs] == [
        "5 (train) = 1 (train): identical bytes",
        "6 (train) = 1 (train): identical pixels",
        "8 = 7: identical pixels",
    ]


def test_the_gravest_comes_first() -> None:
    audit = audited(
        *CLEAN,
        image("5", "test", "P1"),
        image("6", "train", "", "b", pixel_hash="p1"),
        image("7", "val", "P2"),
    )
    severities = [finding.severity for finding in audit.findings]
    assert severities == sorted(severities, key=("leak", "warning", "info").index)
    assert severities[0] == "leak"


def test_json_and_text_hold_everything() -> None:
    audit = audited(*CLEAN, image("5", "test", "P1", sha256="s1", pixel_hash="p1"), image("6", "test"))
    read = json.loads(to_json(audit.to_json()))
    assert read["verdict"] == "leaking"
    assert read["sentence"] == audit.sentence
    assert read["fingerprint"] == audit.fingerprint
    assert {finding["kind"] for finding in read["findings"]} == set(found(audit))
    assert read["findings"][0]["pairs"][0] == {
        "image_id": "5", "split": "test", "other_id": "1", "other_split": "train", "why": "patient P1",
    }  # fmt: skip
    text = audit.to_text()
    assert text.startswith(audit.sentence)
    assert text.endswith(audit.sentence)
    assert text.count("5 (test) = 1 (train): patient P1") == 1
    assert "warning: 1 of 6 images have no patient" in text


def test_the_gate_names_pairs_and_ways_out() -> None:
    audit = audited(
        *CLEAN,
        image("5", "test", "P5", sha256="s1", pixel_hash="p1"),
        image("6", "test", "P6", pixel_hash="p1"),
    )
    with pytest.raises(LeakageError) as caught:
        refuse_leak(audit, None)
    message = str(caught.value)
    assert caught.value.exit_code == 4
    assert message.count("5 (test) = 1 (train)") == 1, "identical files are not named twice"
    assert "6 (test) = 1 (train): identical pixels" in message
    assert "--split repair" in message
    assert '--allow-leak "reason"' in message


def test_the_gate_opens_for_a_reason_and_returns_it() -> None:
    audit = audited(*CLEAN, image("5", "test", "P1"))
    assert refuse_leak(audit, " to show the effect ") == "to show the effect"
    for blank in ("", "  "):
        with pytest.raises(UsageError, match="needs a reason"):
            refuse_leak(audit, blank)


def test_what_was_not_scanned_is_not_audited() -> None:
    with pytest.raises(DataError, match="1 of 4 images have no hashes") as caught:
        audited(*CLEAN[:3], replace(CLEAN[3], pixel_hash=""))
    assert caught.value.details == ["4"]
    with pytest.raises(DataError, match="no images to audit"):
        audited()


rows = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"]),
        st.integers(0, 30),
        st.sampled_from(["train", "val", "cal", "test"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=100)
@given(rows)
def test_leaking_is_exactly_a_patient_or_content_on_two_sides(drawn: list[tuple[str, int, str]]) -> None:
    manifest_rows = [
        image(str(n), split, subject, pixel_hash=f"p{content}", sha256=f"s{content}")
        for n, (subject, content, split) in enumerate(drawn)
    ]
    expected = any(
        one.split != other.split
        and (one.subject_id == other.subject_id or one.pixel_hash == other.pixel_hash)
        for one in manifest_rows
        for other in manifest_rows
    )
    assert (audited(*manifest_rows).verdict == "leaking") == expected


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_a_repaired_split_passes_the_gate(seed: int) -> None:
    import random

    draw = random.Random(seed)
    manifest_rows = [
        image(str(n), draw.choice(["train", "train", "test"]), f"P{n // 3}", "ab"[n // 3 % 2],
              pixel_hash=f"p{draw.choice([n, n, n, n // 2])}")
        for n in range(240)
    ]  # fmt: skip
    manifest = Manifest(tuple(manifest_rows), Path())
    assert audit_manifest(manifest).verdict == "leaking"
    mended = make_split(manifest, SplitOptions(split="repair")).manifest
    audit = audit_manifest(mended)
    assert audit.verdict == "clean"
    assert refuse_leak(audit, None) is None


def test_a_file_or_an_examination_is_no_patient() -> None:
    rows = [
        Row(str(number), f"{number}.png", "a", subject_id=f"s{number}", subject_source=source)
        for number, source in enumerate(("dicom", "file", "dicom study", "column"))
    ]
    (finding,) = subjects_unknown(rows)
    assert finding.rows == ("1", "2")
    assert finding.message.startswith("2 of 4 images are told apart by file or examination, not by patient:")
    assert not subjects_unknown([rows[0], rows[3]])
