"""Somebody else's file: read without running it, and its own class names believed."""

import pytest
import torch
from foreign_files import CLASSES, described, saved, tiny
from safetensors.torch import save_file

from gyrus.errors import DataError, UsageError
from gyrus.exporting.foreign_file import classes_of, read_foreign

TABLES = {
    "classes": list(CLASSES),
    "class_names": list(CLASSES),
    "class_to_idx": {name: number for number, name in enumerate(CLASSES)},
    "idx_to_class": {str(number): name for number, name in enumerate(CLASSES)},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pth"


@pytest.mark.parametrize("name", TABLES)
def test_class_names_in_the_file_are_read_and_held_against_the_users(path, name):
    file = read_foreign(saved(tiny(), path, **{name: TABLES[name]}))
    assert file.classes == CLASSES
    assert classes_of(file, ()) == CLASSES == classes_of(file, CLASSES)
    with pytest.raises(UsageError, match="names in another order: pituitary, glioma, meningioma") as caught:
        classes_of(file, sorted(CLASSES))
    assert "--classes pituitary,glioma,meningioma" in caught.value.fix
    with pytest.raises(UsageError, match="names others"):
        classes_of(file, ("a", "b", "c"))


def test_class_names_beside_safetensors(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(tiny().state_dict(), path, metadata={"classes": '["b", "a", "c"]'})
    assert read_foreign(path).classes == ("b", "a", "c")


def test_a_class_table_with_a_gap_is_refused(path):
    with pytest.raises(DataError, match=r"numbers the outputs \[0, 2\]"):
        read_foreign(saved(tiny(), path, class_to_idx={"a": 0, "b": 2}))


def test_words_with_commas_or_blanks_are_the_same_classes(path):
    assert described(path, classes=("a, b,c",)).class_names == ("a", "b", "c")
    assert described(path, classes=("a", "b", "c")).class_names == ("a", "b", "c")


class Evil:
    def __reduce__(self):
        return print, ("this ran",)


def test_a_pickle_with_code_is_refused_and_not_run(path, capsys):
    torch.save({"state_dict": tiny().state_dict(), "hook": Evil()}, path)
    with pytest.raises(DataError, match="holds more than tensors") as caught:
        read_foreign(path)
    assert "state_dict" in caught.value.fix
    torch.save(tiny(), path)  # a whole model: its classes would be imported and run
    with pytest.raises(DataError, match="it is not opened"):
        read_foreign(path)
    assert "this ran" not in capsys.readouterr().out
