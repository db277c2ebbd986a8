"""What the types of problems mean: each is an address of this server."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gyrus.errors import NotFoundError
from gyrus.serving.api import documents
from gyrus.serving.problems import TYPES, known_types

router = APIRouter(tags=["problems"], prefix=TYPES.rstrip("/"))


@router.get("", summary="All types of problems")
async def problem_types() -> dict[str, str]:
    """Return type -> what it means."""
    return known_types()


@router.get("/{slug}", summary="A type of problem", responses=documents.responses(None, 404))
async def problem_type(slug: str, request: Request) -> JSONResponse:
    """Return what a type means."""
    meaning = known_types().get(slug)
    if meaning is None:
        raise NotFoundError("there is no such type of problem", fix="see /problems")
    return JSONResponse({"type": f"{TYPES}{slug}", "meaning": meaning})
