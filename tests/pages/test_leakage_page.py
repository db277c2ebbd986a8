"""The lesson on leakage: its words follow its numbers, its page and pictures are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from page_checks import EVIL, checked, outside, words
from PIL import Image

from gyrus import errors
from gyrus.errors import MissingDependencyError
from gyrus.pages.leakage_page import render_leakage, write_leakage_page
from gyrus.pages.leakage_plot import write_leakage_pictures
from gyrus.pages.leakage_words import findings, told


def figure(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {
        "value": value,
        "low": low,
        "high": high,
        "method": "cluster-robust logit-t over patients",
        "clusters": 36,
    }


def shown(**changes: Any) -> dict[str, Any]:
    """A made-up result; ``changes`` replace accuracies by the arm's place, or top-level entries."""
    accuracies = {
        "slice-wise": figure(0.98, 0.93, 0.99),
        "patient-wise": figure(0.7, 0.55, 0.82),
        "slice-wise, meaningless labels": figure(0.81, 0.7, 0.88),
        "patient-wise, meaningless labels": figure(0.22, 0.11, 0.39),
    }
    arms = {
        name: {
            "accuracy": changes.pop(name.replace("-", "_").replace(", ", "_").replace(" ", "_"), accuracy),
            "baseline": 0.25,
            "test_images": 144,
            "test_patients": 36,
            "seen": 134 if "slice" in name else 0,
            "leaks": "slice" in name,
            "meaningless": "," in name,
            "best_epoch": 7,
            "folder": name[:5],
        }
        for name, accuracy in accuracies.items()
    }
    result = {
        "topic": "leakage", "source": "phantom", "options": [], "images": 480, "patients": 120,
        "classes": ["glioma", "meningioma"], "arms": arms,
        "gain": {"value": 0.28, "low": 0.15, "high": 0.44, "method": "MOVER"},
        "recipe": {"architecture": "improved_cnn", "image_size": 64, "epochs": 15, "seed": 3},
        "notes": ["a note"], "seconds": 61.2,
        "environment": {"command": ["gyrus", "learn", "leakage"], "processor": "a processor"},
    }  # fmt: skip
    return {**result, **changes}


def test_a_clear_leak_is_called_so() -> None:
    gain, nonsense, floor = findings(shown())
    assert "worth 28 points, 95 % interval 15 to 44" in gain
    assert "even right in 81.0" in nonsense
    assert "as it must be" in floor


def test_what_chance_could_do_is_called_so() -> None:
    unclear = shown(
        gain={"value": 0.05, "low": -0.1, "high": 0.2, "method": "MOVER"},
        slice_wise_meaningless_labels=figure(0.3, 0.2, 0.4),
        patient_wise_meaningless_labels=figure(0.45, 0.3, 0.6),
    )
    gain, nonsense, floor = findings(unclear)
    assert "can be chance" in gain
    assert "does not clearly know the patients" in nonsense
    assert "more than guessing" in floor


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_without_intervals_nothing_is_claimed(nothing: Any) -> None:
    result = shown(
        gain={"value": 0.28, "low": nothing, "high": nothing, "method": "MOVER"},
        slice_wise=figure(0.98, nothing, nothing),
        slice_wise_meaningless_labels=figure(0.81, nothing, nothing),
    )
    text = told(result)
    assert "seems right in 98.0 % instead of 70.0 %" in text
    assert "worth" not in text
    assert "no interval" in text
    assert "nan" not in render_leakage(result).lower()


def test_the_terminal_gets_a_row_for_each_arm() -> None:
    lines = told(shown()).splitlines()
    rows = [line for line in lines if "test images are of a patient in training" in line]
    assert [row.split("  ")[0] for row in rows] == list(shown()["arms"])
    assert "134 of 144" in rows[0]
    assert "(55.0 to 82.0;" in rows[1]


def test_the_page_is_whole_and_says_what_was_done() -> None:
    page = render_leakage(shown(options=["--subject-pattern", "p(.)"], source="my data"))
    checker = checked(page)
    assert not {"script", "iframe", "object", "link"} & checker.names
    assert outside(page) == []
    assert len(checker.ids) == len(set(checker.ids))
    text = words(page)
    for part in ("480 images of 120 patients", "Of the 144 test images 134 now show a patient", "15 epochs",
                 "gyrus split 'my data' --subject-pattern 'p(.)' --out manifest.csv", "a note", "61 s",
                 "gyrus audit slice/manifest.csv"):  # fmt: skip
        assert part in text
    assert page.count("<svg") == 1
    assert len(page) < 200_000


def test_markup_in_names_stays_text() -> None:
    checker = checked(render_leakage(shown(source=EVIL, notes=[EVIL], classes=[EVIL], options=[EVIL])))
    assert "script" not in checker.names
    assert checker.handlers == []


def test_the_pictures_are_png_and_svg_and_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        write_leakage_pictures(shown(), tmp_path / folder)
    for name in ("leakage.png", "leakage.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Image.open(tmp_path / "a" / "leakage.png") as picture:
        assert picture.width >= 900
        assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    text = (tmp_path / "a" / "leakage.svg").read_text()
    ElementTree.fromstring(text)
    assert "98.0" in text
    assert "patients on both sides" in text
    assert "#010203" not in text  # the page's placeholder of a colour


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(errors, "import_module", missing)
    with pytest.raises(MissingDependencyError):
        write_leakage_pictures(shown(), tmp_path)
    with pytest.raises(MissingDependencyError):
        write_leakage_page(shown(), tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
