"""From a network in training, a run, or somebody else's weights to files that answer alike.

What needs torch is imported when it is asked for: merging a bundle's graphs into one works without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyrus.exporting.agreement import Parity
    from gyrus.exporting.graphs import Graphs, make_graphs
    from gyrus.exporting.mask_graphs import make_mask_graphs
    from gyrus.exporting.mask_parity import check_mask_parity
    from gyrus.exporting.parity import check_parity

__all__ = [
    "Graphs",
    "Parity",
    "check_mask_parity",
    "check_parity",
    "make_graphs",
    "make_mask_graphs",
]

_PLACES = {
    "Graphs": "graphs",
    "Parity": "agreement",
    "check_mask_parity": "mask_parity",
    "check_parity": "parity",
    "make_graphs": "graphs",
    "make_mask_graphs": "mask_graphs",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"gyrus.exporting.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
