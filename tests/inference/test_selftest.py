"""A bundle can tell whether it still answers as it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny_bundle
from gyrus.bundles import canonical_json, decode_bundle, encode_bundle, write_bundle
from gyrus.errors import BundleError
from gyrus.inference import make_self_test, self_test, verify


def complete(tmp_path: Path, network: bytes | None = None) -> Path:
    """A bundle whose self-test was made by the ordinary network."""
    members, card = tiny_bundle.members(), tiny_bundle.card()
    random = np.random.default_rng(1)
    images = {f"phantom-{i}": random.integers(0, 256, (60, 50, 1), dtype=np.uint8) for i in range(3)}
    tests = make_self_test(card, members["preprocess.onnx"], members["network.onnx"], images)
    assert sorted(tests) == ["selftest/expected.json", *(f"selftest/phantom-{i}.png" for i in range(3))]
    if network is not None:
        members["network.onnx"] = network
    path = tmp_path / "model.gyrus"
    write_bundle(path, {**members, **tests}, card)
    return path


def test_the_same_network_passes(tmp_path: Path) -> None:
    bundle, outcome = verify(complete(tmp_path))
    assert outcome.cases == 3
    assert outcome.worst <= 1e-4
    assert bundle.card["architecture"] == "simple_cnn"


def test_another_network_is_noticed(tmp_path: Path) -> None:
    path = complete(tmp_path, network=tiny_bundle.network_model(seed=9))
    with pytest.raises(BundleError, match="answers 3 of 3 of its own test images differently") as caught:
        verify(path)
    assert [line.split(":")[0] for line in caught.value.details] == [
        f"selftest/phantom-{i}.png" for i in range(3)
    ]


def test_a_bundle_without_a_self_test_says_so() -> None:
    bundle = decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    assert self_test(bundle).cases == 0


@pytest.mark.parametrize(
    "expected",
    [{"cases": []}, {"tolerance": 0.1, "cases": [{"file": "selftest/none.png", "logits": [0, 0, 0, 0]}]},
     {"tolerance": 0.1, "cases": [{"file": "network.onnx", "logits": [0]}]},
     [], {"tolerance": 1, "cases": [3]}],
)  # fmt: skip
def test_damaged_expectations_are_refused(expected: object) -> None:
    members = {**tiny_bundle.members(), "selftest/expected.json": canonical_json.dump(expected)}
    bundle = decode_bundle(encode_bundle(members, tiny_bundle.card()))
    with pytest.raises(BundleError, match=r"selftest/expected\.json"):
        self_test(bundle)
