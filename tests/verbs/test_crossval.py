"""Cross-validation: the folds are those of single trainings, nothing is lost, nothing is trained twice."""

import csv
import json
from dataclasses import asdict

import numpy as np
import pytest

import gyrus
from gyrus.data import read_manifest, write_manifest
from gyrus.errors import DataError, LeakageError, StoppedError, UsageError
from gyrus.evaluation import evaluate_predictions, read_predictions
from gyrus.runs import RunFolder, count_looks, locked
from gyrus.runs.atomic import write_json
from gyrus.verbs import crossval as crossval_verb
from gyrus.verbs import crossval_training
from gyrus.verbs.crossval_training import duration

SMALL = {
    "architecture": "simple_cnn", "image_size": 32, "epochs": 1, "precision": "float32", "folds": 2,
    "val_fraction": 0.15, "cal_fraction": 0.0,
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore:undefined")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def crossed(cohort, cache, tmp_path_factory):
    """Two folds, really trained."""
    return gyrus.crossval(cohort, out=tmp_path_factory.mktemp("crossval") / "cv", cache_dir=cache, **SMALL)


@pytest.fixture(scope="module")
def scanned():
    """Sources that were scanned."""
    return {}


def patched(monkeypatch, scanned):
    """Let a training write the answers of chance, count the trainings, scan a source once, draw no page."""
    trained = []
    scan = crossval_verb.prepare

    def prepare(source, *arguments, **options):
        if source not in scanned:
            scanned[source] = scan(source, *arguments, **options)
        return scanned[source]

    class Result:
        digest = "none"
        evaluations = {"test": {"accuracy": {"value": 0.25}}}  # noqa: RUF012

    def train_divided(config, prepared, divided):
        trained.append((config.seed, config.fold))
        run = RunFolder(config.out).create() if config.resume is None else RunFolder(config.resume)
        tested = divided.manifest.select("test")
        scores = np.random.default_rng(len(trained)).dirichlet(np.ones(4), len(tested))
        run.predictions("test").parent.mkdir()
        with run.predictions("test").open("w", newline="") as stream:
            writer = csv.writer(stream)
            names = divided.manifest.classes
            writer.writerow(["image_id", "subject_id", "label", *(f"p:{name}" for name in names)])
            for row, score in zip(tested, scores.tolist(), strict=True):
                writer.writerow([row.image_id, row.subject_id, row.label, *score])
        return Result()

    monkeypatch.setattr(crossval_training, "train_divided", train_divided)
    monkeypatch.setattr(crossval_verb, "prepare", prepare)
    monkeypatch.setattr(crossval_verb, "check_before_reading", lambda config: None)
    monkeypatch.setattr("gyrus.verbs.prepare.find_shortcuts", lambda *_: ())
    monkeypatch.setattr(crossval_verb, "write_crossval_report", lambda *_, **__: None)
    return trained


@pytest.fixture
def quick(monkeypatch, scanned):
    return patched(monkeypatch, scanned)


@pytest.fixture(scope="module")
def repeated(cohort, cache, scanned, tmp_path_factory):
    """Two repeats of two folds of chance, with their page."""
    with pytest.MonkeyPatch.context() as patch:
        page = crossval_verb.write_crossval_report
        patched(patch, scanned)
        patch.setattr(crossval_verb, "write_crossval_report", page)
        return gyrus.crossval(
            cohort, out=tmp_path_factory.mktemp("repeated") / "cv", repeats=2, cache_dir=cache, **SMALL
        )


def test_every_image_is_answered_once_a_repeat(crossed, repeated, cohort):
    images = {row.image_id for row in read_manifest(cohort / "manifest.csv")}
    assert [len(done.pooled.predictions) for done in (crossed, repeated)] == [1, 2]
    for one in (*crossed.pooled.predictions, *repeated.pooled.predictions):
        assert len(one) == len(images)
        assert set(one.image_ids) == images
    with repeated.folder.pooled.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * len(images)
    assert {(row["repeat"], row["fold"]) for row in rows} == {(r, f) for r in "01" for f in "01"}


def test_no_model_was_trained_on_a_patient_that_it_answered(crossed):
    for fold in range(2):
        run = crossed.folder.run_of(0, fold)
        manifest = read_manifest(run.manifest)
        tested = {row.subject_id for row in manifest if row.split == "test"}
        assert tested
        assert not tested & {row.subject_id for row in manifest if row.split in ("train", "val")}
        assert set(read_predictions(run.predictions("test")).subject_ids) == tested


def test_a_fold_is_the_training_with_that_fold(crossed, cohort, cache, tmp_path):
    """The same answers, digit by digit, as ``gyrus train --fold 1`` in a folder of its own."""
    alone = gyrus.train(cohort, out=tmp_path / "run", fold=1, test=True, cache_dir=cache, **SMALL)
    inside = crossed.folder.run_of(0, 1)
    assert read_manifest(alone.run.manifest).fingerprint == read_manifest(inside.manifest).fingerprint
    assert alone.run.predictions("test").read_text() == inside.predictions("test").read_text()
    ours, theirs = (json.loads(run.config.read_text()) for run in (inside, alone.run))
    for told in (ours, theirs):
        del told["out"], told["training"]  # what became of it: with its times
    assert ours == theirs


def test_a_repeat_has_the_folds_of_the_next_seed(repeated):
    for planned in repeated.plan.folds:
        assert planned.config.seed == planned.repeat
    first, second = repeated.pooled.predictions
    rows = {row.image_id: row for row in read_manifest(repeated.folder.manifest)}
    for image_id, fold in zip(first.image_ids, first.folds, strict=True):
        assert str(rows[image_id].fold) == fold
    for image_id, fold in zip(second.image_ids, second.folds, strict=True):
        assert rows[image_id].facts["fold_repeat_1"] == fold
    assert any(row.facts["fold_repeat_1"] != str(row.fold) for row in rows.values())


def test_the_figures_are_those_of_the_pooled_file(crossed, repeated):
    figures = evaluate_predictions(read_predictions(crossed.folder.pooled))
    assert crossed.evaluation["accuracy"] == pytest.approx(figures["accuracy"])
    assert [fold["fold"] for fold in crossed.evaluation["folds"]["each"]] == ["0", "1"]
    measured = gyrus.evaluate(crossed.folder.pooled, data=crossed.folder.manifest, out_of_fold=True)
    assert measured.evaluation["accuracy"] == pytest.approx(figures["accuracy"])
    assert measured.evaluation["twin_free"] == crossed.evaluation["twin_free"]
    of_repeats = [
        evaluate_predictions(read_predictions(repeated.folder.predictions_of(number)), n_bootstrap=0)
        for number in range(2)
    ]
    values = [one["accuracy"]["value"] for one in of_repeats]
    assert repeated.repeats["mean"]["accuracy"]["value"] == pytest.approx(np.mean(values))
    assert repeated.evaluation["accuracy"]["value"] == pytest.approx(values[0])


def test_the_page_tells_the_whole_story(crossed, repeated):
    page = crossed.folder.report.read_text()
    for section in ("verdict", "headline", "data", "folds", "examples", "reproduce"):
        assert f'id="{section}"' in page
    assert 'id="repeats"' not in page
    assert "trained without its fold" in page
    assert "cross-validated once" in page
    assert "test set stays closed" not in page
    assert len(page) < 5_000_000
    page = repeated.folder.report.read_text()
    assert "These patients are synthetic" in page
    assert repeated.repeats["sentence"] in page
    assert page.index('id="repeats"') < page.index('id="headline"')


def test_text_and_json_tell_the_whole_story(crossed, repeated):
    shown = crossed.to_text()
    assert shown.startswith("No patient and no copy of an image stands in two folds.")
    assert "Pooled over 2 folds" in shown
    assert crossed.exit_code == 0
    assert "repeat-1/fold-1" in repeated.to_text()
    assert repeated.repeats["sentence"] in repeated.to_text()
    told = json.loads(repeated.folder.evaluation.read_text())
    assert told["repeats"]["n_images"] == told["n_images"]
    assert set(crossed.to_json()["finished"]) == {"fold 0", "fold 1"}


def test_looks_are_counted_beside_the_folder_and_in_it(crossed, repeated):
    assert (crossed.looks, repeated.looks) == (1, 1)
    assert len(repeated.plan.deals) == 2
    for deal in repeated.plan.deals:
        assert count_looks(repeated.folder.ledger, deal) == 1
    run = crossed.folder.run_of(0, 1)
    assert count_looks(run.ledger, read_manifest(run.manifest).fingerprint) == 1


def test_two_at_once_answer_as_one_after_the_other(cohort, cache, crossed, tmp_path):
    two = gyrus.crossval(cohort, out=tmp_path / "two", cache_dir=cache, jobs=2, **SMALL)
    assert sorted(two.progress.finished) == ["fold 0", "fold 1"]
    for title, finished in crossed.progress.finished.items():
        assert two.progress.finished[title]["fingerprint"] == finished["fingerprint"]
    expected, answers = crossed.pooled.predictions[0], read_predictions(two.folder.pooled)
    order = [answers.image_ids.index(image_id) for image_id in expected.image_ids]
    np.testing.assert_allclose(answers.y_prob[order], expected.y_prob, atol=1e-3)  # threads may differ
    for log in (tmp_path / "two").glob("fold-*.log"):
        assert "epoch" in log.read_text()
        assert "Fatal" not in log.read_text()  # the process ended in order
    again = gyrus.crossval(cohort, out=tmp_path / "two", cache_dir=cache, **SMALL)
    assert again.progress.finished == two.progress.finished  # kept
    assert again.looks == two.looks


def test_finished_folds_are_not_trained_again(cohort, cache, quick, tmp_path):
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    first = gyrus.crossval(cohort, **options)
    assert quick == [(0, 0), (0, 1)]
    again = gyrus.crossval(cohort, **options)
    assert len(quick) == 2
    assert again.evaluation["accuracy"] == first.evaluation["accuracy"]
    assert again.looks == 1  # nothing was looked at anew
    gyrus.crossval(cohort, repeats=2, **options)  # repeats can be added
    assert quick[2:] == [(1, 0), (1, 1)]


def test_an_interrupted_fold_begins_anew(cohort, cache, quick, tmp_path, monkeypatch):
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    whole = crossval_training.train_divided

    def interrupted(config, prepared, divided):
        if config.fold == 1:
            RunFolder(config.out).create()
            raise KeyboardInterrupt
        return whole(config, prepared, divided)

    monkeypatch.setattr(crossval_training, "train_divided", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gyrus.crossval(cohort, **options)
    monkeypatch.setattr(crossval_training, "train_divided", whole)
    done = gyrus.crossval(cohort, **options)
    assert quick == [(0, 0), (0, 1)]
    assert len(done.pooled.predictions[0]) == 96


@pytest.mark.parametrize("end", [KeyboardInterrupt(), StoppedError("stopped")])
def test_an_interrupted_training_goes_on_where_it_was(end, cohort, cache, quick, tmp_path, monkeypatch):
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    whole, resumed = crossval_training.train_divided, []

    def interrupted(config, prepared, divided):
        run = RunFolder(config.out).create()
        write_json(run.config, {"verb": "train", **asdict(config)})
        raise end

    def going_on(config, prepared, divided):
        resumed.append(config.resume)
        return whole(config, prepared, divided)

    monkeypatch.setattr(crossval_training, "train_divided", interrupted)
    with pytest.raises(type(end)):
        gyrus.crossval(cohort, **options)
    monkeypatch.setattr(crossval_training, "train_divided", going_on)
    done = gyrus.crossval(cohort, **options)
    assert resumed == [tmp_path / "cv" / "fold-0", None]  # the second fold had not begun
    assert done.evaluation["n_images"] == 96


def test_two_at_a_time_in_one_folder_are_refused(cohort, cache, quick, tmp_path):
    (tmp_path / "cv").mkdir()
    with locked(tmp_path / "cv"), pytest.raises(UsageError, match="is training in this folder"):
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, **SMALL)
    assert not quick


def test_a_fold_that_fails_is_told_and_the_others_stand(cohort, cache, quick, tmp_path, monkeypatch):
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    whole = crossval_training.train_divided

    def failing(config, prepared, divided):
        if config.fold == 0:
            raise DataError("the disk has a hole")
        return whole(config, prepared, divided)

    monkeypatch.setattr(crossval_training, "train_divided", failing)
    result = gyrus.crossval(cohort, **options)
    assert result.exit_code == DataError.exit_code
    assert "failed  fold 0: the disk has a hole" in result.to_text()
    assert any("48 of the 96 images" in note for note in result.evaluation["notes"])
    assert result.to_json()["failed"]["fold 0"]["error"] == "the disk has a hole"
    monkeypatch.setattr(crossval_training, "train_divided", whole)
    mended = gyrus.crossval(cohort, **options)
    assert mended.exit_code == 0
    assert quick == [(0, 1), (0, 0)]
    assert mended.evaluation["n_images"] == 96


def test_when_every_fold_fails_the_first_error_is_raised(cohort, cache, quick, tmp_path, monkeypatch):
    def failing(config, prepared, divided):
        raise DataError(f"fold {config.fold} is no good")

    monkeypatch.setattr(crossval_training, "train_divided", failing)
    with pytest.raises(DataError, match="fold 0 is no good"):
        gyrus.crossval(cohort, out=tmp_path / "cv", cache_dir=cache, **SMALL)


def test_other_options_other_data_and_other_folders_are_refused(cohort, cache, quick, tmp_path):
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    gyrus.crossval(cohort, **options)
    with pytest.raises(UsageError, match="epochs: 1 there, 2 asked for"):
        gyrus.crossval(cohort, **{**options, "epochs": 2})
    other = tmp_path / "fewer.csv"
    manifest = read_manifest(cohort / "manifest.csv")
    write_manifest(manifest.with_rows(manifest.rows[:-2]), other)
    with pytest.raises(UsageError, match="other data"):
        gyrus.crossval(other, **options)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"verb": "train"}')
    with pytest.raises(UsageError, match="no cross-validation"):
        gyrus.crossval(cohort, **{**options, "out": tmp_path / "run"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="never overwritten"):
        gyrus.crossval(cohort, **{**options, "out": tmp_path / "mine"})


def test_folds_of_the_manifest_are_used(cohort, cache, quick, tmp_path):
    """For instance those of scikit-learn's StratifiedGroupKFold."""
    from sklearn.model_selection import StratifiedGroupKFold

    manifest = read_manifest(cohort / "manifest.csv")
    labels, groups = zip(*((row.label, row.subject_id) for row in manifest), strict=True)
    fold_of = np.zeros(len(manifest), dtype=int)
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    for number, (_, tested) in enumerate(splitter.split(labels, labels, groups)):
        fold_of[tested] = number
    rows = [row.with_(fold=int(fold)) for row, fold in zip(manifest, fold_of, strict=True)]
    write_manifest(manifest.with_rows(rows), tmp_path / "folds.csv")
    result = gyrus.crossval(tmp_path / "folds.csv", out=tmp_path / "cv", cache_dir=cache, **SMALL)
    assert [fold for _, fold in quick] == [0, 1, 2]
    wanted = {row.image_id: str(row.fold) for row in rows}
    (pooled,) = result.pooled.predictions
    assert dict(zip(pooled.image_ids, pooled.folds, strict=True)) == wanted


def test_given_folds_that_leak_are_refused_before_anything_is_written(cohort, cache, quick, tmp_path):
    manifest = read_manifest(cohort / "manifest.csv")
    rows = [row.with_(fold=number % 2) for number, row in enumerate(manifest)]
    write_manifest(manifest.with_rows(rows), tmp_path / "leaky.csv")
    options = {"cache_dir": cache, "out": tmp_path / "cv", **SMALL}
    with pytest.raises(LeakageError, match="fold 0: The split leaks"):
        gyrus.crossval(tmp_path / "leaky.csv", **options)
    assert not (tmp_path / "cv").exists()
    assert not quick
    allowed = gyrus.crossval(tmp_path / "leaky.csv", allow_leak="to show the effect", **options)
    assert allowed.plan.audit["verdict"] == "leaking"
    assert allowed.plan.audit["allow_leak"] == "to show the effect"
    assert any("several folds" in note for note in allowed.evaluation["notes"])
    made = gyrus.crossval(tmp_path / "leaky.csv", split="new", **{**options, "out": tmp_path / "new"})
    assert made.plan.audit["verdict"] == "clean"


def test_the_seed_deals_the_patients_anew_and_a_look_is_counted_for_each_call(cohort, cache, quick, tmp_path):
    options = {"cache_dir": cache, **SMALL}
    first = gyrus.crossval(cohort, out=tmp_path / "a", **options)
    second = gyrus.crossval(cohort, out=tmp_path / "b", **{**options, "epochs": 2})
    other = gyrus.crossval(cohort, out=tmp_path / "c", seed=1, **options)
    assert (first.looks, second.looks, other.looks) == (1, 2, 1)
    assert "cross-validated 2 times" in second.to_text()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0.0 s"), (59.96, "1 min 0 s"), (95.2, "1 min 35 s"), (3599.6, "1 h 0 min"), (7320, "2 h 2 min")],
)
def test_times_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said
