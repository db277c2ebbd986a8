"""The report shows calibration before and after, thresholds, referrals; nothing where there is none."""

from __future__ import annotations

import numpy as np
import plausible_run
import pytest
from page_checks import EVIL

from gyrus.decision import Decision
from gyrus.decision.activations import softmax
from gyrus.decision.cases import Cases, make_cases
from gyrus.decision.learning import Wish, fit_decision
from gyrus.evaluation.decided import said_by
from gyrus.evaluation.decision_figures import decision_figures
from gyrus.pages.decision_plots import class_benefit_plot, net_benefit_plot, risk_coverage_plot
from gyrus.pages.measured import measured_from
from gyrus.pages.model_card_decision import decision_lines, refers
from gyrus.pages.sections_decision import recalibration, referrals, thresholds

CLASSES = ("glioma", "meningioma", "no_tumor", "pituitary")
ASKED = Wish(points=((("glioma", "pituitary"), "sensitivity", 0.9),))


def cases(seed: int, classes: tuple[str, ...] = CLASSES, split: str = "cal") -> Cases:
    random = np.random.default_rng(seed)
    honest = random.normal(0, 2, (160, 4))
    pick = (random.random(160)[:, None] > softmax(honest).cumsum(axis=1)).sum(axis=1)
    labels = [[classes[min(number, 3)]] for number in pick]
    patients = [str(number) for number in range(160)]
    return make_cases(3 * honest, labels, patients, classes, split=split, subject_ids=patients)


def block(wish: Wish = ASKED, classes: tuple[str, ...] = CLASSES) -> tuple[Decision, dict]:
    decision, _ = fit_decision(cases(0, classes), wish)
    return decision, decision_figures(said_by(decision, cases(1, classes, "test")))


def page(figures: dict | None) -> str:
    evaluation = dict(plausible_run.context().evaluations["test"])
    if figures is not None:
        evaluation["decision"] = figures
    context = plausible_run.context(evaluations={"test": evaluation})
    measured = measured_from(evaluation, "test")
    parts = [draw(context, measured) for draw in (recalibration, thresholds, referrals)]
    return "".join(part for part in parts if part)


def test_every_part_has_its_section() -> None:
    _, figures = block()
    text = page(figures)
    for words in (
        "What calibration changed", "temperature scaling", "From which probability on is it worth acting?",
        "glioma, pituitary: sensitivity at least 0.9", "Net benefit of acting on the model", "PPV",
        "When does it say nothing?", "classes in the set", "Area under the curve",
    ):  # fmt: skip
        assert words in text, words
    assert text.count('id="recalibration"') == text.count('id="thresholds"') == 1
    referred = figures["sets"]["referred"]["value"]
    assert f"Here {100 * referred:.1f}\N{NO-BREAK SPACE}% were referred" in text


def test_a_model_without_points_shows_the_curves_of_its_classes() -> None:
    text = page(block(Wish())[1])
    assert "No threshold was asked for." in text
    assert "of each class against the rest" in text


def test_without_a_decision_there_is_no_section() -> None:
    assert page(None) == ""


def test_class_names_are_text() -> None:
    names = (EVIL, "b", "c", "d")
    wish = Wish(points=(((EVIL,), "sensitivity", 0.8),))
    decision, figures = block(wish, names)
    text = page(figures)
    assert EVIL not in text
    assert decision_lines({"task": "classify", **decision.to_card()})


def test_plots_show_what_they_are_given() -> None:
    _, figures = block()
    [point] = figures["points"]
    axes = net_benefit_plot(point["curve"], point["threshold"]).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines["act on the model"].get_ydata().tolist() == pytest.approx(point["curve"]["model"])
    drawn = risk_coverage_plot(figures["risk_coverage"], (0.5, 0.1)).axes[0]
    assert drawn.get_lines()[0].get_xdata()[-1] == 1.0
    assert len(class_benefit_plot(figures["curves"], CLASSES).axes[0].get_legend().get_texts()) == 4


def test_the_model_card_says_what_is_fitted_and_what_is_not() -> None:
    decision, _ = block()
    card = decision.to_card()
    calibrated, point, sets = decision_lines(card)
    assert "Calibrated by temperature" in calibrated
    assert "on 160 images of 160 patients" in calibrated
    assert "calibration: sensitivity" in point
    assert "LAC, at least 90\N{NO-BREAK SPACE}%" in sets
    assert refers(card)
    bare = Decision(CLASSES).to_card()
    assert decision_lines(bare) == [
        "- Probabilities are as the network gives them: no calibration was fitted.",
        "- It never refers an image to a person: no conformal sets were fitted.",
    ]
    assert not refers(bare)
    few = fit_decision(cases(0).take(np.arange(24)), Wish())[0].to_card()
    assert "no sets" in decision_lines(few)[-1]
    assert not refers(few)
