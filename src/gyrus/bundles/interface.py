"""Do the two graphs take and give what the card says? They are asked, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.graph import FLOAT, UINT8, GraphFacts, Value
from gyrus.bundles.mask_rules import SEGMENT, picture_classes_of, planes_of
from gyrus.bundles.members import NETWORK, PREPROCESS
from gyrus.errors import BundleError

_IN_GRAPH = ("exact", "gradient")

# what is declared: element type, and a length per dimension where the card gives one
Declared = tuple[int, tuple[int | None, ...]]


def check_interface(card: Mapping[str, Any], preprocess: GraphFacts, network: GraphFacts) -> None:
    """Hold names, types and shapes of inputs and outputs against the card.

    Raises
    ------
    BundleError
        With a line for every input or output that is missing, or of another type or shape.
    """
    given, answers = card["input"], card["outputs"]
    side, channels = given["image_size_px"], len(given["mean"])
    wide = (side, side) if not given["dynamic_size"] else (None, None)
    wanted: dict[str, Declared] = {"logits": (FLOAT, (None, len(card["classes"])))}
    if card["task"] == SEGMENT:
        wanted = {"mask_logits": (FLOAT, (None, planes_of(card), side, side))}
        if picture_classes_of(card):
            wanted["logits"] = (FLOAT, (None, len(picture_classes_of(card))))
    if answers["embedding"]:
        wanted["embedding"] = (FLOAT, (None, None))
    if answers["maps"] in _IN_GRAPH:
        wanted["maps"] = (FLOAT, (None, len(card["classes"]), None, None))
    problems = [
        *_inputs(PREPROCESS, preprocess, {"image": (UINT8, (None, None, given["channels"]))}),
        *_values(PREPROCESS, preprocess.outputs, {"pixels": (FLOAT, (None, channels, side, side))}),
        *_inputs(NETWORK, network, {"pixels": (FLOAT, (None, channels, *wide))}),
        *_values(NETWORK, network.outputs, wanted),
    ]
    if problems:
        raise BundleError(
            "the graphs are not what the card says", details=problems, fix="export the model again"
        )


def _inputs(member: str, facts: GraphFacts, wanted: Mapping[str, Declared]) -> list[str]:
    if facts.asked_for != list(wanted):
        names = ", ".join(facts.asked_for) or "nothing"
        return [f"{member}: takes {names[:80]}; expected {', '.join(wanted)}"]
    return _values(member, facts.inputs, wanted)


def _values(member: str, values: Mapping[str, Value], wanted: Mapping[str, Declared]) -> list[str]:
    problems = []
    for name, (element, shape) in wanted.items():
        got = values.get(name)
        if got is None:
            problems.append(f"{member}: has no {name}")
        elif got.element != element or not _fits(got.shape, shape):
            problems.append(f"{member}: {name} is {got.words()}; expected {Value(element, shape).words()}")
    return problems


def _fits(got: tuple[int | None, ...] | None, wanted: tuple[int | None, ...]) -> bool:
    """Whether every length that both name is the same; an open one fits any."""
    if got is None or len(got) != len(wanted):
        return False
    return all(None in pair or pair[0] == pair[1] for pair in zip(got, wanted, strict=True))
