"""The mark for options that are given by place, not by name, on the command line."""

from tyro.conf import Positional

__all__ = ["Positional"]
