"""The model, its limits, and the switch of colours."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gyrus.errors import RequestError
from gyrus.serving.protection import check_form
from gyrus.serving.site.forms import texts_of
from gyrus.serving.site.site import THEME_COOKIE, THEMES, Site, is_own_path, site_of

router = APIRouter(include_in_schema=False)

_YEAR_S = 365 * 24 * 3600
_SEE_OTHER = 303


@router.get("/model")
async def model_page(request: Request) -> HTMLResponse:
    """Show the model's card, figures, calibration and operating points."""
    return site_of(request).page(request, "model.html", here="model")


@router.get("/about")
async def about_page(request: Request) -> HTMLResponse:
    """Show what this can and cannot do."""
    site = site_of(request)
    base = str(request.base_url).rstrip("/")
    return site.page(request, "about.html", here="about", base=base, keeping=_keeping(site))


@router.post("/theme")
async def theme(request: Request) -> Response:
    """Keep a browser's choice of colours in a cookie, and lead back."""
    texts = await texts_of(request)
    check_form(request, texts)
    chosen, back = texts.get("theme", ""), texts.get("back", "/")
    if chosen not in THEMES:
        raise RequestError(f"there are no such colours; expected {', '.join(THEMES)}")
    root = str(request.scope.get("root_path", ""))
    response = RedirectResponse(root + (back if is_own_path(back) else "/"), _SEE_OTHER)
    path, secure = root or "/", request.url.scheme == "https"
    if chosen == "auto":
        response.delete_cookie(THEME_COOKIE, path=path)
    else:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_YEAR_S, path=path, secure=secure, httponly=True, samesite="lax"
        )
    return response


def _keeping(site: Site) -> tuple[str, ...]:
    """Say what happens to an image, in lines."""
    if not site.keeps:
        return (
            "It is sent to this server and to no other; there the model runs.",
            "Nothing is kept: image and answer are gone when the page is closed.",
        )
    return (
        "It is sent to this server and to no other; there the model runs.",
        "Image, answer and verdicts are kept here until somebody deletes the case; then they are removed "
        "from the store and from the disk.",
        "The name of its file is kept too, because whoever runs this server asked for it."
        if site.keeps_names
        else "The name of its file is not kept, for it often names a patient.",
        "Names that are burnt into the picture, or stand in the header of a DICOM file, stay in it: remove "
        "them before.",
        "Reviewed cases can be exported to train a better model.",
    )
