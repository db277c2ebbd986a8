"""The pages for people: templates, styles and scripts of our own, nothing from elsewhere."""

from __future__ import annotations

from fastapi import FastAPI

from gyrus.serving.site import ask_page, case_page, history_page, told_pages
from gyrus.serving.site.environment import STATIC
from gyrus.serving.site.site import Site, problem_page
from gyrus.serving.site.static_files import StampedFiles

__all__ = ["add_pages"]


def add_pages(app: FastAPI) -> None:
    """Add all pages to an app whose state has ``answering``, ``settings``, ``receiver`` and ``store``."""
    state = app.state
    state.site = Site(state.answering, state.settings, keeps=state.store is not None)
    state.problem_page = problem_page
    app.mount("/static", StampedFiles(directory=STATIC), name="static")
    for part in (ask_page, case_page, history_page, told_pages):
        app.include_router(part.router)
