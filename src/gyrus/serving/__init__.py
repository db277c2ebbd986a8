"""Web pages and JSON API of a bundle, without torch; started by ``gyrus serve``."""

from gyrus.serving.app import create_app

__all__ = ["create_app"]
