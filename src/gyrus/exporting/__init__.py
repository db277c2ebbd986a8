"""From a network in training, a run, or somebody else's weights to files that answer alike.

What needs torch is imported when it is asked for: merging a bundle's graphs into one works without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyrus.exporting.agreement import Parity
    from gyrus.exporting.graphs import Graphs, make_graphs
    from gyrus.exporting.parity import check_parity

__all__ = ["Graphs", "Parity", "check_parity", "make_graphs"]

_PLACES = {"Graphs": "graphs", "Parity": "agreement", "check_parity": "parity", "make_graphs": "graphs"}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"gyrus.exporting.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
