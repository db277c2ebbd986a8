"""The JSON API, and what watches over the server."""

from fastapi import FastAPI

from gyrus.serving.api import cases, exporting, health, model, predicting, problem_types, reviews

__all__ = ["add_api"]


def add_api(app: FastAPI) -> None:
    """Add the routes to an app whose state has ``answering``, ``settings``, ``receiver`` and ``store``.

    They go in one by one: routers within routers would look for the route of each request several times.
    """
    for part in (predicting, cases, reviews, exporting, model, health, problem_types):
        app.router.routes.extend(part.router.routes)
