import errno
import os

import pytest
import torch

from gyrus.errors import StorageError
from gyrus.training.checkpoints import AtomicCheckpointIO

IO = AtomicCheckpointIO()


def test_what_is_saved_is_loaded(tmp_path):
    IO.save_checkpoint({"state_dict": {"w": torch.arange(3)}, "epoch": 2}, tmp_path / "a" / "best.ckpt")
    content = IO.load_checkpoint(tmp_path / "a" / "best.ckpt")
    assert content["epoch"] == 2
    assert torch.equal(content["state_dict"]["w"], torch.arange(3))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["best.ckpt"]


def test_a_full_disk_leaves_the_former_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "best.ckpt"
    IO.save_checkpoint({"epoch": 1}, path)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        IO.save_checkpoint({"epoch": 2}, path)
    assert IO.load_checkpoint(path)["epoch"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["best.ckpt"]


def test_a_disk_that_returns_something_else_is_noticed(tmp_path, monkeypatch):
    from gyrus.training import checkpoints

    monkeypatch.setattr(checkpoints, "write_bytes", lambda path, data: path.write_bytes(data[:-1]))
    with pytest.raises(StorageError, match="reads back differently"):
        IO.save_checkpoint({"epoch": 1}, tmp_path / "best.ckpt")


def test_a_checkpoint_with_a_program_in_it_is_not_executed(tmp_path, monkeypatch):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    torch.save({"state_dict": {}, "trap": Trap()}, tmp_path / "bad.ckpt")
    with pytest.raises(Exception, match="Weights only load failed"):
        IO.load_checkpoint(tmp_path / "bad.ckpt", weights_only=False)
    assert not (tmp_path / "sprung").exists()


def test_removing_twice_is_no_error(tmp_path):
    IO.save_checkpoint({"epoch": 1}, tmp_path / "best.ckpt")
    IO.remove_checkpoint(tmp_path / "best.ckpt")
    IO.remove_checkpoint(tmp_path / "best.ckpt")
    assert list(tmp_path.iterdir()) == []
