"""The command line."""

from gyrus.cli.main import main

__all__ = ["main"]
