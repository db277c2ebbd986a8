"""``gyrus calibrate``: a new bundle from one's own cases; the old file stays; what cannot be is refused."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import gyrus
import tiny_bundle
from gyrus.bundles import read_bundle, rewrite_card, write_bundle
from gyrus.cli import main
from gyrus.data import read_manifest, write_manifest
from gyrus.decision.distribution import Distribution, fit_arrays
from gyrus.decision.gate import Gate
from gyrus.errors import DataError, LeakageError, UsageError
from gyrus.imaging import byte_hash
from gyrus.inference import Predictor
from gyrus.phantom import Phantom, write_cohort
from gyrus.verbs.gate_refit import refitted_gate
from gyrus.verbs.gating import enter_gate


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A bundle on its own, and labelled cases of another hospital."""
    folder = tmp_path_factory.mktemp("calibrate")
    bundle = folder / "model.gyrus"
    write_bundle(bundle, tiny_bundle.members(seed=30), tiny_bundle.card(name="first"))
    write_cohort(folder / "clinic", Phantom(subjects=60, slices_per_subject=2, image_size=40, seed=3))
    return SimpleNamespace(folder=folder, bundle=bundle, clinic=folder / "clinic", cache=folder / "cache")


@pytest.fixture(scope="module")
def refitted(place):
    return gyrus.calibrate(
        place.bundle, place.clinic, out=place.folder / "new.gyrus", cache_dir=place.cache,
        calibration="temperature", conformal_level=0.8, positive="glioma,meningioma,pituitary",
        min_sensitivity=0.9,
    )  # fmt: skip


def test_the_new_bundle_has_a_decision_and_a_lineage_and_the_old_is_untouched(place, refitted):
    old, new = read_bundle(place.bundle), read_bundle(refitted.path)
    assert new.card["lineage"] == [old.digest]
    assert (new.digest, old.digest) == (refitted.digest, refitted.former)
    assert new.model_digest == old.model_digest
    assert old.card["calibration"] is None
    fitted = new.card["calibration"]["fitted_on"]
    assert (fitted["images"], fitted["subjects"]) == (120, 60)
    assert new.card["conformal"]["by"] == "subject"
    assert set(new.card["conformal"]["counts"].values()) == {15}
    [point] = new.card["operating_points"]
    assert point["figures"]["cal"]["sensitivity"]["value"] >= 0.8
    assert "refitted by gyrus calibrate on 120 images" in new.card["notes"][-1]


def test_the_predictor_answers_with_it(place, refitted):
    image = next((place.clinic / "glioma").glob("*.png"))
    [plain], [answer] = (Predictor.load(path).predict([image]) for path in (place.bundle, refitted.path))
    assert (plain.logits == answer.logits).all()
    temperature = read_bundle(refitted.path).card["calibration"]["temperature"]
    scaled = np.exp(plain.logits.astype(float) / temperature)
    assert answer.probabilities == pytest.approx(scaled / scaled.sum())
    assert refitted.decision["after"]["log_loss"]["value"] < refitted.decision["before"]["log_loss"]["value"]


def test_the_level_of_the_sets_stays_where_none_is_named(place, refitted):
    """The usual one may need more patients than there are: then nothing would be referred any more."""
    again = gyrus.calibrate(
        refitted.path, place.clinic, out=place.folder / "level.gyrus", cache_dir=place.cache
    )
    sets = read_bundle(again.path).card["conformal"]
    assert (sets["method"], sets["level"], sets["refused"]) == ("lac", 0.8, {})


def test_points_are_solved_again_where_none_are_named(place, refitted):
    again = gyrus.calibrate(
        refitted.path, place.clinic, out=place.folder / "again.gyrus", cache_dir=place.cache,
        conformal_method="none",
    )  # fmt: skip
    card = read_bundle(again.path).card
    assert [point["constraint"] for point in card["operating_points"]] == [
        {"metric": "sensitivity", "at_least": 0.9}
    ]
    assert card["conformal"] is None
    assert card["lineage"] == [refitted.former, refitted.digest]


def test_the_command_prints_one_object_and_says_what_it_fitted(place, capsys):
    out = place.folder / "line.gyrus"
    words = ["calibrate", place.bundle, place.clinic, "--out", out, "--cache-dir", place.cache]
    assert main([*map(str, words), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bundle"] == str(out)
    assert (told["images"], told["patients"]) == (120, 60)
    assert main([*map(str, words)]) == 2  # it exists now
    assert "exists already" in capsys.readouterr().err


def subset(place, name, keep):
    """The clinic's manifest with some of its rows."""
    target = place.folder / name
    shutil.copytree(place.clinic, target)
    manifest = read_manifest(place.clinic / "manifest.csv")
    write_manifest(manifest.with_rows([row for row in manifest if keep(row)]), target / "manifest.csv")
    return target


def test_too_few_patients_and_an_absent_class_are_refused(place, tmp_path):
    patients = sorted({row.subject_id for row in read_manifest(place.clinic / "manifest.csv")})[:8]
    few = subset(place, "few", lambda row: row.subject_id in patients)
    with pytest.raises(DataError, match="8 calibration patients; at least 10 are needed"):
        gyrus.calibrate(
            place.bundle, few, out=tmp_path / "n.gyrus", cache_dir=place.cache, calibration="vector"
        )
    without = subset(place, "without", lambda row: row.label != "pituitary")
    with pytest.raises(DataError, match="no image shows pituitary"):
        gyrus.calibrate(place.bundle, without, out=tmp_path / "n.gyrus", cache_dir=place.cache)
    assert not (tmp_path / "n.gyrus").exists()


def test_what_cannot_be_promised_is_refused_with_the_best_that_can(place, tmp_path):
    with pytest.raises(DataError, match="cannot be promised from 15 positive") as caught:
        gyrus.calibrate(
            place.bundle, place.clinic, out=tmp_path / "n.gyrus", cache_dir=place.cache, positive="glioma",
            min_sensitivity=0.98,
        )  # fmt: skip
    assert "best achievable: sensitivity at least 0.9375" in caught.value.details[0]
    with pytest.raises(UsageError, match=r"'gliom', none of.*did you mean 'glioma'"):
        gyrus.calibrate(
            place.bundle, place.clinic, out=tmp_path / "n.gyrus", cache_dir=place.cache, positive="gliom",
            min_sensitivity=0.9,
        )  # fmt: skip


def test_images_of_the_training_are_refused(run, cohort, tmp_path):
    bundle = tmp_path / "copy" / "model.gyrus"
    shutil.copytree(run.path, bundle.parent)
    with pytest.raises(LeakageError, match=r"was trained on .* of these 96 images"):
        gyrus.calibrate(bundle, cohort, out=tmp_path / "n.gyrus", cache_dir=tmp_path)
    kept = gyrus.calibrate(
        bundle, run.manifest, out=tmp_path / "cal.gyrus", cache_dir=tmp_path, conformal_level=0.5
    )
    assert kept.images == sum(row.split == "cal" for row in read_manifest(run.manifest))


def test_images_without_labels_are_refused(place, tmp_path):
    manifest = read_manifest(place.clinic / "manifest.csv")
    shutil.copytree(place.clinic, tmp_path / "blank")
    blank = manifest.with_rows(row.with_(label="") for row in manifest)
    write_manifest(blank, tmp_path / "blank" / "manifest.csv")
    with pytest.raises(DataError, match="no image has a label"):
        gyrus.calibrate(place.bundle, tmp_path / "blank", out=tmp_path / "n.gyrus", cache_dir=place.cache)


@pytest.mark.filterwarnings("ignore::gyrus.metrics.UndefinedMetricWarning")  # a random network
def test_evaluate_measures_with_the_decision_that_the_bundle_brings(place, refitted):
    result = gyrus.evaluate(refitted.path, data=place.clinic, cache_dir=place.cache, bootstrap_samples=0)
    block = result.evaluation["decision"]
    assert block["calibration"]["method"] == "temperature"
    assert [point["name"] for point in block["points"]] == [
        "glioma, meningioma, pituitary: sensitivity at least 0.9"
    ]
    with pytest.raises(UsageError, match="--calibration: a bundle is measured with the decision that it"):
        gyrus.evaluate(refitted.path, data=place.clinic, cache_dir=place.cache, calibration="vector")


def test_a_card_that_is_rewritten_keeps_its_decision(refitted, tmp_path):
    shutil.copy(refitted.path, tmp_path / "m.gyrus")
    rewrite_card(tmp_path / "m.gyrus", metrics=None)
    assert read_bundle(tmp_path / "m.gyrus").card["calibration"] is not None


def with_gate(place, tmp_path):
    """The bundle with a gate for images unlike the training data, whose threshold refuses every image."""
    random = np.random.default_rng(0)
    arrays = fit_arrays(
        "mahalanobis", random.normal(0, 1e-3, (60, 6)).astype(np.float32), np.repeat(np.arange(4), 15), seed=0
    )
    fitted = {"false_refusals": 0.05, "fitted_on": {"split": "val", "images": 60, "subjects": None}}
    path = tmp_path / "gated.gyrus"
    shutil.copy(place.bundle, path)
    enter_gate(path, Gate(distribution=Distribution("mahalanobis", 1e9, arrays), fitted=fitted))
    return path


def test_the_gate_lets_pass_what_is_usual_here(place, tmp_path):
    gated = with_gate(place, tmp_path)
    new = gyrus.calibrate(gated, place.clinic, out=tmp_path / "n.gyrus", cache_dir=place.cache)
    block = read_bundle(new.path).card["gate"]["distribution"]
    assert block["fitted_on"] == {"split": "cal", "images": 120, "subjects": 60}
    assert block["refused_there"] <= 6  # 5 % of 120
    images = sorted((place.clinic / "glioma").glob("*.png"))
    before, after = (Predictor.load(path).predict(images) for path in (gated, new.path))
    assert all(answer.refused is not None for answer in before)
    assert sum(answer.refused is None for answer in after) > 0.7 * len(images)
    kept = gyrus.calibrate(gated, place.clinic, out=tmp_path / "k.gyrus", cache_dir=place.cache, gate="keep")
    assert read_bundle(kept.path).card["gate"] == read_bundle(gated).card["gate"]


def test_a_gate_that_is_not_there_cannot_be_refitted(place, tmp_path):
    with pytest.raises(UsageError, match="has no step 'unlike the training data'"):
        gyrus.calibrate(
            place.bundle, place.clinic, out=tmp_path / "n.gyrus", cache_dir=place.cache, gate="refit"
        )


def test_a_network_without_embeddings_has_no_gate_to_refit(place):
    bundle = read_bundle(place.bundle)
    bundle.card["outputs"]["embedding"] = False
    with pytest.raises(UsageError, match="gives no embeddings, so its gate cannot be refitted"):
        refitted_gate(bundle, Gate(), None, None, "refit")


def test_a_bundle_on_its_own_tells_by_its_hashes(place, tmp_path, monkeypatch):
    first = next(iter(read_manifest(place.clinic / "manifest.csv")))
    known = (place.clinic / first.path).read_bytes()

    class Hashes:
        """What a bundle with nearest cases knows of its training images."""

        @staticmethod
        def from_bundle(bundle):
            return Hashes()

        def seen(self, sha256, pixel_hash):
            return SimpleNamespace(known=True, match="file" if sha256 == byte_hash(known) else None)

    monkeypatch.setattr("gyrus.verbs.calibrate.Neighbours", Hashes)
    with pytest.raises(LeakageError, match="trained on 1 of these 120 images") as caught:
        gyrus.calibrate(place.bundle, place.clinic, out=tmp_path / "n.gyrus", cache_dir=place.cache)
    assert caught.value.details == [first.image_id]
