"""From a network in training to the two graphs of a bundle, and the gate that they must pass."""

from gyrus.exporting.graphs import Graphs, make_graphs
from gyrus.exporting.parity import Parity, check_parity

__all__ = ["Graphs", "Parity", "check_parity", "make_graphs"]
