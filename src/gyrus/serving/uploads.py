"""Bodies of requests: counted and timed while they come in, taken apart without a file on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from gyrus.config.serving import MIB, ServeOptions
from gyrus.errors import BusyError, RequestError, TooLargeError, TooSlowError, UnsupportedTypeError

# what a client sent is not for logs, not even a byte of it
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

FORM = "multipart/form-data"
JSON = "application/json"
FILE_FIELDS = ("image", "file")
_BODIES_AT_ONCE = 8
"""Largest bodies that are in memory together."""
_MOST_TEXT_BYTES = 64 * 1024
_MOST_TEXTS = 32
_MOST_EMPTY = 32
"""Parts that count for neither; a million of them fit into a body, and would take a minute to parse."""
_MOST_HEADER_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came.

    Attributes
    ----------
    data : bytes
    name : str or None
        What the client calls it; it may name a patient.
    """

    data: bytes = field(repr=False)
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What a multipart form held: files in order, and the texts of its other fields."""

    files: tuple[Upload, ...]
    texts: dict[str, str] = field(default_factory=dict, repr=False)


class Receiver:
    """Reads bodies within the bounds of the options; one for all requests, whose bytes it counts together.

    Use it as ``async with receiver.form(request) as form``: the bytes count until the block is left.
    """

    def __init__(self, options: ServeOptions) -> None:
        self._most = options.max_upload_mib * MIB
        self._most_together = _BODIES_AT_ONCE * self._most
        self._most_files = options.max_files
        self._seconds = options.upload_seconds
        self._held = 0

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[Form]:
        """Read a multipart form.

        Raises
        ------
        UnsupportedTypeError
            For another content type.
        RequestError
            When it is no well-formed form, too large, too slow, or has too many parts.
        BusyError
            When the bodies of all requests together are too large.
        """
        kind, parameters = parse_options_header(request.headers.get("content-type"))
        boundary = parameters.get(b"boundary")
        if kind.decode("latin-1").lower() != FORM or not boundary:
            raise UnsupportedTypeError(
                f"the body is {_shown(kind)}; expected {FORM} with a boundary",
                fix='curl -F "image=@scan.png" sends such a form',
            )
        parts = _Parts(self._most_files)
        try:
            parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
            with self._counted() as count:
                async with self._timed():
                    async for chunk in self._stream(request):
                        count(len(chunk))
                        parser.write(chunk)
                parser.finalize()
                yield parts.form()
        except FormParserError as error:
            raise RequestError("the form is not well-formed", fix="send multipart/form-data") from error

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Read a body as it is; raises as :meth:`form` does."""
        chunks: list[bytes] = []
        with self._counted() as count:
            async with self._timed():
                async for chunk in self._stream(request):
                    count(len(chunk))
                    chunks.append(chunk)
            yield b"".join(chunks)

    async def json(self, request: Request) -> bytes:
        """Read a small JSON body; raises as :meth:`form` does."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            raise UnsupportedTypeError(f"the body is {kind[:80] or 'of no stated type'}; expected {JSON}")
        async with self.body(request) as body:
            if len(body) > _MOST_TEXT_BYTES:
                raise TooLargeError(f"the body has more than {_MOST_TEXT_BYTES} bytes")
            return body

    async def _stream(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body's chunks up to the bound, which its length may already tell."""
        coding = request.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            raise UnsupportedTypeError("the body is compressed", fix="send it without Content-Encoding")
        stated = request.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > self._most:
            raise self._too_large()
        read = 0
        try:
            async for chunk in request.stream():
                read += len(chunk)
                if read > self._most:
                    raise self._too_large()
                yield chunk
        except ClientDisconnect as error:
            raise RequestError("the client went away before its body was complete") from error

    @asynccontextmanager
    async def _timed(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as error:
            raise TooSlowError(
                f"the body did not come in within {self._seconds:g} s", fix="send it faster, or less of it"
            ) from error

    @contextmanager
    def _counted(self) -> Iterator[_Count]:
        """Count bytes as held by the server until the block is left."""
        count = _Count(self)
        try:
            yield count
        finally:
            self._held -= count.bytes

    def hold(self, size: int) -> None:
        """Count bytes that came in.

        Raises
        ------
        BusyError
            When all bodies together are too large.
        """
        if self._held + size > self._most_together:
            raise BusyError("the uploads of all clients together are too large now", fix="ask again later")
        self._held += size

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            f"the body has more than {self._most // MIB} MiB", fix="send fewer or smaller files"
        )


class _Count:
    """The bytes of one body."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver, self.bytes = receiver, 0

    def __call__(self, size: int) -> None:
        self._receiver.hold(size)
        self.bytes += size


class _Parts:
    """Collects the parts of a form while it is being parsed."""

    def __init__(self, most_files: int) -> None:
        self._most_files = most_files
        self._most_parts, self._begun = most_files + _MOST_TEXTS + _MOST_EMPTY, 0
        self._files: list[Upload] = []
        self._texts: dict[str, str] = {}
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._data = bytearray()
        self._name = ""
        self._filename: str | None = None
        self._is_file = False
        self._ended = False

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def form(self) -> Form:
        """Return what was collected, once the last boundary came."""
        if not self._ended:
            raise RequestError("the form ends before its last boundary", fix="send the whole form")
        return Form(tuple(self._files), self._texts)

    def _begin(self) -> None:
        self._begun += 1
        if self._begun > self._most_parts:
            raise TooLargeError(f"the form has more than {self._most_parts} parts")
        self._disposition = b""
        self._data = bytearray()
        self._name, self._filename, self._is_file = "", None, False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header) + len(self._value) > _MOST_HEADER_BYTES:
            raise TooLargeError(f"a header of a part has more than {_MOST_HEADER_BYTES} bytes")

    def _header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        kind, parameters = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in parameters:
            raise RequestError("a part of the form has no name", fix="send multipart/form-data")
        self._name = parameters[b"name"].decode("utf-8", "replace")
        filename = parameters.get(b"filename")
        self._filename = None if filename is None else filename.decode("utf-8", "replace")
        self._is_file = filename is not None or self._name in FILE_FIELDS
        if self._is_file and len(self._files) == self._most_files:
            raise TooLargeError(
                f"the form has more than {self._most_files} files", fix="send them in several requests"
            )
        if not self._is_file and len(self._texts) == _MOST_TEXTS:
            raise TooLargeError(f"the form has more than {_MOST_TEXTS} fields")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]
        if not self._is_file and len(self._data) > _MOST_TEXT_BYTES:
            raise TooLargeError(f"a field of the form has more than {_MOST_TEXT_BYTES} bytes")

    def _part_end(self) -> None:
        if not self._is_file:
            self._texts[self._name] = self._data.decode("utf-8", "replace")
        elif self._data or self._filename:  # a browser sends an empty part for a file that was not chosen
            if self._name not in FILE_FIELDS:
                raise RequestError(
                    f"a file came in a field that is none of {', '.join(FILE_FIELDS)}",
                    fix='curl -F "image=@scan.png"',
                )
            self._files.append(Upload(bytes(self._data), self._filename or None))

    def _end(self) -> None:
        self._ended = True


def _shown(kind: bytes) -> str:
    text = kind.decode("latin-1")[:80]
    return text if text and text.isprintable() else "of no stated type"
