import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from kept_cases import BLOBS, PICTURE, new_case

from gyrus.errors import DataError, NotFoundError, StorageError, UnavailableError
from gyrus.serving.store import CaseQuery, NewReview, Store, sqlite

WRITER = Path(__file__).with_name("writing_process.py")
ORPHAN = "ab" * 16


def folders(blobs):
    """Ids of the cases that have files."""
    return {path.name for path in blobs.glob("[0-9a-f][0-9a-f]/*")}


def all_cases(store):
    first = store.cases(CaseQuery(per_page=200))
    more = [store.cases(CaseQuery(per_page=200, page=page)) for page in range(2, first.pages + 1)]
    return [case for page in [first, *more] for case in page.items]


def assert_whole(store, blobs):
    """Every case has its files, as they were written; no file is without a case; nothing is unfinished."""
    kept = all_cases(store)
    for case in kept:
        assert {name: store.blob(case.id, name) for name in case.blobs} == BLOBS
    assert folders(blobs) == {case.id for case in kept}
    assert list((blobs / ".unfinished").iterdir()) == []


def kill_while_writing(url, blobs, lines, after_s):
    """Let a process write, kill it with SIGKILL a moment after some lines, and return what it had said."""
    command = [sys.executable, str(WRITER), url, str(blobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        heard = [writer.stdout.readline() for _ in range(lines)]
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)
        said = [line.split() for line in [*heard, *writer.stdout.read().splitlines()]]
    assert writer.returncode == -signal.SIGKILL
    return {word: {case_id for verb, case_id in said if verb == word} for word in ("kept", "deleted")}


def check_kills(url, blobs, moments):
    kept, deleted = set(), set()
    for moment in moments:
        said = kill_while_writing(url, blobs, 8, moment)
        kept |= said["kept"]
        deleted |= said["deleted"]
        store = Store.open(url, blobs)  # at once: the server may still be busy with the dead one's commit
        assert_whole(store, blobs)
        present = {case.id: case for case in all_cases(store)}
        store.close()
        assert kept <= set(present)
        assert not deleted & set(present)
        assert all(present[case_id].reviewed for case_id in kept)
    assert kept
    assert deleted


def test_a_killed_writer_loses_no_acknowledged_case_and_leaves_no_half(url, tmp_path):
    check_kills(url, tmp_path / "blobs", [0.003])


@pytest.mark.soak
def test_a_writer_killed_many_times(url, tmp_path):
    check_kills(url, tmp_path / "blobs", [0.0013 * number for number in range(25)])


def test_postgresql_away_and_back(cluster, tmp_path):
    store = Store.open(cluster.new_database(), tmp_path / "blobs")
    kept = store.add_case(new_case(), BLOBS)
    cluster.stop()
    try:
        for ask in (
            store.ready,
            lambda: store.case(kept.id),
            lambda: store.cases(CaseQuery()),
            lambda: store.add_case(new_case(), BLOBS),
            lambda: store.add_review(kept.id, NewReview(verdict="agree")),
            lambda: store.delete_case(kept.id),
        ):
            with pytest.raises(UnavailableError, match="the database does not answer"):
                ask()
    finally:
        cluster.start()
    store.ready()
    assert store.case(kept.id) == kept
    store.add_case(new_case(), BLOBS)
    assert_whole(store, tmp_path / "blobs")
    store.close()


def test_sessions_ended_by_the_server(cluster, tmp_path):
    store = Store.open(cluster.new_database(), tmp_path / "blobs")
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gyrus'")
    store.add_case(new_case(), BLOBS)  # on a new one; nobody notices
    store.close()


def test_an_sqlite_file_away_and_back(sqlite_store, tmp_path):
    kept = sqlite_store.add_case(new_case(), BLOBS)
    file, away = tmp_path / "gyrus.db", tmp_path / "away.db"
    file.rename(away)
    for ask in (sqlite_store.ready, lambda: sqlite_store.add_case(new_case(), BLOBS)):
        with pytest.raises(UnavailableError, match="does not answer"):
            ask()
    assert not file.exists()  # an empty one in its place would have taken cases that nobody finds again
    away.rename(file)
    sqlite_store.ready()
    assert sqlite_store.case(kept.id) == kept
    assert_whole(sqlite_store, tmp_path / "blobs")


def test_an_sqlite_file_exchanged_for_its_backup_is_opened_anew(sqlite_store, tmp_path):
    kept = sqlite_store.add_case(new_case(), BLOBS)
    with sqlite3.connect(tmp_path / "backup.db") as backup, sqlite3.connect(tmp_path / "gyrus.db") as source:
        source.backup(backup)
    backup.close()
    source.close()
    later = sqlite_store.add_case(new_case(), BLOBS)
    for left in ("gyrus.db-wal", "gyrus.db-shm"):
        (tmp_path / left).unlink()
    (tmp_path / "backup.db").replace(tmp_path / "gyrus.db")
    sqlite_store.ready()
    assert sqlite_store.case(kept.id) == kept
    with pytest.raises(NotFoundError):
        sqlite_store.case(later.id)


@pytest.mark.parametrize("committed", [True, False])
def test_silence_during_the_commit(store, tmp_path, monkeypatch, committed):
    dialect = store._database.backend.engine.dialect
    commit = dialect.do_commit

    def fall_silent(connection):
        if committed:
            commit(connection)
        if dialect.name == "sqlite":
            raise sqlite3.OperationalError("disk I/O error")
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", fall_silent)
        with pytest.raises(UnavailableError, match="the database does not answer"):
            store.add_case(new_case(), BLOBS)
    store.ready()
    assert len(all_cases(store)) == committed
    assert_whole(store, tmp_path / "blobs")


def test_an_error_before_the_commit_leaves_nothing(store, tmp_path, monkeypatch):
    monkeypatch.setattr("gyrus.serving.store.cases.find_case", lambda connection, case_id: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.add_case(new_case(), BLOBS)
    store.ready()
    assert all_cases(store) == []
    assert_whole(store, tmp_path / "blobs")


def test_a_database_that_another_process_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "WAIT_S", 0.05)
    store = Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "blobs")
    holder = sqlite3.connect(tmp_path / "gyrus.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="database is locked"):
        store.add_case(new_case(), BLOBS)
    assert store.cases(CaseQuery()).total == 0  # reading goes on
    holder.execute("ROLLBACK")
    holder.close()
    store.add_case(new_case(), BLOBS)
    assert_whole(store, tmp_path / "blobs")
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk: mounting one needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(store):
    """Keep cases until the disk is full; return the ids of those that were kept."""
    kept = []

    def keep_on():
        for _ in range(500):
            kept.append(store.add_case(new_case(evidence={"task": "classify", "much": "x" * 5000}), BLOBS).id)

    with pytest.raises(StorageError, match="nothing was half done"):
        keep_on()
    return kept


def test_a_full_disk(small_disk):
    store = Store.open(f"sqlite:///{small_disk}/gyrus.db", small_disk / "blobs")
    kept = fill(store)
    assert len(kept) > 5
    with pytest.raises(StorageError):  # and again
        store.add_case(new_case(evidence={"much": "x" * 50000}), BLOBS)
    assert {case.id for case in all_cases(store)} == set(kept)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    store.ready()
    assert_whole(store, small_disk / "blobs")
    kept.append(store.add_case(new_case(), BLOBS).id)
    store.close()
    store = Store.open(f"sqlite:///{small_disk}/gyrus.db", small_disk / "blobs")
    assert {case.id for case in all_cases(store)} == set(kept)
    store.close()


def test_a_full_disk_for_the_images_alone(small_disk, url):
    store = Store.open(url, small_disk / "blobs")
    with pytest.raises(StorageError, match="No space left on device"):
        store.add_case(new_case(), {"original": b"x" * 2**22})
    store.add_case(new_case(), BLOBS)
    assert_whole(store, small_disk / "blobs")
    store.close()


def test_a_full_disk_at_the_server(cluster, tmp_path):
    store = Store.open(cluster.new_database(), tmp_path / "blobs")
    with store._database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON cases FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    with pytest.raises(StorageError, match="could not extend file"):
        store.add_case(new_case(), BLOBS)
    with store._database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER full_disk ON cases")
    store.ready()
    assert folders(tmp_path / "blobs") == set()
    store.add_case(new_case(), BLOBS)
    assert_whole(store, tmp_path / "blobs")
    store.close()


def test_a_start_sweeps_what_no_case_has(url, tmp_path):
    blobs = tmp_path / "blobs"
    store = Store.open(url, blobs)
    kept = store.add_case(new_case(), BLOBS)
    store.close()
    shutil.copytree(blobs / kept.id[:2] / kept.id, blobs / ORPHAN[:2] / ORPHAN)
    (blobs / ".unfinished" / ORPHAN).mkdir()
    (blobs / "notes.txt").write_text("the operator's own")
    store = Store.open(url, blobs)
    assert_whole(store, blobs)
    assert (blobs / "notes.txt").exists()
    store.close()


def test_beside_another_process_only_what_is_old_is_swept(sqlite_store, tmp_path):
    blobs, young = tmp_path / "blobs", "cd" * 16
    for name in (ORPHAN, young):
        (blobs / name[:2] / name).mkdir(parents=True)
    os.utime(blobs / ORPHAN[:2] / ORPHAN, (0, 0))
    Store.open(f"sqlite:///{tmp_path}/gyrus.db", blobs).close()  # the first one is still open
    assert folders(blobs) == {young}


def test_a_damaged_file_is_not_shown(store, tmp_path):
    kept = store.add_case(new_case(), BLOBS)
    path = tmp_path / "blobs" / kept.id[:2] / kept.id / kept.blobs["original"].file
    path.write_bytes(PICTURE[:-1] + b"x")
    with pytest.raises(StorageError, match="was altered or damaged on disk"):
        store.blob(kept.id, "original")
    path.unlink()
    with pytest.raises(NotFoundError, match="the file of this case is gone"):
        store.blob(kept.id, "original")


def test_another_store_s_folder_is_refused_and_not_swept(url, tmp_path):
    for name in ("mine", "other"):
        store = Store.open(url if name == "mine" else f"sqlite:///{tmp_path}/other.db", tmp_path / name)
        store.add_case(new_case(), BLOBS)
        store.close()
    with pytest.raises(DataError, match="not of this one"):
        Store.open(url, tmp_path / "other")
    with pytest.raises(DataError, match="does not hold their files"):
        Store.open(url, tmp_path / "empty")
    with pytest.raises(DataError, match="not of this one"):
        Store.open(f"sqlite:///{tmp_path}/new.db", tmp_path / "mine")
    assert len(folders(tmp_path / "mine")) == len(folders(tmp_path / "other")) == 1


def test_a_folder_that_cannot_be_written(sqlite_store, tmp_path):
    shutil.rmtree(tmp_path / "blobs")
    with pytest.raises(StorageError, match="gone or cannot be written"):
        sqlite_store.ready()
    with pytest.raises(StorageError, match="nothing was half done"):
        sqlite_store.add_case(new_case(), BLOBS)
    assert all_cases(sqlite_store) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "file")
    with pytest.raises(StorageError, match="cannot be made or opened"):
        Store.open(f"sqlite:///{tmp_path}/file/gyrus.db", tmp_path / "blobs")


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "gyrus.db").write_text("a text that is long enough to be taken for a header" * 10)
    with pytest.raises(UnavailableError, match="file is not a database"):
        Store.open(f"sqlite:///{tmp_path}/gyrus.db", tmp_path / "blobs")


def test_files_that_cannot_be_deleted_are_told_and_deleted_by_a_second_try(store, tmp_path, monkeypatch):
    kept = store.add_case(new_case(), BLOBS)

    def refuse(folder):
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(StorageError, match="Operation not permitted"):
            store.delete_case(kept.id)
    with pytest.raises(NotFoundError):
        store.case(kept.id)
    store.delete_case(kept.id)
    assert_whole(store, tmp_path / "blobs")
    with pytest.raises(NotFoundError):
        store.delete_case(kept.id)
