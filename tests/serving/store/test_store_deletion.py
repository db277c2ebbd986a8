"""Deleted means gone: no byte of it is left in the files of the store."""

import sqlite3

import pytest
from kept_cases import BLOBS, new_case

from gyrus.serving.store import NewReview, Store, sqlite

SECRETS = (b"reason-of-patient-7", b"comment-of-patient-7", b"evidence-of-patient-7", b"file-of-patient-7")


def kept_with_secrets(store):
    reason, comment, evidence, file = (secret.decode() for secret in SECRETS)
    others = [store.add_case(new_case(evidence={"much": "y" * 3000}), BLOBS) for _ in range(3)]
    case = store.add_case(
        new_case(reason=reason, name=file, evidence={"task": "classify", "text": evidence * 500}),
        {**BLOBS, "more": b"blob-of-patient-7"},
        idempotency=("key-of-patient-7", "request"),
    )
    store.add_review(case.id, NewReview(verdict="agree", comment=comment))
    store.add_review(others[0].id, NewReview(verdict="agree", comment="stays"))
    return case


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_byte_is_left_on_the_disk(sqlite_store, tmp_path):
    case = kept_with_secrets(sqlite_store)
    planted = (*SECRETS, b"blob-of-patient-7", case.id.encode())
    before = bytes_of(tmp_path)
    assert [secret for secret in planted if secret not in before] == []
    assert b"key-of-patient-7" not in before  # not even while the case is there
    sqlite_store.delete_case(case.id)
    left = bytes_of(tmp_path)
    assert [secret for secret in planted if secret in left] == []
    assert b"stays" in left
    assert not list(tmp_path.rglob(f"*{case.id}*"))


def test_who_reads_at_that_time_does_not_keep_it_for_ever(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sqlite, "_WAIT_TO_ERASE_MS", 50)
    store = Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "blobs")
    case = kept_with_secrets(store)
    reader = sqlite3.connect(tmp_path / "gyrus.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM cases").fetchone()
    with caplog.at_level("INFO", logger="gyrus"):
        store.delete_case(case.id)
    assert "holds deleted rows while others read it" in caplog.text
    reader.execute("ROLLBACK")
    reader.close()
    store.close()
    Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "blobs").close()
    assert [secret for secret in SECRETS if secret in bytes_of(tmp_path)] == []


@pytest.mark.parametrize("table", ["cases", "contents", "reviews", "request_keys"])
def test_no_row_is_left_at_the_server(cluster, tmp_path, table):
    url = cluster.new_database()
    store = Store.open(url, tmp_path / "blobs")
    store.delete_case(kept_with_secrets(store).id)
    with store._database.reading() as connection:
        rows = [str(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
    assert not any("patient-7" in row for row in rows)
    assert len(rows) == {"cases": 3, "contents": 3, "reviews": 1, "request_keys": 0}[table]
    store.close()
