"""Models on the same images: who is better, and is it more than chance?"""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from gyrus.evaluation import Predictions
from gyrus.evaluation.aligning import Entry
from gyrus.evaluation.compare import compare_predictions, delong_difference, statistic_of
from gyrus.evaluation.figures import Figures
from gyrus.evaluation.verdicts import format_comparison
from gyrus.metrics.comparison import delong_paired, mcnemar
from gyrus.runs.atomic import to_json

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc")


def model(name, strength, seed, n=300, patients=60, classes=("a", "b", "c")):
    """A model whose errors share what is hard about each image and patient with the other models."""
    hard, own = np.random.default_rng(99), np.random.default_rng(seed)
    patient = np.arange(n) % patients
    y_true = patient % len(classes)
    logits = hard.normal(size=(patients, len(classes)))[patient] + hard.normal(size=(n, len(classes)))
    logits += 0.5 * own.normal(size=(n, len(classes))) + strength * np.eye(len(classes))[y_true]
    y_prob = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Entry(
        name,
        Predictions(
            image_ids=tuple(f"i{number}" for number in range(n)),
            subject_ids=tuple(f"P{number}" for number in patient),
            labels=tuple(classes[number] for number in y_true),
            classes=classes,
            y_prob=y_prob,
        ),
    )


@pytest.fixture(scope="module")
def three():
    return [model("weak", 1.5, 1), model("strong", 3.5, 2), model("alike", 1.6, 3)]


@pytest.fixture(scope="module")
def comparison(three):
    return compare_predictions(three, n_bootstrap=500)


def test_the_leaderboard_is_sorted_and_scikit_learns(three, comparison):
    names = [line["name"] for line in comparison["leaderboard"]]
    assert names[0] == "strong"
    by_name = {entry.name: entry.predictions for entry in three}
    for line in comparison["leaderboard"]:
        predictions = by_name[line["name"]]
        y_true, y_pred, y_prob = predictions.y_true, predictions.y_pred, predictions.y_prob
        assert line["accuracy"]["value"] == pytest.approx(sk.accuracy_score(y_true, y_pred))
        assert line["balanced_accuracy"]["value"] == pytest.approx(sk.balanced_accuracy_score(y_true, y_pred))
        assert line["macro_f1"]["value"] == pytest.approx(sk.f1_score(y_true, y_pred, average="macro"))
        wanted = sk.roc_auc_score(y_true, y_prob, multi_class="ovr", average="macro")
        assert line["macro_roc_auc"]["value"] == pytest.approx(wanted)


def test_every_pair_has_its_tests_better_first(comparison):
    assert len(comparison["pairs"]) == 3
    values = {line["name"]: line["accuracy"]["value"] for line in comparison["leaderboard"]}
    for pair in comparison["pairs"]:
        assert pair["difference"]["value"] == pytest.approx(values[pair["better"]] - values[pair["worse"]])
        assert pair["difference"]["value"] >= 0
        assert pair["bootstrap"]["value"] == pytest.approx(pair["difference"]["value"])
        changed = pair["mcnemar"]
        net = (changed["only_better"] - changed["only_worse"]) / comparison["n_images"]
        assert net == pytest.approx(pair["difference"]["value"])
        assert pair["bootstrap"]["low"] == pytest.approx(pair["difference"]["low"], abs=0.02)


def test_the_sentences(comparison):
    by_pair = {frozenset((pair["better"], pair["worse"])): pair for pair in comparison["pairs"]}
    won = by_pair[frozenset(("strong", "weak"))]
    difference = won["difference"]
    value, low, high = (f"{100 * difference[name]:.1f}" for name in ("value", "low", "high"))
    assert won["told"]
    assert won["sentence"] == f"strong is better than weak by {value} points ({low} to {high}) of accuracy."
    open_ = by_pair[frozenset(("alike", "weak"))]
    assert not open_["told"]
    assert "It cannot be told" in open_["sentence"]
    assert "patients, there are 60." in open_["sentence"]
    assert open_["needed_patients"] > 60


def test_p_values_are_adjusted_for_all_pairs(comparison):
    for test, p in (("difference", "p"), ("bootstrap", "p"), ("delong", "p"), ("mcnemar", "p_mid")):
        raw = np.array([pair[test][p] for pair in comparison["pairs"]])
        adjusted = np.array([pair[test]["p_holm"] for pair in comparison["pairs"]])
        assert (adjusted >= raw).all()
        assert adjusted[raw.argmin()] == pytest.approx(min(1, 3 * raw.min()))


def test_a_difference_that_does_not_survive_the_adjustment_is_not_told():
    """A pair with p between 0.017 and 0.05: told alone, not told among three pairs."""
    for seed in range(200):
        entries = [model("x", 2.0, seed), model("y", 2.25, seed + 1000)]
        alone = compare_predictions(entries, n_bootstrap=200)["pairs"][0]
        if 0.02 < alone["difference"]["p"] < 0.045:
            break
    else:
        pytest.fail("no seed gives a difference in between")
    assert alone["told"]
    copies = [*entries, Entry("z", entries[0].predictions)]
    among = compare_predictions(copies, n_bootstrap=200)["pairs"]
    sentence = next(pair for pair in among if {pair["better"], pair["worse"]} == {"x", "y"})["sentence"]
    assert "after adjustment for 3 comparisons" in sentence


@pytest.mark.parametrize("metric", METRICS)
def test_any_main_figure_can_decide(three, metric):
    result = compare_predictions(three, metric=metric, n_bootstrap=300)
    values = [line[metric]["value"] for line in result["leaderboard"]]
    assert values == sorted(values, reverse=True)
    for pair in result["pairs"]:
        low, high = (pair["bootstrap"][name] for name in ("low", "high"))
        assert low <= pair["difference"]["value"] <= high


@pytest.mark.parametrize("metric", METRICS)
def test_the_statistic_at_equal_weights_is_the_figure(three, metric):
    figures = Figures(three[0].predictions, 0.95)
    value = statistic_of(figures, metric)(np.ones((figures.n_groups, 1), np.float32))
    assert value[0] == pytest.approx(figures.linear(metric).value, rel=1e-6)


def test_for_two_classes_the_test_of_areas_is_delongs():
    a, b = (
        model(name, s, seed, classes=("n", "p")).predictions for name, s, seed in (("a", 1, 1), ("b", 2, 2))
    )
    first, second = Figures(a, 0.95), Figures(b, 0.95)
    mine = delong_difference(first, second)
    theirs = delong_paired(a.y_true == 1, a.y_prob[:, 1], b.y_prob[:, 1], first.groups)
    assert (mine.value, mine.low, mine.high, mine.p) == pytest.approx(
        (theirs.value, theirs.low, theirs.high, theirs.p), rel=1e-6
    )


def test_mcnemar_counts_patients(three, comparison):
    pair = comparison["pairs"][0]
    by_name = {entry.name: entry.predictions for entry in three}
    sides = [by_name[pair[name]] for name in ("worse", "better")]
    right = [side.y_true == side.y_pred for side in sides]
    groups = np.arange(300) % 60
    wanted = mcnemar(*right, groups)
    assert pair["mcnemar"]["p_exact"] == pytest.approx(wanted.p_exact)
    assert pair["mcnemar"]["clusters"] == wanted.clusters


def test_equal_models_are_equal_and_no_number_of_patients_is_named(three):
    twin = Entry("twin", three[0].predictions)
    (pair,) = compare_predictions([three[0], twin], n_bootstrap=200)["pairs"]
    assert not pair["told"]
    assert pair["needed_patients"] is None
    assert "are equal" in pair["sentence"]


def test_two_patients_say_little_and_one_says_nothing():
    tiny = [model(name, 2, seed, n=6, patients=1, classes=("a", "b")) for name, seed in (("x", 1), ("y", 2))]
    (pair,) = compare_predictions(tiny, n_bootstrap=200)["pairs"]
    assert pair["sentence"].startswith("Nothing can be said")
    assert pair["needed_patients"] is None


def test_unknown_patients_are_said():
    entries = [model("x", 2, 1), model("y", 2, 2)]
    blind = [
        Entry(e.name, Predictions(e.predictions.image_ids, ("",) * 300, e.predictions.labels,
                                  e.predictions.classes, e.predictions.y_prob))
        for e in entries
    ]  # fmt: skip
    result = compare_predictions(blind, n_bootstrap=200)
    assert result["clustered_by"] == "images"
    assert any("known patient" in note for note in result["notes"])
    assert "images, there are 300" in result["pairs"][0]["sentence"]


def test_the_text_and_the_json(comparison):
    text = format_comparison(comparison)
    for pair in comparison["pairs"]:
        assert pair["sentence"] in text
        assert f"{pair['better']} - {pair['worse']}" in text
    assert "McNemar" in text
    assert "Holm" in text
    assert json.loads(to_json(comparison))["n_clusters"] == 60


def test_false_alarms_are_rare():
    """Three equal models, 40 repetitions: a difference may be told in about 5 % of them at most."""
    told = 0
    for seed in range(40):
        entries = [model(f"m{number}", 2.0, 1000 * seed + number, n=120, patients=40) for number in range(3)]
        told += any(pair["told"] for pair in compare_predictions(entries, n_bootstrap=200)["pairs"])
    assert told <= 6
