import errno
import json
import os

import pytest

from gyrus.errors import StorageError
from gyrus.runs.atomic import atomic_writer, to_json, write_bytes, write_json


def test_a_full_disk_leaves_the_former_file(tmp_path, monkeypatch):
    path = tmp_path / "model.gyrus"
    write_bytes(path, b"former")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        write_bytes(path, b"newer and longer")
    assert caught.value.path == str(path)
    assert path.read_bytes() == b"former"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.gyrus"]


def test_a_real_full_device_is_named(tmp_path):
    """A file-size limit of the process makes the kernel itself refuse the write."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    path = tmp_path / "big.bin"
    write_bytes(path, b"former")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError):
            write_bytes(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"former"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_of_the_writer_leaves_nothing(tmp_path):
    def write_half():
        with atomic_writer(tmp_path / "a") as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file is a file, not a folder") as caught:
        write_bytes(tmp_path / "file" / "below", b"")
    assert "fix:" in str(caught.value)
    with pytest.raises(StorageError, match="file is a file, not a folder"):
        write_bytes(tmp_path / "file" / "further" / "below", b"")


def test_a_folder_where_a_file_is_wanted(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        write_bytes(tmp_path / "folder", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_json_is_strict_and_takes_numpy(tmp_path):
    numpy = pytest.importorskip("numpy")
    write_json(tmp_path / "a.json", {"nan": float("nan"), "array": numpy.arange(3), 1: numpy.float32(0.5)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"nan": None, "array": [0, 1, 2], "1": 0.5}
    assert to_json({"a": float("inf")}, indent=None) == '{"a": null}'
