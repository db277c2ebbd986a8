"""The gate in a run: fitted, packed, asked; and label suspects of a run."""

import shutil

import pytest
from PIL import Image

from gyrus.config.gating import GateOptions
from gyrus.data import read_manifest
from gyrus.errors import UsageError
from gyrus.inference import Predictor
from gyrus.pages.refusals import collect_refusals
from gyrus.phantom.foreign import foreign_image
from gyrus.runs import RunFolder
from gyrus.verbs.evaluate import evaluate
from gyrus.verbs.gating import bring_gate
from gyrus.verbs.predict import predict
from gyrus.verbs.training_outputs import training_outputs


@pytest.fixture
def own(run, tmp_path):
    """A copy of the run: its bundle will be rewritten."""
    copy = RunFolder(tmp_path / "near" / "run")
    shutil.copytree(run.path, copy.path)
    # paths in the manifest are relative to its folder: as deep below the same one
    text = run.manifest.read_text()
    copy.manifest.write_text(text)
    return copy


def gated(own, run, **options) -> Predictor:
    manifest = read_manifest(run.manifest)
    training = training_outputs(Predictor.load(own.bundle), manifest, progress=False)
    bring_gate(own, manifest, training, GateOptions(**options), private=False, seed=0)
    return Predictor.load(own.bundle)


def test_the_phantom_passes_auto_and_foreign_files_are_refused_with_their_reason(own, run, tmp_path) -> None:
    predictor = gated(own, run)
    assert predictor.gate.brain_mri is not None
    assert predictor.card["gate"]["distribution"]["fitted_on"]["split"] == "cal"
    Image.fromarray(foreign_image("text", 0)).save(tmp_path / "page.png")
    (tmp_path / "page.txt").write_text("no image")
    known = read_manifest(run.manifest)
    good = known.file_of(known.select("train").rows[0])
    result = predict((good, tmp_path / "page.png", tmp_path / "page.txt"), own.bundle, strict=True)
    first, page = result.predictions
    assert first["prediction"] is not None
    assert [finding["step"] for finding in first["gate"]["findings"]] == [
        "decodable",
        "brain_mri",
        "distribution",
    ]
    assert page["prediction"] is None
    assert page["probabilities"] is None
    assert [finding["step"] for finding in page["gate"]["findings"]] == ["decodable", "brain_mri"]
    assert "refused: is not a brain MRI" in result.to_text()
    assert result.exit_code == 3
    assert len(result.failures) == 1


def test_none_leaves_the_bundle_as_it_is(own, run) -> None:
    before = own.bundle.read_bytes()
    assert not gated(own, run, gate="none").gate.present
    assert own.bundle.read_bytes() == before


def test_distribution_alone_asks_nothing_about_brains(own, run) -> None:
    gate = gated(own, run, gate="distribution", gate_method="energy").gate
    assert gate.brain_mri is None
    assert gate.distribution.method == "energy"


def test_the_report_counts_and_shows_refusals(own, run) -> None:
    predictor = gated(own, run, gate_false_refusals=0.2)
    shown = collect_refusals(own, read_manifest(run.manifest), predictor, ["val", "cal"])
    assert [item.split for item in shown.splits] == ["val", "cal"]
    cal = shown.splits[1]
    assert 0 < cal.unlike <= 0.2 * (cal.images + 1)
    assert len(shown.own) >= cal.unlike or len(shown.own) == 8
    assert sum(not item.finding.passed for item in shown.foreign) >= 6


def test_a_run_without_a_gate_shows_none(run) -> None:
    assert collect_refusals(run, read_manifest(run.manifest), Predictor.load(run.bundle), ["val"]) is None


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_that_is_none_is_refused(share) -> None:
    with pytest.raises(UsageError, match="gate_false_refusals"):
        GateOptions(gate_false_refusals=share)


@pytest.mark.filterwarnings("ignore::gyrus.metrics.UndefinedMetricWarning")
def test_label_suspects_of_predictions_beside_their_images(run, tmp_path) -> None:
    result = evaluate(
        run.predictions("val"),
        data=run.manifest,
        suspects=tmp_path / "out",
        bootstrap_samples=0,
        cache_dir=tmp_path,
    )
    assert result.suspects.images > 0
    assert (tmp_path / "out" / "label-suspects.csv").is_file()
    page = (tmp_path / "out" / "label-suspects.html").read_text()
    assert "Which labels may be wrong" in page
    assert result.to_json()["label_suspects"]["suspects"] == len(result.suspects.suspects)
