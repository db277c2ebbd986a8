"""Networks by name, their contract, their parts, and their weights from files and hubs."""

from gyrus.models.grey import to_grey
from gyrus.models.network import Network, NetworkFacts
from gyrus.models.parts import Part, parts_of
from gyrus.models.registry import build, check_architecture, check_two_classes, names, suggest
from gyrus.models.starting import start
from gyrus.models.weights import load_weights
from gyrus.models.weights_report import WeightsReport

__all__ = [
    "Network",
    "NetworkFacts",
    "Part",
    "WeightsReport",
    "build",
    "check_architecture",
    "check_two_classes",
    "load_weights",
    "names",
    "parts_of",
    "start",
    "suggest",
    "to_grey",
]
