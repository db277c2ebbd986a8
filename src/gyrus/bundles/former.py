"""Cards of format 1, raised to the form that today's card has."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

FORMER_VERSIONS = (1,)

# what a card of format 1 means where it says nothing: the choices came later
_BEFORE_THERE_WAS_A_CHOICE: dict[str, dict[str, Any]] = {
    "input": {"resize": "squash", "brain_crop": False, "normalize": "auto"},
    "outputs": {"activation": "softmax"},
}
_RESERVED = ("calibration", "operating_points", "conformal", "gate")
_NEW = {"neighbours": None, "private": False}


def raised(card: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return a card of format 1 in the form of format ``version``; nothing about its meaning changes.

    Raises
    ------
    ValueError
        Naming each field that format 1 did not have, or had reserved.
    """
    wrong = [name for name in _RESERVED if card.get(name) is not None] + [
        name for name in _NEW if name in card
    ]
    if isinstance(card.get("outputs"), Mapping) and card["outputs"].get("maps") in ("gradient", "occlusion"):
        wrong.append("outputs.maps")
    if wrong:
        raise ValueError("\n".join(f"{name}: format 1 has no such value" for name in wrong))
    new = {**copy.deepcopy(dict(card)), **_NEW, "format_version": version}
    for name, defaults in _BEFORE_THERE_WAS_A_CHOICE.items():
        if isinstance(new.get(name), dict):
            new[name] = {**defaults, **new[name]}
    return new
