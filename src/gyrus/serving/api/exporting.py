"""Reviewed cases as a manifest, to train from."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX, AStore, aside
from gyrus.serving.store.export import csv_lines

router = APIRouter(tags=["export"], prefix=PREFIX)


@router.get(
    "/export",
    summary="Reviewed cases as manifest.csv",
    response_class=Response,
    responses=documents.responses(None, 401, 404, 503),
)
async def export(store: AStore) -> Response:
    """Return a row for each reviewed case that has a class; paths are relative to the folder of blobs."""
    await aside(store.ready)  # what fails should fail before the first line is out
    return StreamingResponse(
        csv_lines(store.export_rows()),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="manifest.csv"'},
    )
