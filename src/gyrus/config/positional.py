"""Marks of options: given by place rather than by name, or not on the command line at all."""

from tyro.conf import Positional
from tyro.conf import Suppress as Hidden

__all__ = ["Hidden", "Positional"]
