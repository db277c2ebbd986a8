import pytest

from gyrus.errors import StorageError, UsageError
from gyrus.runs import RunFolder, next_run_folder


def test_numbers_count_on(tmp_path):
    first = next_run_folder(tmp_path / "runs", "resnet50")
    second = next_run_folder(tmp_path / "runs", "resnet50")
    assert (first.path.name, second.path.name) == ("resnet50-1", "resnet50-2")
    assert first.create().checkpoints.is_dir()
    assert first.ledger == second.ledger


def test_gaps_are_not_filled_and_other_names_do_not_count(tmp_path):
    for name in ("net-7", "net-x", "internet-9"):
        (tmp_path / name).mkdir()
    assert next_run_folder(tmp_path, "net").path.name == "net-8"


def test_a_run_is_never_overwritten(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.gyrus").write_bytes(b"mine")
    with pytest.raises(UsageError, match="never overwritten"):
        RunFolder(tmp_path / "run").create()


def test_a_file_in_the_way_is_a_storage_error(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(StorageError):
        next_run_folder(tmp_path / "runs", "net")
