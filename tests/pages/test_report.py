"""The report: whole, self-contained, escaped, small, and honest in its first lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import plausible_run
import pytest
from page_checks import EVIL, checked, outside, words

from gyrus import errors
from gyrus.errors import MissingDependencyError, StorageError
from gyrus.pages import Example, write_report
from gyrus.pages.report import render_report
from gyrus.pages.sections_last import findings_table


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(plausible_run.context())


def test_it_is_one_balanced_document_without_script(page: str) -> None:
    checker = checked(page)
    assert page.startswith("<!doctype html>")
    assert {"html", "head", "body", "main", "svg", "table"} <= checker.names
    assert not {"script", "iframe", "object", "embed", "link", "form"} & checker.names
    assert checker.handlers == []


def test_ids_are_unique_and_links_lead_somewhere(page: str) -> None:
    checker = checked(page)
    assert len(checker.ids) == len(set(checker.ids))
    inner = [address[1:] for address in checker.fetched if address.startswith("#")]
    assert len(inner) > 8
    assert set(inner) <= set(checker.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(checker.ids)


def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    assert outside(page) == []
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", re.sub(r'"data:[^"]*"', "", page))


def test_markup_in_names_stays_text() -> None:
    classes = ("a<b>", "c&d", EVIL)
    evil = plausible_run.context(
        title=EVIL,
        config={EVIL: EVIL},
        environment={"command": ["gyrus", EVIL], "processor": EVIL, "packages": {EVIL: EVIL},
                     "time_utc": EVIL},
        audit={"verdict": "leaking", "sentence": EVIL,
               "findings": [{"kind": EVIL, "severity": EVIL, "message": EVIL, "rows": [EVIL],
                             "pairs": [plausible_run.pair(EVIL, EVIL, EVIL, EVIL, EVIL)]}]},
        allow_leak=EVIL,
        counts={"train": dict.fromkeys(classes, 3), EVIL: dict.fromkeys(classes, 1)},
        evaluations={"test": plausible_run.evaluation(classes)},
        examples=[Example(EVIL, EVIL, EVIL, "c&d", 0.9, 0.1, np.zeros((9, 9, 1), np.uint8), None)],
        skipped=[{"path": EVIL, "reason": EVIL}], notes=[EVIL], seconds={EVIL: 1.0},
    )  # fmt: skip
    written = render_report(evil)
    checker = checked(written)
    assert "script" not in checker.names
    assert checker.handlers == []
    assert "onerror=alert(2)" not in re.sub(r"&[a-z#0-9]+;[^<]*", "", written)
    assert "<script>alert" in "".join(checker.text)


def test_the_first_screen_says_what_matters_in_order(page: str) -> None:
    text = words(page)
    places = [text.index(part) for part in (
        "not a medical device",
        "Test and training are apart", "Test set looked at: once",
        "How often it is right on test images",
        "95 % interval", "Always answering “glioma” would be right in 25.0",
        "What it was trained and measured on",
        "Class by class", "What is taken for what", "How it learned", "Most confident errors",
        "Audit of the data",
        "gyrus train 'data/brain mri'",
    )]  # fmt: skip
    assert places == sorted(places)


def test_the_figures_are_those_of_the_evaluation(page: str) -> None:
    evaluation = plausible_run.evaluation()
    text = words(page).replace("\N{NO-BREAK SPACE}", " ")
    for name in plausible_run.CLASSES:
        figures = evaluation["per_class"][name]
        assert f"{100 * figures['sensitivity']['value']:.1f} %" in text
        assert f"{figures['roc_auc']['value']:.3f}" in text
    accuracy = evaluation["accuracy"]
    assert f"{100 * accuracy['value']:.1f} % of 480 test images of 48 patients" in text
    assert f"{100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f}" in text
    for row in evaluation["confusion_matrix"]:
        for count in row:
            assert f" {count} {100 * count / sum(row):.1f} %" in text


def test_a_leak_is_stamped_on_every_figure() -> None:
    text = words(
        render_report(
            plausible_run.context(
                audit={
                    "verdict": "leaking",
                    "sentence": "251 of 394 test images are copies.",
                    "findings": [],
                },
                allow_leak="to show what leakage does",
            )
        )
    )
    assert "The split leaks" in text
    assert "Every figure below is too good" in text
    assert "“to show what leakage does”" in text
    # headline, classes, one number, confusion, ROC and PR, reliability, patients
    assert text.count("leaking split") == 7
    assert text.index("The split leaks") < text.index("How often it is right")


def test_an_unknowable_split_is_said_first() -> None:
    text = words(
        render_report(
            plausible_run.context(audit={"verdict": "unknowable", "sentence": "No patient is known."})
        )
    )
    assert text.index("cannot be known") < text.index("How often it is right")
    assert "leaking split" not in text


def test_without_a_look_at_the_test_set_validation_is_called_optimistic() -> None:
    text = words(
        render_report(
            plausible_run.context(
                evaluations={"val": plausible_run.evaluation()}, test_looks=0, examples_split="val"
            )
        )
    )
    assert "This report has not looked at the test set, nor has anyone else" in text
    assert "the figure is optimistic" in text


def test_looks_of_other_runs_are_told_apart_from_this_report() -> None:
    measured = plausible_run.context(evaluations={"val": plausible_run.evaluation()}, test_looks=2)
    assert "This report has not looked at the test set; others have, 2 times so far" in words(
        render_report(measured)
    )


def test_many_looks_are_warned_about() -> None:
    assert "Test set looked at: 7 times so far" in words(render_report(plausible_run.context(test_looks=7)))


def test_undefined_figures_are_called_so() -> None:
    evaluation = plausible_run.evaluation()
    nothing = {"value": None, "low": None, "high": None, "method": ""}
    evaluation["accuracy"] = evaluation["per_class"]["glioma"]["roc_auc"] = nothing
    evaluation["roc"]["glioma"] = {"fpr": [], "tpr": [], "auc": None}
    text = words(render_report(plausible_run.context(evaluations={"test": evaluation})))
    assert "No interval could be computed" in text
    assert "n/a" in text


def test_a_bare_run_still_makes_a_page() -> None:
    from gyrus.pages import ReportContext

    text = words(render_report(ReportContext(title="bare")))
    assert "No audit was made" in text
    assert "cannot be known" in text


def test_many_classes_are_listed_instead_of_carpeted() -> None:
    classes = tuple(f"class-{i:03d}" for i in range(60))
    written = render_report(
        plausible_run.context(
            evaluations={"test": plausible_run.evaluation(classes, n=900, noise=3.0)}, counts={}, examples=()
        )
    )
    assert "most frequent of" in words(written)
    assert len(written.encode()) < 5_000_000


def test_it_stays_under_five_megabytes_when_everything_is_long() -> None:
    random = np.random.default_rng(0)
    noisy = [
        Example(f"{i}.png", "P", "glioma", "glioma", 0.9, 0.9,
                random.integers(0, 256, (256, 256, 3), dtype=np.uint8),
                random.random((14, 14)).astype(np.float32))
        for i in range(16)
    ]  # fmt: skip
    pairs = [plausible_run.pair(f"{i}.png", "test", f"{i}-copy.png", "train") for i in range(100_000)]
    long = plausible_run.context(
        examples=noisy, history=plausible_run.history(1000),
        skipped=[{"path": f"{i}.png", "reason": "cut"} for i in range(50_000)],
        audit={"verdict": "leaking", "sentence": "x",
               "findings": [{"kind": "k", "severity": "leak", "message": "m", "pairs": pairs, "rows": []}]},
    )  # fmt: skip
    written = render_report(long)
    assert len(written.encode()) < 5_000_000
    assert "and 99,900 more in audit.json" in written
    assert "and 49,900 more" in written


def test_the_same_context_gives_the_same_bytes(page: str) -> None:
    assert render_report(plausible_run.context()) == page


def test_text_in_plots_is_text_and_follows_the_page(page: str) -> None:
    svgs = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(svgs) == 5  # ROC, PR, reliability, loss, accuracy
    for svg in svgs:
        assert "currentColor" in svg
        assert "#010203" not in svg
        assert "#040506" not in svg
        assert "<text" in svg
        assert 'role="img"' in svg
        assert "DejaVu" not in re.sub(r"font[^;\"]*", "", svg)


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    write_report(plausible_run.context(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>\n")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        write_report(plausible_run.context(), tmp_path / "file" / "report.html")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(errors, "import_module", missing)
    with pytest.raises(MissingDependencyError) as caught:
        render_report(plausible_run.context())
    assert "gyrus[report]" in str(caught.value.fix)


def test_findings_show_kind_message_and_pairs() -> None:
    written = findings_table(plausible_run.context().audit["findings"])
    assert "glioma/x.jpg (test) = meningioma/y.jpg (test): identical pixels" in written
    assert "No patient, no copy" in findings_table([])
