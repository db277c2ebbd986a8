"""What ``gyrus learn leakage`` has shown, in sentences that follow the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.numbers import interval, is_defined, percent, plural

LEAKING, HONEST = "slice-wise", "patient-wise"
NONSENSE_LEAKING, NONSENSE_HONEST = "slice-wise, meaningless labels", "patient-wise, meaningless labels"


def told(shown: Mapping[str, Any]) -> str:
    """Return the accuracies as a table for the terminal, and what they say."""
    width = max(map(len, shown["arms"]))
    lines = [
        f"{name:<{width}}  {percent(arm['accuracy']['value']):>7}  "
        f"({interval(arm['accuracy']) or 'no interval'}; "
        f"{arm['seen']} of {arm['test_images']} test images are of a patient in training)"
        for name, arm in shown["arms"].items()
    ]
    head = (
        f"{plural(shown['images'], 'image')} of {plural(shown['patients'], 'patient')}; accuracy on "
        f"{shown['arms'][HONEST]['test_images']} test images, in brackets 95 % interval over patients"
    )
    text = "\n".join([head, "", *lines, "", *(f"{sentence}" for sentence in findings(shown))])
    return text.replace("\N{NO-BREAK SPACE}", " ")


def findings(shown: Mapping[str, Any]) -> list[str]:
    """Return what the numbers say; a difference that chance could make is called so."""
    return [_gain(shown), _nonsense(shown), _floor(shown)]


def _gain(shown: Mapping[str, Any]) -> str:
    gain, arms = shown["gain"], shown["arms"]
    value, low, high = gain["value"], gain["low"], gain["high"]
    right = {name: percent(arms[name]["accuracy"]["value"]) for name in (LEAKING, HONEST)}
    both = f"{right[LEAKING]} instead of {right[HONEST]}"
    if not is_defined(low):
        return f"Divided by slices the network seems right in {both} of the test images."
    within = f"{100 * value:.0f} points, 95 % interval {100 * low:.0f} to {100 * high:.0f}"
    if low > 0:
        return f"The leak is worth {within}: divided by slices the network seems right in {both}."
    return (
        f"Divided by slices the network seems right in {both} ({within}); with so few patients, or a task so "
        "easy, that can be chance."
    )


def _nonsense(shown: Mapping[str, Any]) -> str:
    arm = shown["arms"][NONSENSE_LEAKING]
    figure, chance = arm["accuracy"], arm["baseline"]
    right = f"{percent(figure['value'])} of labels that mean nothing (guessing: {percent(chance)})"
    if _guessed(figure, chance):
        return f"Divided by slices it is right in {right}: here it does not clearly know the patients again."
    return (
        f"Divided by slices it is even right in {right}: it knows the patients again, and their other slices "
        "have told it the answer."
    )


def _floor(shown: Mapping[str, Any]) -> str:
    arm = shown["arms"][NONSENSE_HONEST]
    figure, chance = arm["accuracy"], arm["baseline"]
    verdict = "as it must be: about new patients such labels cannot be learned"
    if not _guessed(figure, chance):
        verdict = "more than guessing, which can happen by chance; another --seed should not repeat it"
    return (
        f"Divided by patients the same labels give {percent(figure['value'])} "
        f"(guessing: {percent(chance)}), {verdict}."
    )


def _guessed(figure: Mapping[str, Any], chance: float) -> bool:
    """Whether always answering the most frequent class could be as good."""
    low = figure.get("low")
    return not is_defined(low) or bool(low <= chance)  # type: ignore[operator]
