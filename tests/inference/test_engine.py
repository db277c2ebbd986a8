"""What computes a bundle's graphs: the same answers from each, and never another than was asked for."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

import tiny_bundle
from gyrus.bundles import Bundle, decode_bundle, encode_bundle
from gyrus.errors import BundleError, MissingDependencyError, UsageError
from gyrus.inference import Predictor, self_test
from gyrus.inference.engine import make_engine, make_network
from gyrus.inference.openvino_network import shared_core
from gyrus.inference.runtime import Graph, _options

# float32 sums in another order
CLOSE = 1e-4


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))


@pytest.fixture(scope="module")
def images() -> list[npt.NDArray[np.uint8]]:
    random = np.random.default_rng(5)
    return [random.integers(0, 256, (40 + 9 * i, 70 - 5 * i, 1), dtype=np.uint8) for i in range(7)]


@pytest.fixture(scope="module")
def openvino() -> Any:
    return pytest.importorskip("openvino", reason="the extra [openvino] is not installed")


def test_onnxruntime_on_the_processor_is_the_default(bundle: Bundle) -> None:
    engine = make_engine(bundle, threads=1)
    assert (engine.runtime, engine.device, engine.threads) == ("onnxruntime", "cpu", 1)


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_openvino_answers_as_onnxruntime_does(
    openvino: Any, bundle: Bundle, images: list[npt.NDArray[np.uint8]], batch_size: int
) -> None:
    expected = Predictor(bundle, 1).predict(images, batch_size)
    predictor = Predictor(bundle, 1, runtime="openvino")
    assert (predictor.runtime, predictor.device) == ("openvino", "cpu")
    answers = predictor.predict(images, batch_size) + predictor.predict(
        images[:3], 3
    )  # a larger, a smaller batch
    for answer, other in zip(answers, expected + expected[:3], strict=True):
        np.testing.assert_allclose(answer.logits, other.logits, atol=CLOSE)
        assert answer.embedding is not None
        assert answer.maps is not None
        assert other.maps is not None
        np.testing.assert_allclose(answer.embedding, other.embedding, atol=CLOSE)
        np.testing.assert_allclose(answer.maps, other.maps, atol=CLOSE)


def test_all_runtimes_see_the_same_pixels(
    openvino: Any, bundle: Bundle, images: list[npt.NDArray[np.uint8]]
) -> None:
    """OpenVINO's own resize ignores antialiasing: it must not be the one that is used."""
    exact, other = Predictor(bundle, 1), Predictor(bundle, 1, runtime="openvino")
    for pixels in images:
        np.testing.assert_array_equal(exact.squares(pixels), other.squares(pixels))


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_network_for_several_callers_answers_as_the_other_does(
    runtime: Any, bundle: Bundle, images: list[npt.NDArray[np.uint8]]
) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    alone = Predictor(bundle, 2, runtime=runtime)
    predictor = alone.for_callers(2)
    assert (predictor.runtime, predictor.device, predictor.threads) == (runtime, "cpu", 1)
    expected = alone.predict(images)
    with ThreadPoolExecutor(3) as pool:
        answers = [answer for (answer,) in pool.map(predictor.predict, [[pixels] for pixels in images] * 5)]
    for answer, other in zip(answers, expected * 5, strict=True):
        np.testing.assert_allclose(answer.logits, other.logits, atol=CLOSE)


def test_openvino_computes_for_as_many_callers_as_were_told(openvino: Any, bundle: Bundle) -> None:
    """By itself it makes one stream: a server's second core stood idle."""

    def settings(callers: int, threads: int) -> tuple[int, int]:
        network = make_network(bundle, threads=threads, runtime="openvino", device="cpu", callers=callers)
        compiled = network._compiled  # type: ignore[attr-defined]
        return compiled.get_property("NUM_STREAMS"), compiled.get_property("INFERENCE_NUM_THREADS")

    assert settings(callers=1, threads=2) == (1, 2)
    assert settings(callers=2, threads=1) == (2, 2)


def test_what_a_caller_was_given_is_not_overwritten_by_the_next_run(openvino: Any, bundle: Bundle) -> None:
    network = make_engine(bundle, threads=1, runtime="openvino").network
    random = np.random.default_rng(0)
    first, second = (random.normal(size=(1, 1, 32, 32)).astype(np.float32) for _ in range(2))
    given = network.run(first)
    kept = {name: values.copy() for name, values in given.items()}
    network.run(second)
    for name, values in given.items():
        np.testing.assert_array_equal(values, kept[name])


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_one_predictor_serves_several_threads(
    runtime: Any, bundle: Bundle, images: list[npt.NDArray[np.uint8]]
) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    predictor = Predictor(bundle, 1, runtime=runtime)
    alone = [predictor.predict([pixels])[0].logits for pixels in images]
    with ThreadPoolExecutor(4) as pool:
        asked = [index % len(images) for index in range(60)]
        together = list(pool.map(lambda index: predictor.predict([images[index]])[0].logits, asked))
    for index, logits in zip(asked, together, strict=True):
        np.testing.assert_allclose(logits, alone[index], atol=1e-6)


def test_bf16_answers_nearly_so_and_only_where_the_processor_knows_it(
    openvino: Any, bundle: Bundle, images: list[npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "BF16" in shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        coarse = Predictor(bundle, 1, runtime="openvino-bf16")
        expected = Predictor(bundle, 1).predict(images)
        for answer, other in zip(coarse.predict(images), expected, strict=True):
            np.testing.assert_allclose(answer.probabilities, other.probabilities, atol=0.1)
            assert not np.array_equal(answer.logits, other.logits)
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8"])
    with pytest.raises(UsageError, match="FP32, INT8, not with bf16"):
        Predictor(bundle, 1, runtime="openvino-bf16")


def test_openvino_that_is_not_installed_is_named_with_its_extra(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not there
    with pytest.raises(MissingDependencyError, match="openvino is not installed") as caught:
        Predictor(bundle, 1, runtime="openvino")
    assert caught.value.fix == "pip install 'gyrus[openvino]'"


def test_a_gpu_that_is_not_there_is_refused_and_not_replaced(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UsageError, match="this onnxruntime has CPUExecutionProvider") as caught:
        Predictor(bundle, device="cuda")
    assert "onnxruntime-gpu" in str(caught.value.fix)


def test_a_gpu_whose_libraries_do_not_load_is_refused(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime itself goes on with the processor then."""
    plain = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda data, sess_options, providers: plain(data, sess_options, ["CPUExecutionProvider"]),
    )
    with pytest.raises(UsageError, match="its libraries do not load"):
        Predictor(bundle, 1, device="cuda")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"runtime": "tensorrt"}, "runtime is 'tensorrt'; expected one of auto, onnxruntime"),
        ({"device": "gpu"}, "device is 'gpu'; expected one of auto, cpu, cuda"),
        ({"runtime": "openvino", "device": "cuda"}, "computes on the processor"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_what_does_not_exist_is_refused(bundle: Bundle, options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        Predictor(bundle, **options)


def test_a_graph_that_is_no_network_is_refused_by_openvino_too(openvino: Any, bundle: Bundle) -> None:
    members = {**bundle.members, "network.onnx": bundle.members["preprocess.onnx"]}
    swapped = Bundle(card=bundle.card, members=members, digest="")
    with pytest.raises(BundleError, match=r"member network\.onnx has inputs \['image'\]"):
        Predictor(swapped, 1, runtime="openvino")
    broken = {**bundle.members, "network.onnx": b"no graph"}
    with pytest.raises(BundleError, match="cannot be loaded by OpenVINO") as caught:
        Predictor(Bundle(card=bundle.card, members=broken, digest=""), 1, runtime="openvino")
    assert "onnxruntime" in str(caught.value.fix)


def test_an_input_of_another_size_is_refused_by_openvino(openvino: Any, bundle: Bundle) -> None:
    network = make_engine(bundle, threads=1, runtime="openvino").network
    with pytest.raises(BundleError, match=r"failed in OpenVINO on an input of shape \(1, 1, 8, 8\)"):
        network.run(np.zeros((1, 1, 8, 8), np.float32))
    fine = network.run(np.zeros((1, 1, 32, 32), np.float32))  # it still serves the next caller
    assert fine["logits"].shape == (1, 4)


def test_warming_up_changes_no_answer(bundle: Bundle, images: list[npt.NDArray[np.uint8]]) -> None:
    cold, warm = Predictor(bundle, 1), Predictor(bundle, 1)
    warm.warm_up(3)
    np.testing.assert_array_equal(cold.predict(images[:1])[0].logits, warm.predict(images[:1])[0].logits)


def test_threads_spin_shortly_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    options = _options(2)
    assert options.intra_op_num_threads == 2
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert int(options.get_session_config_entry("session.intra_op.spin_duration_us")) <= 50
    monkeypatch.setattr(onnxruntime, "__version__", "1.20.1")
    assert _options(2).get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_bundle_is_verified_in_the_runtime_that_will_answer(openvino: Any) -> None:
    from gyrus.inference import make_self_test

    members, card = tiny_bundle.members(), tiny_bundle.card()
    images = {"phantom-0": np.full((50, 40, 1), 90, np.uint8)}
    tests = make_self_test(card, members["preprocess.onnx"], members["network.onnx"], images)
    whole = decode_bundle(encode_bundle({**members, **tests}, card))
    outcome = self_test(whole, 1, runtime="openvino")
    assert (outcome.cases, outcome.runtime, outcome.of) == (1, "openvino", "logit")
    assert outcome.worst <= CLOSE
    other = {**members, **tests, "network.onnx": tiny_bundle.network_model(seed=9)}
    wrong = decode_bundle(encode_bundle(other, card))
    with pytest.raises(BundleError, match="answers 1 of 1 of its own test images differently here") as caught:
        self_test(wrong, 1, runtime="openvino")
    assert "another version of openvino" in str(caught.value.fix)


def test_a_graph_runs_alone() -> None:
    graph = Graph(tiny_bundle.network_model(), name="n", source="pixels", results=["logits"], threads=1)
    assert set(graph.run(np.zeros((2, 1, 32, 32), np.float32))) == {"logits"}
