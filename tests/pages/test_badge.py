"""The badge: valid SVG that says the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gyrus.pages import write_badge
from gyrus.pages.badge import badge

LEAKING = {
    "verdict": "leaking",
    "splits": {"train": {"a": 20}, "val": {"a": 10}, "test": {"a": 6, "b": 4}},
    "findings": [
        {"kind": "bytes", "severity": "leak", "pairs": [
            {"image_id": "1", "split": "test"}, {"image_id": "2", "split": "test"}]},
        {"kind": "looks", "severity": "leak", "pairs": [
            {"image_id": "2", "split": "test"}, {"image_id": "3", "split": "test"},
            {"image_id": "4", "split": "val"}]},
        {"kind": "same side", "severity": "info", "pairs": [{"image_id": "9", "split": "test"}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("audit", "words", "colour"),
    [
        ({"verdict": "clean", "splits": {"train": {"a": 1}, "test": {"a": 1}}}, "clean", "#0a6b4f"),
        ({"verdict": "clean", "splits": {"": {"a": 1}}}, "no split yet", "#0a6b4f"),
        ({"verdict": "unknowable"}, "unknowable", "#8a5800"),
        (LEAKING, "leaking: 3 of 10 test images", "#b02a00"),
        ({"verdict": "leaking", "findings": []}, "leaking", "#b02a00"),
    ],
)
def test_it_says_the_verdict(audit: dict[str, Any], words: str, colour: str) -> None:
    drawn = ElementTree.fromstring(badge(audit))
    space = {"s": "http://www.w3.org/2000/svg"}
    assert drawn.find("s:title", space).text == f"leak audit: {words}"  # type: ignore[union-attr]
    assert [text.text for text in drawn.findall(".//s:text", space)] == ["leak audit", words]
    left, right = drawn.findall("s:rect", space)
    assert right.get("fill") == colour
    assert float(left.get("width", 0)) + float(right.get("width", 0)) == float(drawn.get("width", 0))
    assert right.get("x") == left.get("width")


def test_longer_words_get_more_room() -> None:
    widths = [float(ElementTree.fromstring(badge(audit)).get("width", 0))
              for audit in ({"verdict": "unknowable"}, LEAKING)]  # fmt: skip
    assert widths[0] + 60 < widths[1]


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    write_badge(LEAKING, tmp_path / "badge.svg")
    assert ElementTree.parse(tmp_path / "badge.svg").getroot().tag.endswith("svg")
