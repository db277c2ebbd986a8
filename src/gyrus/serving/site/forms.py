"""Small forms: a few texts, no files."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from gyrus.errors import RequestError, TooLargeError, UnsupportedTypeError
from gyrus.serving.uploads import FORM

PLAIN = "application/x-www-form-urlencoded"
_MOST_BYTES = 64 * 1024
_MOST_FIELDS = 32


async def texts_of(request: Request) -> dict[str, str]:
    """Return the fields of a form without files; of one that comes twice the last.

    Raises
    ------
    UnsupportedTypeError
        For another content type than a form's.
    RequestError
        When it is larger than such a form can be, or no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    receiver = request.app.state.receiver
    if kind == FORM:
        async with receiver.form(request) as form:
            return dict(form.texts)
    if kind != PLAIN:
        raise UnsupportedTypeError(f"the body is no form; expected {PLAIN}", fix="send the page's own form")
    async with receiver.body(request) as body:
        if len(body) > _MOST_BYTES:
            raise TooLargeError(f"the form has more than {_MOST_BYTES} bytes", fix="write less")
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
            )
        except ValueError as error:
            raise RequestError("the form is not well-formed", fix="send the page's own form") from error
    return dict(pairs)
