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
