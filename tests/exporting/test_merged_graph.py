"""One graph from a bundle: what it takes, what it gives, and that it needs no torch."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import tiny_bundle
from gyrus.bundles import decode_bundle, encode_bundle
from gyrus.errors import ExportError, MissingDependencyError
from gyrus.exporting.agreement import check_agreement
from gyrus.exporting.merged_graph import merged_graph
from gyrus.exporting.sides import by_bundle, by_merged_graph, pair
from gyrus.inference import Predictor

FIGURES = {name: {"value": 0.5, "low": 0.4, "high": 0.6, "method": "none"} for name in ("log_loss", "ece")}
MEASURED = {
    "fitted_on": {"split": "cal", "images": 9, "subjects": 3, "fingerprint": None},
    "before": FIGURES,
    "after": FIGURES,
}
TEMPERATURE = {"method": "temperature", "temperature": 2.5, **MEASURED}
VECTOR = {"method": "vector", "scale": [0.5, 1, 2, 1], "bias": [0, 0.5, -1, 0], **MEASURED}


def bundle_with(**card):
    return decode_bundle(encode_bundle(tiny_bundle.members(), {**tiny_bundle.card(), **card}))


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 1), dtype=np.uint8)


@pytest.mark.parametrize("calibration", [None, TEMPERATURE, VECTOR], ids=["plain", "temperature", "vector"])
@pytest.mark.parametrize("size", [(32, 32), (71, 45), (19, 200)])
def test_it_answers_as_the_bundle_at_any_size(calibration, size):
    bundle = bundle_with(calibration=calibration)
    graph = onnxruntime.InferenceSession(merged_graph(bundle), providers=["CPUExecutionProvider"])
    pixels = image(*size)
    got = dict(
        zip([value.name for value in graph.get_outputs()], graph.run(None, {"image": pixels}), strict=True)
    )
    (wanted,) = Predictor(bundle).predict([pixels])
    assert list(got) == ["probabilities", "logits", "embedding", "maps"]
    np.testing.assert_allclose(got["probabilities"][0], wanted.probabilities, atol=1e-6)
    for name in ("logits", "embedding", "maps"):
        np.testing.assert_allclose(got[name][0], getattr(wanted, name), rtol=1e-4, atol=1e-5)


def test_several_classes_an_image_get_a_sigmoid_each():
    card = tiny_bundle.card(task="multilabel")
    bundle = decode_bundle(encode_bundle(tiny_bundle.members(), card))
    images = [image(40, 50, seed) for seed in range(5)]
    sides = pair(by_bundle(bundle), by_merged_graph(merged_graph(bundle)))
    assert check_agreement(sides, images, task="multilabel").max_probability_difference < 1e-6
    assert by_bundle(bundle)(images).sum(axis=1).max() != pytest.approx(1)


def test_it_says_whose_it_is_and_what_it_leaves_out():
    bundle = bundle_with(calibration=TEMPERATURE)
    data = merged_graph(bundle)
    assert data == merged_graph(bundle)
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert about["bundle"] == bundle.digest
    assert about["classes"] == '["glioma", "meningioma", "no_tumor", "pituitary"]'
    assert "not a medical device" in about["intended_use"]
    assert about["not_in_this_file"] == "[]"
    assert [entry.domain for entry in model.opset_import] == [""]
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (source,), (first, *_) = session.get_inputs(), session.get_outputs()
    assert (source.name, source.type, source.shape) == ("image", "tensor(uint8)", ["height", "width", 1])
    assert (first.name, first.shape) == ("probabilities", [1, 4])


def test_without_the_onnx_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match="onnx is not installed") as caught:
        merged_graph(bundle_with())
    assert "gyrus[train]" in caught.value.fix


def test_graphs_that_do_not_fit_together_are_refused():
    bundle = bundle_with()
    bundle.members["network.onnx"] = bundle.members["preprocess.onnx"]
    with pytest.raises(ExportError, match="cannot be merged"):
        merged_graph(bundle)


PROGRAM = """
import sys
sys.modules.update(torch=None, torchvision=None, timm=None, lightning=None)
import gyrus
print(gyrus.export("model.gyrus", to="onnx").to_text())
"""


def test_a_bundle_becomes_one_graph_without_torch(tmp_path):
    (tmp_path / "model.gyrus").write_bytes(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "20 synthetic slices answered as the bundle's two graphs do" in done.stdout
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"))


def test_a_difference_is_refused_and_told():
    bundle = bundle_with()
    other = bundle_with(calibration=TEMPERATURE)
    with pytest.raises(ExportError, match="on 3 of 3 images") as caught:
        check_agreement(
            pair(by_bundle(bundle), by_merged_graph(merged_graph(other))),
            [image(30, 30, s) for s in range(3)],
        )
    assert caught.value.exit_code == 5
