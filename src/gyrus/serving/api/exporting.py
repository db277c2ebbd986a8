"""Reviewed cases as a manifest, to train from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from gyrus.serving.api import documents
from gyrus.serving.api.asked import PREFIX, AStore, aside
from gyrus.serving.store.export import csv_lines, zip_parts

router = APIRouter(tags=["export"], prefix=PREFIX)


@router.get(
    "/export",
    summary="Reviewed cases as manifest.csv, or with their images",
    response_class=Response,
    responses=documents.responses(None, 401, 404, 422, 503),
)
async def export(
    store: AStore,
    images: Annotated[bool, Query(description="A zip archive of the images and their manifest.csv.")] = False,
) -> Response:
    """Return a row for each reviewed case that has a class or a mask; paths start from the folder of blobs.

    Of a scan of several slices whose masks were agreed with, a row for each. With ``images=true`` a zip
    archive that can be trained from anywhere.
    """
    await aside(store.ready)  # what fails should fail before the first line is out
    if images:
        return StreamingResponse(
            zip_parts(store.export_rows(), store.blob),
            media_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="reviewed.zip"'},
        )
    return StreamingResponse(
        csv_lines(store.export_rows()),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="manifest.csv"'},
    )
