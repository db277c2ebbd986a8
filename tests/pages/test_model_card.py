"""The model card has all headings, the run's numbers, and takes names for text."""

from __future__ import annotations

from pathlib import Path

import plausible_run
from page_checks import EVIL

from gyrus.pages import write_model_card
from gyrus.pages.model_card import render_model_card

HEADINGS = [
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
    "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
]  # fmt: skip


def headings(text: str) -> list[str]:
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_it_has_the_nine_headings_and_the_figures(tmp_path: Path) -> None:
    context = plausible_run.context()
    write_model_card(context, tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert headings(text) == HEADINGS
    accuracy = context.evaluations["test"]["accuracy"]
    assert f"accuracy {100 * accuracy['value']:.1f}\N{NO-BREAK SPACE}% (" in text
    assert "**Test images** (480 of 48 patients)" in text
    assert "| training | 150 |" in text
    assert "Licence of the weights: unknown" in text
    assert "Looks at the test set so far: 1." in text
    assert "no\\_tumor" in text


def test_a_bare_run_says_that_nothing_was_measured() -> None:
    text = render_model_card(plausible_run.context(evaluations={}, history=[], bundle={}, counts={}))
    assert headings(text) == HEADINGS
    assert "Nothing was measured." in text
    assert "No images." in text


def test_a_leak_and_its_reason_are_caveats() -> None:
    audit = {"verdict": "leaking", "sentence": "251 of 394 test images are copies."}
    text = render_model_card(plausible_run.context(audit=audit, allow_leak="to show it"))
    caveats = text[text.index("## Caveats") :]
    assert "The split leaks: 251 of 394" in caveats
    assert "with the reason: to show it" in caveats


def test_names_stay_text_and_on_their_line() -> None:
    text = render_model_card(plausible_run.context(title=f"a | b\n# {EVIL}", allow_leak=EVIL))
    assert "<script" not in text
    assert text.splitlines()[0].startswith("# Model card: a \\| b # &lt;script")
