"""``gyrus export`` of a trained run: every form answers all of its validation images as the network does."""

import numpy as np
import onnxruntime
import pytest

import gyrus
from gyrus.data import read_manifest
from gyrus.errors import DataError
from gyrus.inference import Predictor
from gyrus.runs import RunFolder

from .conftest import gyrus as as_process

FORMS = ["bundle", "onnx", "torchscript", "state-dict", pytest.param("torch-export", marks=pytest.mark.soak)]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_in_every_form(trained, tmp_path, form):
    result = gyrus.export(trained.run, to=form, out=tmp_path / "out")
    count = len(read_manifest(RunFolder(trained.run).manifest).select("val"))
    assert (result.parity.images, result.parity.of) == (count, "validation images")
    assert result.parity.max_probability_difference < 1e-4
    if form == "bundle":
        assert (tmp_path / "out").read_bytes() == RunFolder(trained.run).bundle.read_bytes()


def test_the_one_graph_answers_as_the_bundle_at_two_sizes(trained, tmp_path):
    gyrus.export(trained.run, to="onnx", out=tmp_path / "model.onnx")
    graph = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    predictor = Predictor.load(RunFolder(trained.run).bundle)
    for size in ((37, 120), (201, 64)):
        pixels = np.random.default_rng(0).integers(0, 256, (*size, 1), dtype=np.uint8)
        got = graph.run(["probabilities", "logits"], {"image": pixels})
        (wanted,) = predictor.predict([pixels])
        np.testing.assert_allclose(got[1][0], wanted.logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            got[0], predictor.decision.probabilities(got[1]), atol=1e-6
        )  # the calibration that the card brings is in the graph


def test_a_run_without_its_checkpoint_names_what_is_still_possible(trained, tmp_path):
    copy = RunFolder(tmp_path / "run").create()
    for name in ("config.json", "manifest.csv", "model.gyrus"):
        (copy.path / name).write_bytes((trained.run / name).read_bytes())
    with pytest.raises(DataError, match="no checkpoint any more") as caught:
        gyrus.export(copy.path, to="torchscript")
    assert "--to onnx" in caught.value.fix


def test_without_the_extra_it_is_named(trained, tmp_path):
    (tmp_path / "base").mkdir()
    for source in (trained.run, trained.run / "model.gyrus"):
        done = as_process(
            "export", source, "--to", "onnx", "--out", tmp_path / "x.onnx", base=tmp_path / "base"
        )
        assert done.returncode == 6, done.stderr
        assert "gyrus[train]" in done.stderr
    assert not (tmp_path / "x.onnx").exists()
