"""How probabilities become a mask, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import is_defined, percent, plural

MIRRORED = "The answer is the mean over the image and its mirror image."


def drawing_words(told: Mapping[str, Any] | None) -> str:
    """Return how a card's ``segmentation`` draws: what is averaged, then the rule; empty without one."""
    told = told or {}
    words = postprocess_words(told.get("postprocess"))
    return f"{MIRRORED} {words}" if told.get("mirrored") else words


def postprocess_words(told: Mapping[str, Any] | None) -> str:
    """Return a sentence or two on a card's ``segmentation.postprocess``; empty without one.

    >>> rule = {"threshold": 0.5, "fill_holes": False, "largest": False, "min_size": 0, "unit": "px"}
    >>> postprocess_words({**rule, "chosen_on": None})
    'A pixel is drawn from a probability of 0.5 on. This was not chosen on images.'
    """
    if not told:
        return ""
    steps = ["holes are filled"] if told["fill_holes"] else []
    steps += ["only the largest part is kept"] if told["largest"] else []
    unit = "mm²" if told["unit"] == "mm2" else "pixels"
    steps += [f"parts below {told['min_size']:g} {unit} are dropped"] if told["min_size"] else []
    done = f"; {', '.join(steps)}" if steps else ""
    return f"A pixel is drawn from a probability of {told['threshold']:g} on{done}. {_chosen(told)}"


def _chosen(told: Mapping[str, Any]) -> str:
    on = told["chosen_on"]
    if on is None:
        return "This was not chosen on images."
    whose = "" if on["subjects"] is None else f" of {plural(on['subjects'], 'patient')}"
    noun = SPLIT_NAMES.get(on["split"], on["split"])
    where = f"{plural(on['images'], f'{noun} image')}{whose}"
    if not (is_defined(on["dice"]) and is_defined(on["dice_before"])):
        return f"Chosen on {where}."
    return (
        f"Chosen on {where}, where the Dice is {percent(on['dice'])} with it and "
        f"{percent(on['dice_before'])} from 0.5 on without more."
    )
