"""Predictions of a split from raw files, and the files they are kept in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import DataError, PredictionsError, StorageError
from gyrus.evaluation.predictions import read_predictions, write_predictions
from gyrus.imaging import byte_hash
from gyrus.inference import Outputs, Predictor, predict_rows, read_outputs, write_outputs


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    return Predictor.load(path)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    random = np.random.default_rng(5)
    rows = []
    for index in range(7):
        name = f"s{index}.png"
        Image.fromarray(random.integers(0, 256, size=(50, 40 + index), dtype=np.uint8)).save(tmp_path / name)
        rows.append(
            Row(
                image_id=f"id-{index}", path=name, label=tiny_bundle.CLASSES[index % 4],
                subject_id="P1" if index < 3 else "", split="test" if index else "train",
                pixel_hash="c" * 64 if index in (3, 4) else "",
            )
        )  # fmt: skip
    return Manifest(rows=tuple(rows), root=tmp_path)


def test_exchanged_files_are_refused(predictor: Predictor, manifest: Manifest) -> None:
    """The audit was about the former file; the new one may be a copy of a training image."""
    known = [row.with_(sha256=byte_hash(manifest.file_of(row).read_bytes())) for row in manifest]
    scanned = manifest.with_rows(known)
    predict_rows(predictor, scanned, "test", progress=False)
    train = scanned.file_of(scanned.select("train").rows[0])
    scanned.file_of(known[3]).write_bytes(train.read_bytes())
    with pytest.raises(DataError, match="1 of 6 files of the split 'test' are not those") as caught:
        predict_rows(predictor, scanned, "test", progress=False)
    assert caught.value.details == ["id-3"]


def test_a_manifest_that_has_left_its_images(
    predictor: Predictor, manifest: Manifest, tmp_path: Path
) -> None:
    moved = Manifest(manifest.rows, tmp_path / "elsewhere")
    with pytest.raises(DataError, match="6 of 6 images") as caught:
        predict_rows(predictor, moved, "test", progress=False)
    assert "move them back" in str(caught.value)


def test_rows_keep_their_order_labels_and_patients(predictor: Predictor, manifest: Manifest) -> None:
    predictions, outputs = predict_rows(predictor, manifest, "test", batch_size=2, progress=False)
    assert predictions.image_ids == outputs.image_ids == tuple(f"id-{index}" for index in range(1, 7))
    assert predictions.labels == tuple(tiny_bundle.CLASSES[index % 4] for index in range(1, 7))
    assert predictions.subject_ids == ("P1", "P1", "", "", "", "")
    assert predictions.group_ids[:4] == (
        "subject:P1",
        "subject:P1",
        f"pixels:{'c' * 64}",
        f"pixels:{'c' * 64}",
    )
    assert len(set(predictions.group_ids)) == 4
    singly = [predictor.predict([manifest.file_of(row)])[0] for row in manifest.select("test")]
    np.testing.assert_allclose(predictions.y_prob, [answer.probabilities for answer in singly], atol=1e-6)
    assert outputs.embedding is not None
    assert outputs.maps is not None
    assert outputs.embedding.shape == (6, 6)
    assert outputs.maps.shape == (6, 4, 4, 4)
    assert outputs.model_digest == predictor.model_digest


def test_predictions_survive_their_file(predictor: Predictor, manifest: Manifest, tmp_path: Path) -> None:
    predictions, outputs = predict_rows(predictor, manifest, "test", progress=False)
    write_predictions(predictions, tmp_path / "predictions-test.csv")
    write_outputs(outputs, tmp_path / "outputs-test.npz")
    again = read_predictions(tmp_path / "predictions-test.csv")
    np.testing.assert_allclose(again.y_prob, predictions.y_prob, atol=1e-8)
    kept = read_outputs(tmp_path / "outputs-test.npz")
    assert kept.image_ids == outputs.image_ids
    np.testing.assert_array_equal(kept.logits, outputs.logits)
    np.testing.assert_array_equal(kept.maps, outputs.maps)
    assert kept.model_digest == outputs.model_digest


def test_outputs_are_the_same_bytes_and_hold_no_pickle(tmp_path: Path) -> None:
    outputs = Outputs(("ü", "b"), np.ones((2, 3), np.float32), None, None, "d" * 64)
    for name in ("a.npz", "b.npz"):
        write_outputs(outputs, tmp_path / name)
    data = (tmp_path / "a.npz").read_bytes()
    assert data == (tmp_path / "b.npz").read_bytes()
    kept = read_outputs(tmp_path / "a.npz")
    assert kept.image_ids == ("ü", "b")
    assert kept.embedding is None
    assert kept.maps is None


def test_bad_outputs_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "outputs.npz"
    with pytest.raises(PredictionsError, match="does not exist"):
        read_outputs(path)
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(PredictionsError, match="cannot be read"):
        read_outputs(path)
    np.savez(
        path, image_ids=np.array([{"a": 1}], dtype=object), logits=np.ones(1), model_digest=np.array("x")
    )
    with pytest.raises(PredictionsError, match="cannot be read"):
        read_outputs(path)
    np.savez(path, image_ids=np.array(["a"]), logits=np.ones((2, 2)), model_digest=np.array("x"))
    with pytest.raises(PredictionsError, match="different lengths"):
        read_outputs(path)
    np.savez(path, logits=np.ones((2, 2)))
    with pytest.raises(PredictionsError, match="lacks image_ids, model_digest"):
        read_outputs(path)


def test_a_full_disk_leaves_the_former_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outputs.npz"
    write_outputs(Outputs(("a",), np.ones((1, 3), np.float32), None, None, "d"), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="No space left"):
        write_outputs(Outputs(("b",), np.ones((1, 3), np.float32), None, None, "d"), path)
    assert path.read_bytes() == before


def test_an_empty_split_is_refused(predictor: Predictor, manifest: Manifest) -> None:
    with pytest.raises(DataError, match="no image is in the split 'cal'"):
        predict_rows(predictor, manifest, "cal", progress=False)


def test_a_class_that_the_model_does_not_know_is_named(predictor: Predictor, manifest: Manifest) -> None:
    strange = manifest.with_rows(row.with_(label="abscess") for row in manifest)
    with pytest.raises(DataError, match="the data also have abscess"):
        predict_rows(predictor, strange, "test", progress=False)


def test_all_unreadable_files_are_named(predictor: Predictor, manifest: Manifest) -> None:
    (manifest.root / "s2.png").write_bytes(b"")
    (manifest.root / "s5.png").unlink()
    with pytest.raises(DataError, match="2 of 6 images") as caught:
        predict_rows(predictor, manifest, "test", progress=False)
    assert [Path(line.split(":")[0]).name for line in caught.value.details] == ["s2.png", "s5.png"]


def test_progress_goes_to_stderr(
    predictor: Predictor, manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    predict_rows(predictor, manifest, "test")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "predict test" in captured.err
