"""The key of patient hashes: made once, for the user alone."""

import os
import stat
import threading

import pytest

from gyrus.errors import StorageError
from gyrus.imaging.patient_key import KEY_NAME, keyed_hash, patient_key


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GYRUS_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_it_is_made_once_and_kept(folder):
    key = patient_key()
    assert len(key) == 32
    assert patient_key() == key
    assert [path.name for path in folder.iterdir()] == [KEY_NAME]
    if os.name == "posix":
        assert stat.S_IMODE((folder / KEY_NAME).stat().st_mode) == 0o600


def test_many_at_once_make_one(folder):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(patient_key())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
def test_one_that_others_can_read_is_refused(folder):
    patient_key()
    (folder / KEY_NAME).chmod(0o644)
    with pytest.raises(StorageError, match="can be read by others"):
        patient_key()


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_one_that_is_none_is_never_replaced(folder, text):
    folder.mkdir()
    (folder / KEY_NAME).write_text(text)
    (folder / KEY_NAME).chmod(0o600)
    with pytest.raises(StorageError, match="holds no key"):
        patient_key()
    assert (folder / KEY_NAME).read_text() == text


def test_a_folder_that_cannot_be(folder):
    folder.write_text("a file")
    with pytest.raises(StorageError, match="cannot be read or made"):
        patient_key()


def test_hashes():
    one = keyed_hash(b"k" * 32, "patient", "0815")
    assert len(one) == 16
    assert one == keyed_hash(b"k" * 32, "patient", "0815")
    assert len({one, keyed_hash(b"q" * 32, "patient", "0815"), keyed_hash(b"k" * 32, "study", "0815")}) == 3
