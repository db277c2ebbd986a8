"""Web pages and JSON API of a bundle: no torch. ``gyrus serve`` starts it; :func:`create_app` makes the app."""

from gyrus.serving.app import create_app

__all__ = ["create_app"]
