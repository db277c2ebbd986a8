"""Every runtime on every slice of the Cheng set: how far apart they are, held against what is promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gyrus import box
from gyrus.errors import UsageError
from gyrus.inference import Predictor
from gyrus.inference.selftest import COARSE_PROBABILITY

pytestmark = pytest.mark.soak

# float32 in another order of summing, through 50 layers
LARGEST_OF_F32 = 1e-4
# docs/reference/runtimes.md: with 8 significant bits a class may change where two are about as probable
UNDECIDED_MARGIN = 0.3


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "cheng" / "images").glob("*.jpg"))


@pytest.fixture(scope="module")
def model() -> Path:
    try:
        return box.path()
    except UsageError:
        pytest.skip("no model in the box (make box)")


@pytest.fixture(scope="module")
def expected(model: Path, files: list[Path]) -> npt.NDArray[np.float64]:
    assert len(files) == 3064
    return asked(model, files, "onnxruntime")


def asked(model: Path, files: list[Path], runtime: Any) -> npt.NDArray[np.float64]:
    predictor = Predictor.load(model, runtime=runtime)
    return np.stack([answer.probabilities for answer in predictor.stream(files)])  # type: ignore[union-attr]


def test_openvino_in_f32_answers_every_slice_as_onnxruntime_does(
    model: Path, files: list[Path], expected: npt.NDArray[np.float64]
) -> None:
    pytest.importorskip("openvino")
    answers = asked(model, files, "openvino")
    assert np.abs(answers - expected).max() <= LARGEST_OF_F32
    np.testing.assert_array_equal(answers.argmax(axis=1), expected.argmax(axis=1))


def test_openvino_in_bf16_stays_within_what_is_promised(
    model: Path, files: list[Path], expected: npt.NDArray[np.float64]
) -> None:
    pytest.importorskip("openvino")
    try:
        answers = asked(model, files, "openvino-bf16")
    except UsageError as error:
        pytest.skip(error.message)
    ranked = np.sort(expected, axis=1)
    flipped = answers.argmax(axis=1) != expected.argmax(axis=1)
    assert np.abs(answers - expected).max() <= COARSE_PROBABILITY
    assert (ranked[flipped, -1] - ranked[flipped, -2] <= UNDECIDED_MARGIN).all()
