"""Options of evaluate that need reading."""

from pathlib import Path

import pytest

from gyrus.config import EvaluateConfig
from gyrus.errors import UsageError


def test_prevalences_by_class():
    config = EvaluateConfig(source=Path("p.csv"), prevalence=("glioma=0.02, no = tumor=0.5", "x=1e-3"))
    assert config.prevalences == {"glioma": 0.02, "no = tumor": 0.5, "x": 0.001}
    assert EvaluateConfig(source=Path("p.csv")).prevalences == {}


@pytest.mark.parametrize("text", ["glioma", "=0.1", "glioma=often", "glioma="])
def test_what_is_no_prevalence_is_refused(text):
    with pytest.raises(UsageError, match="expected CLASS=SHARE"):
        EvaluateConfig(source=Path("p.csv"), prevalence=(text,))


@pytest.mark.parametrize(
    "option", [{"on": "name"}, {"subject_folder": True}, {"task": "multilabel"}, {"join_classes": ("a=b",)}]
)
def test_how_data_are_read_is_idle_without_data(option):
    (name,) = option
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} cannot be used without DATA"):
        EvaluateConfig(source=Path("run"), **option)
    EvaluateConfig(source=Path("run"), data=Path("images"), **option)
