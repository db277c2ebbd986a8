"""A run's decision: refused early where cal cannot give it, fitted through the bundle, entered, measured."""

import shutil
import warnings

import numpy as np
import pytest

import gyrus
from gyrus.bundles import read_bundle
from gyrus.config import TrainConfig
from gyrus.data import read_manifest
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import read_predictions
from gyrus.inference import Predictor
from gyrus.runs import RunFolder
from gyrus.verbs.decided import check_wish, decide_on, points_measured
from gyrus.verbs.fitted_after import out_of_fold_block
from gyrus.verbs.measure import measure

TUMOURS = "glioma,meningioma,pituitary"
pytestmark = pytest.mark.filterwarnings("ignore::gyrus.metrics.UndefinedMetricWarning")  # a random network


def asked(**options):
    return TrainConfig(source="x", **options)


@pytest.fixture(scope="module")
def manifest(run):
    """The run's images, those of train in cal: its network was never trained."""
    given = read_manifest(run.manifest)
    return given.with_rows(row.with_(split="cal") if row.split == "train" else row for row in given)


@pytest.fixture(scope="module")
def measured(run, manifest, tmp_path_factory):
    """A copy of the run, measured on these calibration images."""
    copy = RunFolder(tmp_path_factory.mktemp("decided") / "copy")
    shutil.copytree(run.path, copy.path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measure(copy, manifest, "cal", predictor=Predictor.load(copy.bundle), bootstrap_samples=0)
    return copy


def test_what_the_calibration_images_cannot_give_is_refused_before_a_training(manifest):
    count = len({row.subject_id for row in manifest.select("cal") if row.label != "no_tumor"})
    with pytest.raises(
        DataError, match=f"promised from {count} positive calibration patients; 99 are"
    ) as told:
        check_wish(asked(positive=(TUMOURS,), min_sensitivity=0.99), manifest)
    best = int(1e4 * count / (count + 1)) / 1e4
    assert told.value.details == [f"best achievable: sensitivity at least {best:g}"]
    check_wish(asked(positive=(TUMOURS,), min_sensitivity=count / (count + 1)), manifest)
    with pytest.raises(UsageError, match="none of glioma, meningioma"):
        check_wish(asked(positive=("stroke",), min_sensitivity=0.5), manifest)
    with pytest.raises(UsageError, match="names every class"):
        check_wish(asked(positive=(f"{TUMOURS},no_tumor",), min_sensitivity=0.5), manifest)


def test_a_calibration_by_name_needs_its_patients_and_classes(manifest):
    check_wish(asked(calibration="vector"), manifest)
    few = [row for row in manifest.select("cal") if row.label == "glioma"]
    with pytest.raises(DataError, match="no calibration image shows meningioma, no_tumor, pituitary"):
        check_wish(asked(calibration="vector"), manifest, few)
    none = manifest.with_rows(row for row in manifest if row.split != "cal")
    with pytest.raises(DataError, match="at least 10 calibration patients, got 0"):
        check_wish(asked(calibration="temperature"), none)
    check_wish(asked(), none)  # auto goes without


def test_the_decision_is_fitted_through_the_bundle_entered_and_measured(run, manifest, tmp_path):
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    before = Predictor.load(copy.bundle)
    config = asked(calibration="temperature", conformal_level=0.5, positive=(TUMOURS,), min_sensitivity=0.8)
    predictions, outputs = decide_on(config, copy.bundle, manifest, before, seed=0)
    after = Predictor.load(copy.bundle)
    assert after.model_digest == before.model_digest
    assert predictions.y_prob == pytest.approx(after.decision.probabilities(outputs.logits))
    card = read_bundle(copy.bundle).card
    assert card["calibration"]["fitted_on"]["images"] == len(manifest.select("cal"))
    evaluation = measure(copy, manifest, "val", predictor=after, bootstrap_samples=0)
    assert evaluation["decision"]["calibration"]["method"] == "temperature"
    assert evaluation["log_loss"]["value"] == pytest.approx(
        evaluation["decision"]["after"]["log_loss"]["value"]
    )
    [entry] = points_measured(after.decision, {"val": evaluation})
    assert set(entry["figures"]) == {"cal", "val"}
    written = read_predictions(copy.predictions("val"))
    own = after.decision.probabilities(np.load(copy.outputs("val"))["logits"])
    assert written.y_prob == pytest.approx(own, abs=1e-8)


def test_without_calibration_images_nothing_is_fitted_and_it_is_said(run, manifest, caplog):
    none = manifest.with_rows(row for row in manifest if row.split != "cal")
    with caplog.at_level("INFO", logger="gyrus"):
        assert decide_on(asked(), run.bundle, none, None, seed=0) is None
    assert "No calibration image" in caplog.text


def test_predictions_files_are_cross_fitted_when_asked(measured):
    path = measured.predictions("cal")
    plain = gyrus.evaluate(path, bootstrap_samples=0)
    assert "decision" not in plain.evaluation
    fitted = gyrus.evaluate(path, bootstrap_samples=0, calibration="temperature")
    block = fitted.evaluation["decision"]
    assert block["cross_fitted"]
    assert block["sets"] is None
    assert block["after"]["log_loss"]["value"] < block["before"]["log_loss"]["value"]
    assert "each patient by a fit on the others" in fitted.to_text()
    with pytest.raises(UsageError, match="'stroke', none of"):
        gyrus.evaluate(path, bootstrap_samples=0, positive="stroke", min_sensitivity=0.5)


def test_logits_beside_the_predictions_are_what_is_scaled(measured):
    predictions = read_predictions(measured.predictions("cal"))
    logits = np.load(measured.outputs("cal"))["logits"]
    config = asked(calibration="temperature", conformal_method="none")
    by_logits = out_of_fold_block(config, predictions, logits)["calibration"]["temperature"]
    by_probabilities = out_of_fold_block(config, predictions)["calibration"]["temperature"]
    assert by_logits == pytest.approx(by_probabilities, rel=0.05)  # a temperature sees no shift of a row
