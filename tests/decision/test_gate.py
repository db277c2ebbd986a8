"""The gate as a whole: from a bundle and back, and what must never pass."""

import numpy as np
import pytest

from gyrus.bundles import decode_arrays, encode_arrays
from gyrus.decision.brain_mri import BrainMri, brain_mri_of, shipped, thumbnail
from gyrus.decision.distribution import Distribution
from gyrus.decision.gate import Gate, decodable
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import BundleError, ImageError
from gyrus.phantom import Phantom, generate
from gyrus.phantom.foreign import FOREIGN, foreign_image


def whole() -> Gate:
    neighbours = np.eye(4, dtype=np.float32)
    fitted = {"false_refusals": 0.01, "fitted_on": {"split": "cal", "images": 9, "subjects": None}}
    return Gate(shipped(), Distribution("knn", -0.5, {"neighbours": neighbours}), fitted)


def stored(gate: Gate) -> tuple[dict, dict]:
    return {"gate": gate.to_card()}, decode_arrays(encode_arrays(gate.to_arrays()), name="gate.npz")


def test_without_a_gate_nothing_is_found() -> None:
    gate = Gate.from_bundle({"gate": None}, None)
    assert not gate.present
    assert gate.looks(np.zeros((4, 4), np.uint8)) is None
    assert gate.within(None, np.zeros((2, 3), np.float32)) == []
    assert gate.to_card() is None
    assert gate.to_arrays() is None


def test_there_and_back() -> None:
    gate = Gate.from_bundle(*stored(whole()))
    assert gate.to_card() == whole().to_card()
    pixels = foreign_image("noise", 0)
    assert gate.looks(pixels) == whole().looks(pixels)
    embedding = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    assert gate.within(embedding, np.zeros((3, 2))) == whole().within(embedding, np.zeros((3, 2)))


@pytest.mark.parametrize("spoil", [
    lambda card, arrays: ({"gate": None}, arrays),
    lambda card, arrays: (card, None),
    lambda card, arrays: ({"gate": {**card["gate"], "version": 2}}, arrays),
    lambda card, arrays: (card, {k: v for k, v in arrays.items() if k != "brain_mri_conv1_bias"}),
    lambda card, arrays: (card, {**arrays, "brain_mri_last_bias": arrays["brain_mri_last_bias"] + 9}),
    lambda card, arrays: (card, {**arrays, "brain_mri_conv1_weight": np.zeros((5, 5, 3, 3), np.float32)}),
    lambda card, arrays: (card, {k: v for k, v in arrays.items() if k != "distribution_neighbours"}),
    lambda card, arrays: (card, {**arrays, "distribution_more": np.zeros(3, np.float32)}),
    lambda card, arrays: (card, {**arrays, "distribution_neighbours": np.zeros((0, 4), np.float32)}),
    lambda card, arrays: _changed(card, "distribution", method="guess"),
    lambda card, arrays: _changed(card, "distribution", threshold=float("-inf")),
    lambda card, arrays: _changed(card, "distribution", threshold=None),
    lambda card, arrays: _changed(card, "brain_mri", threshold=True),
])  # fmt: skip
def test_a_gate_that_does_not_fit_is_refused_not_passed_over(spoil) -> None:
    card, arrays = stored(whole())
    spoilt = spoil(card, arrays)
    with pytest.raises(BundleError):
        Gate.from_bundle(spoilt[0], arrays if len(spoilt) == 1 else spoilt[1])


def _changed(card, step, **fields):
    return ({"gate": {**card["gate"], step: {**card["gate"][step], **fields}}},)


@pytest.mark.parametrize("name", ["variances", "rest_variance"])
def test_a_variance_of_zero_is_refused(name) -> None:
    arrays = {
        "means": np.zeros((1, 3), np.float32), "axes": np.eye(3, dtype=np.float32)[:2],
        "variances": np.ones(2, np.float32), "rest_variance": np.ones(1, np.float32),
    }  # fmt: skip
    gate = Gate(None, Distribution("mahalanobis", -1.0, {**arrays, name: arrays[name] * 0}), {})
    with pytest.raises(BundleError, match="variance that is not above zero"):
        Gate.from_bundle(*stored(gate))


@pytest.mark.parametrize("kind", ["blank", "noise", "gradient", "text", "screenshot", "trunk"])
def test_foreign_images_are_no_brain_mri(kind) -> None:
    findings = [shipped().find(foreign_image(kind, 7, number)) for number in range(12)]
    assert sum(not finding.passed for finding in findings) >= 11
    assert findings[0].step == "brain_mri"


def test_the_phantom_looks_like_a_brain_mri() -> None:
    slices = list(generate(Phantom(subjects=8, slices_per_subject=1, image_size=128, seed=77)))
    assert all(shipped().find(item.pixels).passed for item in slices)


def test_grey_in_one_channel_or_three_is_the_same() -> None:
    pixels = next(iter(generate(Phantom(subjects=1, image_size=64)))).pixels
    one, three = pixels[:, :, None], np.repeat(pixels[:, :, None], 3, axis=2)
    assert shipped().find(pixels) == shipped().find(one) == shipped().find(three)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1, 3), (2, 2, 1)])
def test_odd_sizes_have_a_thumbnail(shape) -> None:
    small = thumbnail(np.full(shape, 200, np.uint8))
    assert small.shape == (48, 48)
    assert np.isfinite(small).all()
    assert not shipped().find(np.full(shape, 200, np.uint8)).passed


def test_the_network_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    weights = shipped().weights
    asked = np.random.default_rng(0).random((3, 48, 48)).astype(np.float32)
    values = torch.from_numpy(asked)[:, None]
    for layer in range(3):
        weight = torch.from_numpy(weights[f"conv{layer}_weight"])
        bias = torch.from_numpy(weights[f"conv{layer}_bias"])
        side = weight.shape[2]
        values = torch.relu(torch.nn.functional.conv2d(values, weight, bias, stride=2, padding=side // 2))
    flat = values.permute(0, 2, 3, 1).reshape(3, -1)
    hidden = torch.relu(
        flat @ torch.from_numpy(weights["hidden_weight"]).T + torch.from_numpy(weights["hidden_bias"])
    )
    last = hidden @ torch.from_numpy(weights["last_weight"]).T + torch.from_numpy(weights["last_bias"])
    np.testing.assert_allclose(shipped().scores(asked), last[:, 0].numpy(), rtol=1e-4, atol=1e-4)


def test_a_score_that_is_no_number_does_not_pass() -> None:
    weights = {name: value * np.float32("nan") for name, value in shipped().weights.items()}
    assert not BrainMri(weights, -1e9).find(foreign_image("text", 0)).passed


def test_arrays_of_a_single_layer_are_refused() -> None:
    with pytest.raises(BundleError, match="has no array"):
        brain_mri_of({"conv0_weight": np.zeros((1, 1, 3, 3))}, 0.0)


def test_an_undecodable_file_is_a_finding() -> None:
    assert decodable(None).passed
    finding = decodable(ImageError("is no image", path="a.txt"))
    assert (finding.step, finding.passed, finding.reason) == ("decodable", False, "is no image")
    assert finding.to_json()["score"] is None


def test_findings_in_json_have_finite_numbers_only() -> None:
    finding = GateFinding("distribution", False, float("-inf"), 1.5, "is unlike")
    assert finding.to_json() == {
        "step": "distribution", "passed": False, "score": None, "threshold": 1.5, "reason": "is unlike",
    }  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_images_are_the_same_each_time_and_of_the_size_asked(kind) -> None:
    first = foreign_image(kind, 3, 1, side_px=80)
    assert first.shape == (80, 80, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, foreign_image(kind, 3, 1, side_px=80))
    assert foreign_image(kind, 3, 2).shape != (0, 0, 3)
