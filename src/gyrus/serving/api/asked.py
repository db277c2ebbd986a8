"""What the routes about kept cases share: the store, and running it beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from gyrus.errors import NotFoundError
from gyrus.serving.api.shown import EXAMPLE_ID
from gyrus.serving.store import Store

PREFIX = "/api/v1"
P = ParamSpec("P")
R = TypeVar("R")

CaseId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Of a case.", examples=[EXAMPLE_ID])]


def _store(request: Request) -> Store:
    store: Store | None = request.app.state.store
    if store is None:
        raise NotFoundError("this server keeps no cases", fix="start it with --db")
    return store


AStore = Annotated[Store, Depends(_store)]


async def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run work of the store in a thread."""
    return await run_in_threadpool(work, *args, **kwargs)
