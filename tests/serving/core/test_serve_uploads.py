"""Forms are taken apart as the client put them together, within bounds on size, parts and time."""

import asyncio
import tempfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from gyrus.config.serving import MIB, ServeOptions
from gyrus.errors import BusyError, RequestError, TooLargeError, TooSlowError, UnsupportedTypeError
from gyrus.serving.uploads import Receiver

OPTIONS = ServeOptions(max_upload_mib=1, max_files=3, upload_seconds=60)
BOUNDARY = "x-boundary-x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form_of(*parts, end=True):
    """Return the bytes of a form of (field, file name or None, data)."""
    body = b""
    for field, name, data in parts:
        file = "" if name is None else f'; filename="{name}"'
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{file}\r\n\r\n'.encode()
        body += data + b"\r\n"
    return body + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def request_of(chunks, kind=FORM, length=None, pause_s=0.0):
    """Return a request whose body comes in chunks."""
    waiting = list(chunks)

    async def receive():
        if pause_s:
            await asyncio.sleep(pause_s)
        chunk = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    headers = [(b"content-type", kind.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(request, receiver=None):
    async def run():
        async with (receiver or Receiver(OPTIONS)).form(request) as form:
            return form

    return asyncio.run(run())


@settings(max_examples=40)
@given(
    data=st.binary(max_size=200),
    size=st.integers(1, 40),
    name=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=10),
)
def test_what_was_sent_comes_out_however_it_was_cut(data, size, name):
    body = form_of(("image", name, data), ("csrf", None, b"token"))
    form = read(request_of([body[start : start + size] for start in range(0, len(body), size)]))
    assert [(file.data, file.name) for file in form.files] == [(data, name)]
    assert form.texts == {"csrf": "token"}


def test_several_files_in_both_fields_come_in_order():
    form = read(request_of([form_of(("image", "a", b"1"), ("file", "b", b"2"), ("image", None, b"3"))]))
    assert [file.data for file in form.files] == [b"1", b"2", b"3"]


def test_the_empty_part_of_a_browser_is_no_file():
    assert read(request_of([form_of(("image", "", b""))])).files == ()


def test_files_leave_nothing_on_the_disk(monkeypatch):
    monkeypatch.setattr(tempfile, "_get_default_tempdir", lambda: pytest.fail("a temporary file was made"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert len(read(request_of([form_of(("image", "a", bytes(900_000)))])).files[0].data) == 900_000


@pytest.mark.parametrize("length", [None, 3 * MIB])
def test_a_body_beyond_the_bound_is_not_read_to_its_end(length):
    chunks = [form_of(("image", "a", bytes(600_000)), end=False), bytes(600_000), bytes(600_000), bytes(9)]
    request = request_of(chunks, length=length)
    with pytest.raises(TooLargeError, match="more than 1 MiB"):
        read(request)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([("image", str(number), b"x") for number in range(4)], "more than 3 files"),
        ([(f"field{number}", None, b"x") for number in range(40)], "more than 32 fields"),
        ([("comment", None, bytes(70_000))], "more than 65536 bytes"),
    ],
)
def test_too_many_parts(parts, problem):
    with pytest.raises(TooLargeError, match=problem):
        read(request_of([form_of(*parts)]))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (form_of(("image", "a", b"x"), end=False), "ends before"),
        (b"nonsense", "not well-formed"),
        (form_of(("portrait", "a", b"x")), "none of image, file"),
        (f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--".encode(), "has no name"),
        (b"", "ends before"),
    ],
)
def test_what_is_no_form(body, problem):
    with pytest.raises(RequestError, match=problem):
        read(request_of([body]))


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_another_content_type(kind):
    with pytest.raises(UnsupportedTypeError):
        read(request_of([form_of()], kind=kind))


def test_a_slow_body_is_given_up():
    chunks = [form_of(("image", "a", b"x"), end=False)] + [b"x"] * 50
    with pytest.raises(TooSlowError, match=r"0\.2 s"):
        read(request_of(chunks, pause_s=0.01), Receiver(replace(OPTIONS, upload_seconds=0.2)))


def test_bodies_of_all_requests_together_have_a_bound():
    receiver = Receiver(OPTIONS)

    async def run():
        left, all_came = 12, asyncio.Event()

        def came():
            nonlocal left
            left -= 1
            if not left:
                all_came.set()

        async def one():
            try:
                async with receiver.form(request_of([form_of(("image", "a", bytes(900_000)))])):
                    came()
                    await all_came.wait()
            except BusyError:
                came()
                raise

        return await asyncio.gather(*(one() for _ in range(12)), return_exceptions=True)

    results = asyncio.run(asyncio.wait_for(run(), 60))
    assert [type(result) for result in results].count(BusyError) == 12 - 9
    assert receiver._held == 0
