"""What notebooks show: figures by name, results as small HTML."""

from __future__ import annotations

import plausible_run
from page_checks import EVIL, checked, words

from gyrus.pages import report_figures
from gyrus.pages.notebook import figures_table, findings_list, place, verdict_box


def test_figures_come_by_name_and_only_with_their_numbers() -> None:
    figures = report_figures(plausible_run.context())
    assert {"loss", "accuracy", "roc"} <= set(figures)
    assert all(figure.axes for figure in figures.values())
    assert report_figures(plausible_run.context(history=[], evaluations={})) == {}


def test_a_result_is_small_balanced_html_with_its_figures() -> None:
    context = plausible_run.context()
    page = verdict_box("leaking", EVIL) + figures_table(context.evaluations) + place("report", EVIL)
    assert "script" not in checked(page).names
    text = words(page)
    assert "The split leaks" in text
    accuracy = context.evaluations["test"]["accuracy"]["value"]
    assert f"test 480 48 {100 * accuracy:.1f} %" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert len(page) < 5000


def test_findings_as_a_table_or_nothing() -> None:
    found = [{"severity": "leak", "kind": "pixels_across_splits", "message": "3 pairs"}]
    assert "leak pixels across splits 3 pairs" in words(findings_list(found))
    assert findings_list([]) == ""
    assert figures_table({}) == ""
