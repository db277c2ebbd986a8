"""Which model answers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX

router = APIRouter(tags=["model"], prefix=PREFIX)


@router.get("/model", summary="The model and its card", responses=documents.responses(None, 401))
async def model(request: Request) -> dict[str, Any]:
    """Return the model as every answer names it, and its whole card: calibration, thresholds, figures."""
    answering = request.app.state.answering
    return {"model": answering.model, "card": dict(answering.card)}
