import multiprocessing
import os

import pytest

from gyrus.errors import StorageError
from gyrus.runs import count_looks, record_look


def test_looks_are_counted_by_fingerprint(tmp_path):
    ledger = tmp_path / "test-ledger.jsonl"
    assert count_looks(ledger, "a") == 0
    assert record_look(ledger, "a", "run-1") == 1
    assert record_look(ledger, "b", "run-2") == 1
    assert record_look(ledger, "a", "run-3") == 2


def test_a_torn_line_counts_as_a_look(tmp_path):
    ledger = tmp_path / "test-ledger.jsonl"
    record_look(ledger, "a", "run-1")
    with ledger.open("a") as stream:
        stream.write('{"fingerp\n')
    assert count_looks(ledger, "a") == 2


def test_a_look_after_a_line_that_was_cut_off_counts_too(tmp_path):
    ledger = tmp_path / "test-ledger.jsonl"
    record_look(ledger, "a", "run-1")
    with ledger.open("a") as stream:
        stream.write('{"fingerp')
    assert record_look(ledger, "a", "run-2") == 3


def test_a_line_that_does_not_fit_on_the_disk_is_no_record(tmp_path, monkeypatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:10]))
    with pytest.raises(StorageError, match="No space left"):
        record_look(tmp_path / "test-ledger.jsonl", "a", "run")


def test_looks_at_once_all_count(tmp_path):
    ledger = tmp_path / "test-ledger.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=record_look, args=(ledger, "a", str(n))) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert count_looks(ledger, "a") == 4


def test_a_look_that_cannot_be_recorded_is_refused(tmp_path):
    (tmp_path / "dir").mkdir()
    with pytest.raises(StorageError, match="recorded"):
        record_look(tmp_path / "dir", "a", "run")
