"""Is it alive, can it answer, what has it done: for supervisors and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from gyrus.serving.measures import CONTENT_TYPE_LATEST

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process lives")
async def healthz() -> dict[str, str]:
    """Answer 200 while the event loop runs; nothing else is asked."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    summary="Requests can be answered and cases kept now",
    responses={503: {"description": "Not now; the problem says why."}},
)
async def readyz(request: Request) -> Response:
    """Answer 200 when the model is loaded and the store takes cases, else 503 with the reason."""
    store = request.app.state.store
    if store is not None:
        await run_in_threadpool(store.ready)
    return JSONResponse({"status": "ready", "model": request.app.state.answering.predictor.digest})


@router.get("/metrics", summary="Counters in Prometheus's text format", response_class=Response)
async def metrics(request: Request) -> Response:
    """Return requests by route and status, times, outcomes, batch sizes, what waits, memory."""
    state = request.app.state
    page = state.measures.page(state.answering.inside)
    return Response(page, media_type=CONTENT_TYPE_LATEST)
