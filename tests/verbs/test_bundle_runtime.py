"""``gyrus bundle verify`` in the runtime that will answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gyrus
import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.errors import UsageError
from gyrus.inference import make_self_test


@pytest.fixture
def path(tmp_path: Path) -> Path:
    members, card = tiny_bundle.members(), tiny_bundle.card()
    images = {"phantom-0": np.full((50, 40, 1), 90, np.uint8)}
    tests = make_self_test(card, members["preprocess.onnx"], members["network.onnx"], images)
    write_bundle(tmp_path / "model.gyrus", {**members, **tests}, card)
    return tmp_path / "model.gyrus"


def test_the_self_test_runs_where_it_is_asked_for(path: Path) -> None:
    pytest.importorskip("openvino")
    result = gyrus.bundle("verify", path, runtime="openvino", threads=1)
    assert result.to_json()["self_test"]["runtime"] == "openvino"
    assert "1 images answered by openvino; largest difference of a logit" in result.to_text()


@pytest.mark.parametrize("options", [{"runtime": "openvino"}, {"device": "cpu"}, {"threads": 2}])
def test_what_runs_no_graph_takes_no_runtime(path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="info runs no graph"):
        gyrus.bundle("info", path, **options)
