"""Are the members what the card says? Graphs, arrays and test images, looked at without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gyrus.bundles.arrays import inspect_arrays
from gyrus.bundles.graph import inspect_graph
from gyrus.bundles.interface import check_interface
from gyrus.bundles.members import GATE, NEIGHBOURS, NETWORK, PREPROCESS
from gyrus.bundles.neighbours import check_neighbours
from gyrus.bundles.selftest_files import check_selftest
from gyrus.errors import BundleError


def check_content(members: Mapping[str, bytes], card: Mapping[str, Any]) -> None:
    """Check members of the right names, sizes and hashes against a checked card.

    Raises
    ------
    BundleError
        For a graph that reaches outside itself or has other inputs and outputs than the card says, arrays
        that hold more than plain arrays or do not go with the card, test images that hold more than pixels.
    """
    graphs = {name: inspect_graph(members[name], name=name) for name in (PREPROCESS, NETWORK)}
    check_interface(card, graphs[PREPROCESS], graphs[NETWORK])
    _check_arrays(members, card)
    check_selftest(members)


def _check_arrays(members: Mapping[str, bytes], card: Mapping[str, Any]) -> None:
    for name, field in ((GATE, "gate"), (NEIGHBOURS, "neighbours")):
        if (name in members) != (card[field] is not None):
            there = "is there" if name in members else "is missing"
            raise BundleError(
                f"member {name} {there}, and the card's {field} is {'set' if card[field] else 'null'}",
                fix="write both in one call of gyrus.bundles.rewrite_bundle",
            )
    if GATE in members:
        inspect_arrays(members[GATE], name=GATE)
    if NEIGHBOURS in members:
        check_neighbours(card, inspect_arrays(members[NEIGHBOURS], name=NEIGHBOURS))
