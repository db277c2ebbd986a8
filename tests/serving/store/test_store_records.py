from datetime import datetime, timedelta, timezone

import pytest
from kept_cases import BLOBS, new_case

from gyrus.errors import DataError
from gyrus.serving.store import CaseQuery, NewReview


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"verdict": "perhaps"}, "expected one of agree, other, redraw, unusable"),
        ({"verdict": "other"}, "needs the right class"),
        ({"verdict": "other", "label": ""}, "needs the right class"),
        ({"verdict": "agree", "label": "glioma"}, "takes no label"),
        ({"verdict": "other", "label": "=1+1"}, "a label must not begin with"),
        ({"verdict": "other", "label": "x" * 201}, "label has 201 characters"),
        ({"verdict": "other", "label": "two\nlines"}, "label holds control characters"),
        ({"verdict": "agree", "comment": "x" * 4001}, "comment has 4001"),
        ({"verdict": "agree", "comment": "a\0b"}, "comment holds control"),
        ({"verdict": "agree", "comment": "\ud800"}, "comment holds control"),
        ({"verdict": "agree", "comment": "\x1b[2J"}, "comment holds control"),
        ({"verdict": "agree", "reviewer": "a\r\nb"}, "reviewer holds control"),
    ],
)
def test_reviews_that_are_none(fields, words):
    with pytest.raises(DataError, match=words):
        NewReview(**fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))},
            "since is in the year 1; expected",
        ),
        ({"until": datetime.max}, "until is in the year 9999"),
        ({"page": 0}, "page is 0"),
        ({"page": 10**10}, "page is"),
        ({"per_page": 0}, "per_page is 0; expected 1 to 200"),
        ({"per_page": 201}, "per_page is 201"),
        ({"outcome": "lost"}, "expected one of answered, referred, refused"),
        ({"text": "x" * 201}, "text has 201"),
        ({"text": "a\0"}, "text holds control"),
        ({"label": "a\0"}, "label holds control"),
    ],
)
def test_queries_that_are_none(fields, words):
    with pytest.raises(DataError, match=words):
        CaseQuery(**fields)


def test_a_file_name_that_would_forge_a_log_line():
    with pytest.raises(DataError, match="the file's name holds control characters"):
        new_case(name="a\nb.png")


def test_a_comment_may_have_several_lines():
    assert NewReview(verdict="agree", comment="a\r\n\tb").comment == "a\r\n\tb"


@pytest.mark.parametrize(
    ("task", "verdict", "fits"),
    [
        ("classify", "other", True), ("classify", "redraw", False), ("multilabel", "redraw", False),
        ("segment", "other", False), ("segment", "redraw", True), ("segment", "agree", True),
        ("", "other", True),
    ],
)  # fmt: skip
def test_a_verdict_fits_what_was_answered(sqlite_store, task, verdict, fits):
    case = sqlite_store.add_case(new_case(evidence={"model": {"task": task}, "predictions": []}), BLOBS)
    review = NewReview(verdict=verdict, label="glioma" if verdict == "other" else None)
    if fits:
        assert sqlite_store.add_review(case.id, review).verdict == verdict
    else:
        with pytest.raises(DataError, match="does not fit"):
            sqlite_store.add_review(case.id, review)
        assert sqlite_store.case(case.id).version == 1
