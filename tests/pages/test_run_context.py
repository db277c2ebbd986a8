"""The report says what the files of the run say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plausible_run
import pytest
from PIL import Image

import tiny_bundle
from gyrus.bundles import write_bundle
from gyrus.data.manifest import Manifest, Row, write_manifest
from gyrus.errors import DataError
from gyrus.evaluation.predictions import Predictions, write_predictions
from gyrus.inference import Predictor, predict_rows, write_outputs
from gyrus.pages import context_of_run
from gyrus.pages.examples import choose_examples, collect_examples
from gyrus.pages.report import render_report
from gyrus.runs import RunFolder
from gyrus.runs.atomic import write_json, write_text


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run folder whose test split was measured through its bundle."""
    folder = RunFolder(tmp_path / "runs" / "tiny-1").create()
    random = np.random.default_rng(2)
    rows = []
    for index in range(24):
        path = tmp_path / "data" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, size=(300, 400), dtype=np.uint8)).save(path)
        split = ("train", "val", "test")[index % 3]
        rows.append(
            Row(
                image_id=path.name,
                path=path.name,
                label=tiny_bundle.CLASSES[index % 4],
                subject_id=f"P{index}",
                split=split,
            )
        )
    write_manifest(Manifest(rows=tuple(rows), root=tmp_path / "data"), folder.manifest)
    write_bundle(folder.bundle, tiny_bundle.members(), tiny_bundle.card())
    from gyrus.data.manifest import read_manifest

    manifest = read_manifest(folder.manifest)
    predictions, outputs = predict_rows(Predictor.load(folder.bundle), manifest, "test", progress=False)
    write_predictions(predictions, folder.predictions("test"))
    write_outputs(outputs, folder.outputs("test"))
    write_json(folder.evaluation("test"), plausible_run.evaluation())
    plausible = plausible_run.context()
    write_json(
        folder.audit,
        {**plausible.audit, "allow_leak": None, "skipped": list(plausible.skipped), "notes": ["n"]},
    )
    write_json(folder.config, {"architecture": "simple_cnn", "color": "grey"})
    write_json(folder.environment, plausible.environment)
    write_text(folder.metrics, "epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
                               "1,1.2,0.5,1.1,0.5,0.001,3\n2,0.7,0.8,0.9,,0.0005,3\n")  # fmt: skip
    return folder


def test_everything_is_read(run: RunFolder) -> None:
    context = context_of_run(run, test_looks=2, seconds={"training": 3.0})
    assert context.title == "tiny-1"
    assert context.subjects == {"train": 8, "val": 8, "test": 8}
    assert [row["val_accuracy"] for row in context.history] == [0.5, None]
    assert set(context.evaluations) == {"test"}
    assert context.examples_split == "test"
    assert context.bundle["size_bytes"] == run.bundle.stat().st_size
    assert context.notes == ["n"]
    page = render_report(context)
    assert "Test set looked at: 2 times" in page
    assert context.bundle["digest"] in page
    for example in context.examples:
        assert example.image_id in page
        assert max(example.pixels.shape[:2]) == 256
        assert example.heat is not None
        assert example.heat.shape == (4, 4)


def test_a_patient_that_is_missing_makes_the_number_unknown(run: RunFolder) -> None:
    text = run.manifest.read_text(encoding="utf-8")
    write_text(run.manifest, text.replace(",P0,", ",,"))
    assert context_of_run(run).subjects == {"train": None, "val": 8, "test": 8}


def test_a_run_that_was_not_measured_has_no_figures(run: RunFolder) -> None:
    run.evaluation("test").unlink()
    run.bundle.unlink()
    run.metrics.unlink()
    context = context_of_run(run)
    assert context.evaluations == {}
    assert context.examples == []
    assert "How often it is right" not in render_report(context)


@pytest.mark.parametrize("name", ["config", "audit", "metrics"])
def test_a_damaged_file_is_named(run: RunFolder, name: str) -> None:
    path: Path = getattr(run, name)
    write_text(path, "epoch,val_loss\n1,abc\n" if name == "metrics" else "[1, 2")
    with pytest.raises(DataError, match="is damaged") as caught:
        context_of_run(run)
    assert caught.value.path == str(path)


def predictions_of(labels: str, answers: str, confidence: list[float], groups: list[str]) -> Predictions:
    y_prob = np.array([[c if a == "a" else 1 - c, 1 - c if a == "a" else c]
                       for a, c in zip(answers, confidence, strict=True)])  # fmt: skip
    names = tuple(f"i{index}" for index in range(len(labels)))
    return Predictions(names, tuple(groups), tuple(label.strip() for label in labels), ("a", "b"), y_prob)


def test_errors_come_first_by_confidence_one_of_each_patient() -> None:
    predictions = predictions_of(
        "aabbab b", "babaabba", [0.6, 0.99, 0.8, 0.95, 0.9, 0.7, 0.99, 0.97], list("PQRSSTUR")
    )
    # errors: row 0 (0.6), 3 (0.95), 7 (0.97); right: 1 (0.99), 2 (0.8), 4 (0.9), 5 (0.7); row 6 has no label
    assert choose_examples(predictions) == [7, 3, 0, 1, 2, 4, 5]
    assert choose_examples(predictions, errors=1, right=2) == [7, 1, 2]


def test_images_that_are_not_in_the_manifest_are_not_shown(run: RunFolder) -> None:
    predictions = predictions_of("ab", "ab", [0.9, 0.9], ["P", "Q"])
    assert collect_examples(Manifest(rows=(), root=run.path), predictions) == []
