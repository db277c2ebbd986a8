"""The JSON API, and what watches over the server."""

from fastapi import APIRouter

from gyrus.serving.api import cases, exporting, health, model, predicting, problem_types, reviews

router = APIRouter()
for _part in (predicting, cases, reviews, exporting, model):
    router.include_router(_part.router, prefix="/api/v1")
for _part in (health, problem_types):
    router.include_router(_part.router)

__all__ = ["router"]
