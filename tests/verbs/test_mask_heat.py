"""A classifier on data with masks says how much of its heat lies in them."""

import json
import shutil

import numpy as np
import pytest

from gyrus.bundles import read_bundle
from gyrus.data import read_manifest, write_manifest
from gyrus.evaluation import read_predictions
from gyrus.inference.outputs import read_outputs
from gyrus.runs import RunFolder
from gyrus.verbs.evaluate import format_all
from gyrus.verbs.mask_heat import heat_in_masks, heat_of_folds


@pytest.fixture
def parts(run):
    """Manifest, predictions, outputs and card of a run on the phantom, which brings masks."""
    manifest = read_manifest(run.manifest)
    outputs = read_outputs(run.outputs("val"))
    return manifest, read_predictions(run.predictions("val")), outputs, read_bundle(run.bundle).card


def test_the_evaluation_of_a_run_has_it(run, parts):
    evaluation = json.loads(run.evaluation("val").read_text())
    block = evaluation["heat_in_mask"]
    marked = [row for row in parts[0] if row.split == "val" and row.mask and row.label != "no_tumor"]
    assert 0 < block["n"] <= len(marked)
    assert 0 < block["share"]["value"] < 1
    assert block["sentence"] in format_all(evaluation)


def test_a_map_that_is_the_mask_has_all_its_heat_there(parts):
    manifest, predictions, outputs, card = parts
    even = np.ones_like(outputs.maps)
    object.__setattr__(outputs, "maps", even)
    block = heat_in_masks(manifest, predictions, outputs, card)
    assert block["share"]["value"] == pytest.approx(block["area"])
    assert "1.0 times what an even map would have" in block["sentence"]


def test_without_masks_or_maps_there_is_nothing_to_say(parts):
    manifest, predictions, outputs, card = parts
    bare = manifest.with_rows(row.with_(mask="") for row in manifest)
    assert heat_in_masks(bare, predictions, outputs, card) is None
    object.__setattr__(outputs, "maps", None)
    assert heat_in_masks(manifest, predictions, outputs, card) is None


def test_a_mask_that_cannot_be_read_is_said(parts, caplog):
    manifest, predictions, outputs, card = parts
    lost = manifest.with_rows(row.with_(mask="gone.png" if row.mask else "") for row in manifest)
    with caplog.at_level("INFO", "gyrus"):
        assert heat_in_masks(lost, predictions, outputs, card) is None
    assert "is not measured" in caplog.text


def test_the_folds_of_a_cross_validation_are_taken_together(run, parts, tmp_path, caplog):
    """The validation of the run stands for the test of a fold; two folds of it have twice the images."""
    alone = heat_in_masks(*parts)
    shutil.copytree(run.path, tmp_path / "fold")
    fold = RunFolder(tmp_path / "fold")
    shutil.copy(fold.predictions("val"), fold.predictions("test"))
    assert heat_of_folds([fold, fold]) is None  # maps of one fold are missing
    shutil.copy(fold.outputs("val"), fold.outputs("test"))
    write_manifest(parts[0].with_rows(row.with_(path=str(parts[0].root / row.path),
                                                mask=str(parts[0].root / row.mask) if row.mask else "")
                                      for row in parts[0]), fold.manifest)  # fmt: skip
    both = heat_of_folds([fold, fold])
    assert both["n"] == 2 * alone["n"]
    assert both["share"]["value"] == pytest.approx(alone["share"]["value"])
    write_manifest(parts[0].with_rows(row.with_(mask="gone.png" if row.mask else "") for row in parts[0]),
                   fold.manifest)  # fmt: skip
    with caplog.at_level("INFO", "gyrus"):
        assert heat_of_folds([fold]) is None
    assert "is not measured" in caplog.text
