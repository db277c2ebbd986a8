import hashlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from kept_cases import BLOBS, PICTURE, new_case

from gyrus.errors import (
    ConflictError,
    DataError,
    MissingDependencyError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from gyrus.serving.store import CaseQuery, CaseSummary, NewCase, NewReview, Store
from gyrus.serving.store import store as store_module

NO_ID = "0" * 32


def test_a_case_comes_back_as_it_was_kept(store):
    evidence = {
        "task": "classify",
        "nan": float("nan"),
        "odd": "\0 é 脳 \ud800",
        "deep": [{"a": 1.5}, None, True],
    }
    new = new_case(
        evidence=evidence, outcome="referred", label=None, probability=None, reason="near: 脳", name="ü.png"
    )
    before = datetime.now(UTC)
    kept = store.add_case(new, BLOBS)
    assert store.case(kept.id) == kept
    for field in fields(NewCase):
        if field.name != "evidence":
            assert getattr(kept, field.name) == getattr(new, field.name)
    assert kept.evidence == {**evidence, "nan": None}
    assert (kept.version, kept.review, kept.reviewed) == (1, None, False)
    assert before <= kept.created <= datetime.now(UTC)
    assert kept.created.tzinfo == UTC
    assert {name: store.blob(kept.id, name) for name in kept.blobs} == BLOBS
    assert kept.blobs["original"].sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_a_picture_is_found_without_its_cases_evidence(sqlite_store):
    kept = sqlite_store.add_case(new_case(evidence={"long": "x" * 100_000}), BLOBS)
    asked = []
    engine = sqlite_store._database.backend.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *what: asked.append(what[2]))
    assert sqlite_store.blob(kept.id, "original") == PICTURE
    assert any("blobs" in statement for statement in asked)
    assert not any("evidence" in statement for statement in asked)


NO_CASES = (
    NO_ID, "", "..", "../../etc/passwd", "0" * 31 + "G", "' OR 1=1 --", "0" * 33, "\0" * 32, "٠" * 32,
)  # fmt: skip


def test_what_is_no_case_is_not_found(sqlite_store):
    for case_id in NO_CASES:
        for ask in (
            sqlite_store.case,
            sqlite_store.reviews,
            sqlite_store.delete_case,
            lambda case_id: sqlite_store.add_review(case_id, NewReview(verdict="agree")),
            lambda case_id: sqlite_store.blob(case_id, "original"),
        ):
            with pytest.raises(NotFoundError, match="there is no case"):
                ask(case_id)


def test_a_file_that_a_case_does_not_have(store):
    kept = store.add_case(new_case(), BLOBS)
    with pytest.raises(NotFoundError, match="no such file"):
        store.blob(kept.id, "../store-id")


def test_lists_are_filtered_and_paged_the_newest_first(store):
    kept = [store.add_case(new_case(label=label), {}) for label in ("glioma", "pituitary") * 3]
    refused = store.add_case(new_case(label=None, outcome="refused", reason="is not a brain MRI"), {})
    store.add_review(
        kept[0].id, NewReview(verdict="other", label="meningioma", comment="Rim of 100 %", reviewer="ab")
    )
    newest_first = [case.id for case in [*kept, refused]][::-1]

    def ids(**wanted):
        return [case.id for case in store.cases(CaseQuery(**wanted)).items]

    assert ids() == newest_first
    page = store.cases(CaseQuery(page=2, per_page=3))
    assert ([case.id for case in page.items], page.total, page.pages) == (newest_first[3:6], 7, 3)
    assert type(page.items[0]) is CaseSummary
    assert store.cases(CaseQuery(page=9)).items == ()
    assert ids(label="pituitary") == [kept[n].id for n in (5, 3, 1)]
    assert ids(outcome="refused") == [refused.id]
    assert ids(reviewed=True) == [kept[0].id]
    assert len(ids(reviewed=False)) == 6
    assert store.cases(CaseQuery(reviewed=True)).items[0].review.label == "meningioma"
    assert ids(since=kept[4].created) == newest_first[:3]
    assert ids(until=kept[2].created) == newest_first[5:]
    elsewhere = kept[4].created.astimezone(timezone(timedelta(hours=9)))
    assert ids(since=elsewhere, label="glioma") == [kept[4].id]
    assert ids(since=kept[4].created.replace(tzinfo=None)) == newest_first[:3]


def test_search_takes_every_letter_for_itself(store):
    kept = store.add_case(new_case(label="50%_x", name="Scan A.png"), {})
    other = store.add_case(new_case(label="glioma", image_sha256="e" * 64), {})
    store.add_review(other.id, NewReview(verdict="agree", comment="Rim 'of'; \\ fat"))
    store.add_review(other.id, NewReview(verdict="agree", comment="later"))

    def ids(text):
        return {case.id for case in store.cases(CaseQuery(text=text)).items}

    assert ids("0%_") == ids("scan a") == ids(kept.id[:12].upper()) == {kept.id}
    assert ids("%") == {kept.id}
    assert ids("'of'; \\") == ids("LATER") == ids("e" * 20) == {other.id}  # also what an earlier review said
    assert ids("_l") == ids("x' OR '1'='1") == set()
    assert ids(" ") == {kept.id, other.id}


def test_reviews_are_a_trail_and_the_last_one_counts(store):
    kept = store.add_case(new_case(), BLOBS)
    assert store.reviews(kept.id) == ()
    first = store.add_review(
        kept.id, NewReview(verdict="other", label="pituitary", comment="a\nb", reviewer="Dr. ß")
    )
    second = store.add_review(kept.id, NewReview(verdict="agree"), expected_version=2)
    assert store.reviews(kept.id) == (first, second)
    case = store.case(kept.id)
    assert (case.version, case.review, case.true_label, case.evidence) == (3, second, "glioma", kept.evidence)
    assert (first.version, first.label, first.comment, first.reviewer) == (2, "pituitary", "a\nb", "Dr. ß")


def test_a_review_of_a_former_version_is_refused_and_leaves_nothing(store):
    kept = store.add_case(new_case(), {})
    store.add_review(kept.id, NewReview(verdict="agree"), expected_version=1)
    with pytest.raises(ConflictError, match="has version 2; the review is of version 1"):
        store.add_review(kept.id, NewReview(verdict="unusable"), expected_version=1)
    assert store.case(kept.id).version == 2
    assert len(store.reviews(kept.id)) == 1


def test_a_deleted_case_is_gone_with_all_that_belonged_to_it(store, tmp_path):
    kept, other = (store.add_case(new_case(), BLOBS, idempotency=(key, "r")) for key in "ab")
    store.add_review(kept.id, NewReview(verdict="agree"))
    store.delete_case(kept.id)
    with pytest.raises(NotFoundError):
        store.case(kept.id)
    assert store.former(("a", "r")) is None
    assert [case.id for case in store.cases(CaseQuery()).items] == [other.id]
    assert {path.parent.name for path in (tmp_path / "blobs").rglob("*.png")} == {other.id}
    assert list((tmp_path / "blobs" / ".unfinished").iterdir()) == []


def test_the_same_request_gets_the_same_case(store, monkeypatch):
    kept = store.add_case(new_case(), BLOBS, idempotency=("key", "request"))
    assert store.add_case(new_case(label="pituitary"), {}, idempotency=("key", "request")) == kept
    assert store.former(("key", "request")) == kept
    assert store.former(None) is None
    with pytest.raises(ConflictError, match="another request"):
        store.add_case(new_case(), BLOBS, idempotency=("key", "another"))
    monkeypatch.setattr(store_module, "KEY_LIFETIME", timedelta(0))
    again = store.add_case(new_case(), BLOBS, idempotency=("key", "another"))
    assert again.id != kept.id
    assert store.cases(CaseQuery()).total == 2


def test_a_key_that_is_none(sqlite_store):
    for key in ("", "a\0b", "x" * 256, "line\nend"):
        with pytest.raises(DataError, match="idempotency key"):
            sqlite_store.add_case(new_case(), {}, idempotency=(key, "request"))


def test_the_same_request_at_the_same_time_is_one_case(store, tmp_path):
    together = threading.Barrier(8)

    def send(_):
        together.wait()
        return store.add_case(new_case(), BLOBS, idempotency=("key", "request")).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(send, range(8)))
    assert len(ids) == 1
    assert store.cases(CaseQuery()).total == 1
    assert {path.parent.name for path in (tmp_path / "blobs").rglob("*.png")} == ids


def test_fifty_writers_at_once_lose_nothing(store):
    shared = store.add_case(new_case(), {})
    together = threading.Barrier(50)

    def write(number):
        together.wait()
        own = store.add_case(new_case(label=f"class{number}"), {"original": PICTURE})
        store.add_review(shared.id, NewReview(verdict="agree", reviewer=str(number)))
        store.add_review(own.id, NewReview(verdict="unusable"), expected_version=1)
        return store.case(own.id).label

    with ThreadPoolExecutor(50) as pool:
        labels = set(pool.map(write, range(50)))
    assert labels == {f"class{number}" for number in range(50)}
    assert store.cases(CaseQuery()).total == 51
    trail = store.reviews(shared.id)
    assert [review.version for review in trail] == list(range(2, 52))
    assert {review.reviewer for review in trail} == {str(number) for number in range(50)}


def test_of_fifty_reviewers_who_saw_the_same_one_wins(store):
    shared = store.add_case(new_case(), {})
    together = threading.Barrier(50)

    def review(number):
        together.wait()
        try:
            return store.add_review(
                shared.id, NewReview(verdict="agree", reviewer=str(number)), expected_version=1
            )
        except ConflictError:
            return None

    with ThreadPoolExecutor(50) as pool:
        won = [review for review in pool.map(review, range(50)) if review is not None]
    assert store.reviews(shared.id) == tuple(won)
    assert len(won) == 1


def test_the_store_is_there_again_after_closing(url, tmp_path):
    first = Store.open(url, tmp_path / "blobs")
    kept = first.add_case(new_case(), BLOBS)
    first.close()
    again = Store.open(url, tmp_path / "blobs")
    again.ready()
    assert again.case(kept.id) == kept
    assert again.blob(kept.id, "original") == PICTURE
    again.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d", "nonsense", "", "sqlite:///x.db?mode=ro"],
)
def test_urls_that_cannot_be_used(url, tmp_path):
    with pytest.raises(UsageError, match="write sqlite:///PATH") as caught:
        Store.open(url, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path):
    with pytest.raises(UnavailableError, match="does not answer") as caught:
        Store.open("postgresql://gyrus:secret@127.0.0.1:1/cases", tmp_path / "blobs")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert not (tmp_path / "blobs").exists()


def test_without_psycopg_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gyrus\[postgres\]'"):
        Store.open("postgres://gyrus@127.0.0.1:1/cases", tmp_path / "blobs")


def test_files_are_for_the_service_alone(sqlite_store, tmp_path):
    sqlite_store.add_case(new_case(), BLOBS)
    modes = {
        path.name: path.stat().st_mode & 0o077 for path in tmp_path.rglob("*") if path.name != "store-id"
    }
    assert modes.pop("blobs") == 0
    assert set(modes.values()) == {0}, modes
