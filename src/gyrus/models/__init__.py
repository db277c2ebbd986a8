"""Networks by name, their contract, and their weights from files."""

from gyrus.models.network import Network, NetworkFacts
from gyrus.models.parts import Part, parts_of
from gyrus.models.registry import build, check_architecture, names, suggest
from gyrus.models.weights import WeightsReport, load_weights

__all__ = [
    "Network",
    "NetworkFacts",
    "Part",
    "WeightsReport",
    "build",
    "check_architecture",
    "load_weights",
    "names",
    "parts_of",
    "suggest",
]
