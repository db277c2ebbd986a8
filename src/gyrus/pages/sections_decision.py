"""What is made of the probabilities: calibration before and after, thresholds, and when it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.context import ReportContext
from gyrus.pages.decision_plots import class_benefit_plot, net_benefit_plot, risk_coverage_plot
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import Measured
from gyrus.pages.numbers import decimal, figure_cell, interval, is_defined, percent, plural
from gyrus.pages.plots import reliability_plot
from gyrus.pages.sections_first import leak_stamp
from gyrus.pages.svg import to_svg

_RATES = {
    "sensitivity": "of the positive images, called positive",
    "specificity": "of the negative images, called negative",
    "ppv": "of those called positive, positive",
    "npv": "of those called negative, negative",
}


def recalibration(context: ReportContext, measured: Measured) -> Html | None:
    """Reliability without and with the calibration, side by side."""
    block = measured.decision
    if not block or not block.get("after"):
        return None
    plots = []
    for key, words in (("before", "as the network gives them"), ("after", "calibrated")):
        drawn = reliability_plot(block[key]["reliability"])
        svg = to_svg(drawn, name=f"reliability-{key}", description=f"Reliability of probabilities {words}")
        plots.append(tag("figure", tag("figcaption", words), svg))
    rows = [
        [words, figure_cell(block[key]["log_loss"], as_percent=False), figure_cell(block[key]["ece"])]
        for key, words in (("before", "as the network gives them"), ("after", "calibrated"))
    ]
    return tag(
        "section",
        tag("h2", "What calibration changed", leak_stamp(context)),
        tag("p", _how_fitted(block)),
        tag("div", plots, class_="plots"),
        table(["probabilities", "log loss", "calibration error (ECE)"], rows, class_="numbers"),
        id="recalibration",
    )


def _how_fitted(block: Mapping[str, Any]) -> str:
    calibration = block["calibration"]
    what = (
        f"Every logit is divided by {calibration['temperature']:.3g} (temperature scaling)"
        if calibration["method"] == "temperature"
        else "Each class's logit has a scale and a bias of its own (vector scaling)"
    )
    fitted = calibration["fitted_on"]
    of = f" of {plural(fitted['subjects'], 'patient')}" if fitted["subjects"] else ""
    if block["cross_fitted"]:
        return (
            f"{what}. Each patient's probabilities are by a calibration fitted on the other patients; five "
            f"fits on {plural(fitted['images'], 'image')}{of}."
        )
    return f"{what}, fitted on {plural(fitted['images'], 'calibration image')}{of}; measured here on others."


def thresholds(context: ReportContext, measured: Measured) -> Html | None:
    """Each operating point with its rates, decision curve and predictive values; else the classes' curves."""
    block = measured.decision
    if not block or not block["curves"]:
        return None
    parts = [_point(point, number) for number, point in enumerate(block["points"])]
    if not parts:
        parts = [_class_curves(block, measured)]
    return tag(
        "section",
        tag("h2", "From which probability on is it worth acting?", leak_stamp(context)),
        parts,
        id="thresholds",
    )


def _point(point: Mapping[str, Any], number: int) -> Html:
    rows = [
        [name.upper() if len(name) == 3 else name, figure_cell(point["rates"][name]), meaning]
        for name, meaning in _RATES.items()
    ]
    asked = (
        f"An image is called positive ({', '.join(point['positive'])}) from a probability of "
        f"{decimal(point['threshold'])} on. Solved on the split {point['split']}, it promises a "
        f"{point['metric']} of at least {percent(point['at_least'])} for new patients; here it gave:"
    )
    drawn = net_benefit_plot(point["curve"], point["threshold"])
    words = "Net benefit of acting on the model, on everybody and on nobody, over the threshold probability"
    return tag(
        "div",
        tag("h3", point["name"]),
        tag("p", asked),
        tag(
            "div",
            tag("figure", to_svg(drawn, name=f"benefit-{number}", description=words)),
            tag("div", table(["", "", ""], rows), tag("p", _reading(), class_="small soft")),
            class_="plots",
        ),
        _priced(point) if point["at_prevalence"] else None,
    )


def _reading() -> str:
    return (
        "The decision curve counts a true positive as 1 and a false one as the odds of the threshold: who "
        "acts at 20 % takes four false alarms for one hit. Where the curve lies above both others, acting on "
        "the model is worth more than acting on everybody or on nobody, at these images' own prevalence."
    )


def _priced(point: Mapping[str, Any]) -> Html:
    rows = [
        [percent(row["prevalence"]), figure_cell(row["ppv"]), figure_cell(row["npv"])]
        for row in point["at_prevalence"]
    ]
    caption = (
        "What an answer is worth where so many of those examined are positive; here it was "
        f"{percent(point['prevalence'])}."
    )
    return table(["positive", "PPV", "NPV"], rows, caption=caption, class_="numbers")


def _class_curves(block: Mapping[str, Any], measured: Measured) -> Html:
    drawn = class_benefit_plot(block["curves"], measured.classes)
    words = "Net benefit of acting on each class's probability, over the threshold probability"
    notes = [
        tag("p", _reading()),
        tag("p", "Solid: acting on the model; dashed: acting on everybody, of each class against the rest."),
        tag(
            "p",
            "No threshold was asked for. With --positive CLASS,CLASS --min-sensitivity 0.95 one is solved on "
            "the calibration images and measured here.",
            class_="small soft",
        ),
    ]
    return tag(
        "div",
        tag("figure", to_svg(drawn, name="benefit", description=words)),
        tag("div", notes),
        class_="plots",
    )


def referrals(context: ReportContext, measured: Measured) -> Html | None:
    """What the sets hold, how many images are referred, and how wrong answers thin out with silence."""
    block = measured.decision
    if not block or not (block["sets"] or block["risk_coverage"]):
        return None
    sets, risk = block["sets"], block["risk_coverage"]
    return tag(
        "section",
        tag("h2", "When does it say nothing?", leak_stamp(context)),
        [tag("p", note[:1].upper() + note[1:] + ".") for note in block["notes"]],
        tag("p", _promise(sets)) if sets else None,
        tag(
            "div",
            _risk(risk, sets) if risk else None,
            _set_tables(sets) if sets else None,
            class_="plots",
        ),
        id="referrals",
    )


def _promise(sets: Mapping[str, Any]) -> str:
    who = "an image of a patient not seen before" if sets["by"] == "subject" else "an image"
    right, referred = sets["answered_right"]["value"], sets["referred"]["value"]
    promise = sets.get("promise", "at-least").replace("-", " ")
    return (
        f"For {who} the true class is in the set {promise} {percent(sets['level'], 0)} of the time, for "
        "every class; an image whose set is not the one most probable class is referred to a person. Here "
        f"{percent(referred)} were referred, and {percent(right)} of the others were right, against "
        f"{percent(sets['all_right']['value'])} of all."
    )


def _set_tables(sets: Mapping[str, Any]) -> Html:
    rows = [
        [name, figure_cell(one["coverage"]), decimal(one["mean_size"], 2), f"{one['images']:,}"]
        for name, one in sets["per_class"].items()
    ]
    total = sum(sets["sizes"].values())
    rows.append(["all", figure_cell(sets["coverage"]), decimal(sets["mean_size"], 2), f"{total:,}"])
    sizes = [
        [plural(int(size), "class", "classes"), f"{count:,}", percent(count / total)]
        for size, count in sets["sizes"].items()
    ]
    held = "held (mean of the patients)" if sets["by"] == "subject" else "held"
    return tag(
        "div",
        table(["true class", held, "classes in the set", "images"], rows, class_="numbers"),
        table(["set of", "images", "share"], sizes, class_="numbers"),
    )


def _risk(risk: Mapping[str, Any], sets: Mapping[str, Any] | None) -> Html:
    drawn = risk_coverage_plot(risk, _not_referred(sets))
    area = risk["area"]
    within = f" ({interval(area, as_percent=False)})" if interval(area, as_percent=False) else ""
    words = f"Share of wrong answers among the surest images; area {decimal(area['value'])}"
    return tag(
        "figure",
        to_svg(drawn, name="risk", description=words),
        tag(
            "figcaption",
            "Wrong answers when only the surest images are answered. Area under the curve "
            f"{decimal(area['value'])}{within}; lower is better.",
        ),
    )


def _not_referred(sets: Mapping[str, Any] | None) -> tuple[float, float] | None:
    if not sets or not is_defined(sets["answered_right"]["value"]):
        return None
    return 1 - sets["referred"]["value"], 1 - sets["answered_right"]["value"]
