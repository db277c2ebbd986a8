"""From a bundle to answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import Bundle, read_bundle, write_bundle
from gyrus.errors import BundleError, ImageError, UsageError
from gyrus.imaging import Decoded, byte_hash, read_image
from gyrus.inference import Predictor
from gyrus.inference.prediction import Prediction, softmax

CLASSES = tiny_bundle.CLASSES


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    return path


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor.load(bundle)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Nine pictures of nine sizes."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(3)
    paths = []
    for index in range(9):
        pixels = random.integers(0, 256, size=(40 + 7 * index, 90 - 5 * index), dtype=np.uint8)
        paths.append(folder / f"scan-{index}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def answer_by_hand(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Logits through a bare ONNX Runtime, without our code."""
    import onnxruntime

    members = tiny_bundle.members()
    ready = onnxruntime.InferenceSession(members["preprocess.onnx"]).run(None, {"image": pixels})[0]
    logits: npt.NDArray[np.float32] = onnxruntime.InferenceSession(members["network.onnx"]).run(
        ["logits"], {"pixels": ready}
    )[0][0]
    return logits


def test_answers_are_those_of_the_graphs(predictor: Predictor, files: list[Path]) -> None:
    for path, answer in zip(files, predictor.predict(files, batch_size=4), strict=True):
        pixels = read_image(path)
        logits = answer_by_hand(pixels)
        np.testing.assert_allclose(answer.logits, logits, atol=1e-5)
        np.testing.assert_allclose(answer.probabilities, softmax(logits), atol=1e-6)
        assert answer.name == str(path)
        assert answer.sha256 == byte_hash(path.read_bytes())
        assert (answer.height_px, answer.width_px) == pixels.shape[:2]
        assert answer.label == CLASSES[int(np.argmax(logits))]
        assert answer.confidence == pytest.approx(answer.probabilities.max())
        assert answer.seconds > 0


@pytest.mark.parametrize("batch_size", [1, 2, 3, 9, 100])
@pytest.mark.parametrize("threads", [1, 3])
def test_batches_and_threads_change_nothing(
    bundle: Path, files: list[Path], batch_size: int, threads: int
) -> None:
    reference = Predictor.load(bundle, threads=1).predict(files, batch_size=1)
    answers = Predictor.load(bundle, threads=threads).predict(files, batch_size=batch_size)
    assert [answer.name for answer in answers] == [str(path) for path in files]
    for answer, other in zip(answers, reference, strict=True):
        np.testing.assert_allclose(answer.logits, other.logits, atol=1e-5)


def test_pixels_are_answered_like_their_file(predictor: Predictor, files: list[Path]) -> None:
    pixels = read_image(files[0])
    from_file, from_pixels, from_plane = predictor.predict([files[0], pixels, pixels[:, :, 0]])
    np.testing.assert_array_equal(from_file.logits, from_pixels.logits)
    np.testing.assert_array_equal(from_file.logits, from_plane.logits)
    assert (from_pixels.name, from_pixels.sha256) == ("image-1", "")


def test_what_reading_left_out_is_said(predictor: Predictor, files: list[Path], tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((20, 20), value, np.uint8)) for value in (10, 90, 200)]
    frames[0].save(tmp_path / "stack.tiff", save_all=True, append_images=frames[1:])
    plain, stack = predictor.predict([files[0], tmp_path / "stack.tiff"])
    assert plain.notes == ()
    assert stack.notes == ("holds 3 frames; the first is read",)
    assert stack.to_json()["notes"] == list(stack.notes)


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert predictor.predict_files([]) == ([], [])


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((4, 4), np.float32),
        np.zeros((4,), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_pixels_of_another_kind_are_refused(predictor: Predictor, pixels: Any) -> None:
    with pytest.raises(ImageError, match=r"expected uint8 \(height, width, 1\)"):
        predictor.predict([pixels])


def test_good_files_are_answered_and_bad_ones_named(
    predictor: Predictor, files: list[Path], tmp_path: Path
) -> None:
    empty, text, absent = tmp_path / "empty.png", tmp_path / "text.jpg", tmp_path / "absent.png"
    empty.touch()
    text.write_text("not an image", encoding="utf-8")
    truncated = tmp_path / "cut.png"
    truncated.write_bytes(files[1].read_bytes()[:200])
    mixed = [empty, files[0], text, files[1], absent, truncated, files[2], tmp_path]
    for batch_size in (1, 2, 16):
        predictions, failures = predictor.predict_files(mixed, batch_size=batch_size)
        assert [answer.name for answer in predictions] == [str(path) for path in files[:3]]
        assert [failure.path for failure in failures] == [empty, text, absent, truncated, tmp_path]
        assert all(str(failure.path) in str(failure.error) for failure in failures)
    with pytest.raises(ImageError) as caught:
        predictor.predict(mixed)
    assert caught.value.path == str(empty)


def test_a_reader_that_stops_early_is_not_kept_waiting(predictor: Predictor, files: list[Path]) -> None:
    asked: list[Path] = []

    def endless() -> Any:
        while True:
            asked.append(files[0])
            yield files[0]

    stream = predictor.stream(endless(), batch_size=2)
    for _ in range(4):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(asked) <= 4 + 2 * 2 + 2


def test_heat_maps_add_up_to_the_logits(predictor: Predictor, files: list[Path]) -> None:
    """exact: the mean of a class's map, plus the bias, is its logit."""
    answers = predictor.predict(files[:4])
    biases = np.array(
        [answer.logits - answer.maps.mean(axis=(1, 2)) for answer in answers if answer.maps is not None]
    )
    assert biases.shape == (4, len(CLASSES))
    np.testing.assert_allclose(biases, np.broadcast_to(biases[0], biases.shape), atol=1e-4)
    answer = answers[0]
    assert answer.maps is not None
    np.testing.assert_array_equal(answer.heat(), answer.maps[CLASSES.index(answer.label)])
    np.testing.assert_array_equal(answer.heat("pituitary"), answer.maps[3])
    with pytest.raises(UsageError, match="'tumour' is none of"):
        answer.heat("tumour")


def test_without_maps_and_embedding_there_are_none(tmp_path: Path, files: list[Path]) -> None:
    path = tmp_path / "plain.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card(maps="none", embedding=False))
    answer = Predictor.load(path).predict([files[0]])[0]
    assert answer.maps is None
    assert answer.embedding is None
    assert answer.heat() is None


def test_json_has_every_class_by_name(predictor: Predictor, files: list[Path]) -> None:
    record = predictor.predict([files[0]])[0].to_json()
    assert list(record["probabilities"]) == list(CLASSES)
    assert sum(record["probabilities"].values()) == pytest.approx(1)
    assert record["prediction"] in CLASSES
    assert predictor.predict([read_image(files[0])])[0].to_json()["sha256"] is None


def test_an_unknown_reading_policy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card(reading_policy="grey16/3"))
    with pytest.raises(BundleError, match="policy 'grey16/3'") as caught:
        Predictor.load(path)
    assert "update gyrus" in str(caught.value.fix)
    assert caught.value.path == str(path)


def test_an_earlier_reading_policy_is_followed(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one knew no window that a file states: it took the darkest and the brightest grey level."""
    ramp = np.linspace(0, 4000, 64 * 64).reshape(64, 64).astype(np.uint16)
    scan = Decoded(ramp, "DICOM", "MONOCHROME2", window=(0.0, 1000.0))
    monkeypatch.setattr("gyrus.inference.predictor.decode", lambda data, *, name, limits: scan)
    read = {}
    for policy in ("grey8/1", "grey8/2"):
        path = tmp_path / f"{policy[-1]}.gyrus"
        write_bundle(path, tiny_bundle.members(), tiny_bundle.card(reading_policy=policy))
        answer = next(Predictor.load(path).stream(files[:1], keep_pixels=True))
        assert isinstance(answer, Prediction)
        assert answer.pixels is not None
        read[policy] = float((answer.pixels == 255).mean())
    assert read["grey8/1"] < 0.01
    assert read["grey8/2"] == pytest.approx(0.75, abs=0.01)


def test_a_card_that_counts_other_classes_is_noticed(files: list[Path]) -> None:
    """Also where a graph declares too little for the bundle's own check to see it."""
    card = tiny_bundle.card(classes=("a", "b", "c"))
    with pytest.raises(BundleError, match=r"logits of shape \(1, 4\); expected \(1, 3\)"):
        Predictor(Bundle(card, tiny_bundle.members(), digest="")).predict([files[0]])


def test_swapped_graphs_are_noticed() -> None:
    members = tiny_bundle.members()
    members["preprocess.onnx"], members["network.onnx"] = members["network.onnx"], members["preprocess.onnx"]
    with pytest.raises(BundleError, match=r"member preprocess\.onnx has inputs \['pixels'\]"):
        Predictor(Bundle(tiny_bundle.card(), members, digest=""))


def test_a_network_that_answers_nan_is_refused(tmp_path: Path, files: list[Path]) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(tiny_bundle.network_model())
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(4, np.nan, dtype=np.float32), "bias"))
    path = tmp_path / "nan.gyrus"
    write_bundle(
        path, {**tiny_bundle.members(), "network.onnx": model.SerializeToString()}, tiny_bundle.card()
    )
    with pytest.raises(BundleError, match=r"no finite logits for .*scan-0\.png"):
        Predictor.load(path).predict(files)


def test_wrong_options_are_refused(bundle: Path, predictor: Predictor, files: list[Path]) -> None:
    with pytest.raises(UsageError, match="threads is 0"):
        Predictor.load(bundle, threads=0)
    with pytest.raises(UsageError, match="batch_size is 0"):
        predictor.predict(files, batch_size=0)


def test_the_predictor_carries_the_digests(bundle: Path, predictor: Predictor) -> None:
    whole = read_bundle(bundle)
    assert (predictor.digest, predictor.model_digest) == (whole.digest, whole.model_digest)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_softmax_sums_to_one_for_any_logits(shape: tuple[int, ...]) -> None:
    logits = np.random.default_rng(0).normal(scale=500, size=shape).astype(np.float32)
    probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(softmax(logits + np.float32(0)), probabilities)
    assert np.array_equal(probabilities.argmax(-1), logits.argmax(-1))


def test_importing_inference_needs_no_torch() -> None:
    heavy = "{'torch', 'lightning', 'timm', 'onnx', 'matplotlib', 'scipy', 'sklearn', 'pandas'}"
    code = f"import sys, gyrus.inference; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
