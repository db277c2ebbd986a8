"""Multipart bodies that lie, repeat, nest or never end: a typed 4xx, and the next request is answered."""

import socket

import pytest
import raw_http
from attacked_server import MAX_UPLOAD_MIB
from raw_http import BOUNDARY, HOST, PREDICT, exchange, form, head, in_chunks, part, post_form

FORM = f"multipart/form-data; boundary={BOUNDARY}"
MEBIBYTE = 2**20


def broken_bodies(scan: bytes) -> dict[str, tuple[bytes, str]]:
    """Return bodies that are no form with an image, with the content type that they claim."""
    sound, end = form(part(scan)), f"--{BOUNDARY}--\r\n".encode()
    inner = part(scan).replace(BOUNDARY.encode(), b"inner") + b"--inner--\r\n"
    start = f"--{BOUNDARY}\r\n".encode()
    return {
        "no boundary": (sound, "multipart/form-data"),
        "empty boundary": (sound, "multipart/form-data; boundary="),
        "a boundary of 5,000 letters": (sound, "multipart/form-data; boundary=" + "b" * 5000),
        "a boundary that does not come": (sound, "multipart/form-data; boundary=another"),
        "a boundary of spaces": (sound, 'multipart/form-data; boundary="   "'),
        "nothing": (b"", FORM),
        "only the end": (end, FORM),
        "no end": (part(scan), FORM),
        "cut within the part": (sound[: len(sound) // 2], FORM),
        "cut within the part's headers": (sound[: len(BOUNDARY) + 20], FORM),
        "noise": (bytes(range(256)) * 40, FORM),
        "a part without a name": (form(part(scan, disposition="form-data")), FORM),
        "a part without a disposition": (start + b"\r\n" + scan + b"\r\n" + end, FORM),
        "a disposition that is none": (form(part(scan, disposition="; ; =; name")), FORM),
        "a field of text only": (form(part(b"text", disposition='form-data; name="image"', kind=None)), FORM),
        "another field only": (form(part(scan, disposition='form-data; name="x"; filename="a.png"')), FORM),
        "an empty file": (form(part(b"")), FORM),
        "an empty file name": (form(part(b"", disposition='form-data; name="image"; filename=""')), FORM),
        "a header of 100 KiB": (
            start + b"X-Long: " + b"x" * 102400 + b"\r\n" + part(scan)[len(start) :] + end, FORM,
        ),
        "2,000 headers": (start + b"X-Many: 1\r\n" * 2000 + part(scan)[len(start) :] + end, FORM),
        "5,000 parts": (form(*[part(b"x", disposition='form-data; name="a"', kind=None)] * 5000), FORM),
        "2,000 files": (form(*[part(b"x")] * 2000), FORM),
        "nested": (form(part(inner, kind="multipart/mixed; boundary=inner")), FORM),
        "a header without a colon": (start + b"no colon here\r\n\r\n" + scan + b"\r\n" + end, FORM),
        "base64 that is promised": (
            start + b'Content-Disposition: form-data; name="image"; filename="a.png"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n" + end, FORM,
        ),
        "urlencoded": (b"image=abc", "application/x-www-form-urlencoded"),
        "a charset that does not exist": (sound, "multipart/form-data; charset=no-such; boundary=x"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(broken_bodies(b"")))
@pytest.mark.parametrize("path", [PREDICT, "/uimg"])
def test_broken_bodies(server, name, path):
    body, kind = broken_bodies(server.scan)[name]
    reply = raw_http.ask(server.port, "POST", path, body, content_type=kind, accept="application/json")
    server.refuses(reply, 400, 413, 415, 422)
    server.still_answers()


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/json", "text/html", "image/svg+xml", "application/x-gzip", "a", "/", ""],
)
def test_media_that_are_no_images(server, kind):
    reply = raw_http.ask(server.port, "POST", PREDICT, b"<svg/>", content_type=kind)
    server.refuses(reply, 415)


def test_a_field_that_comes_twice_is_refused_by_the_endpoint_of_one(server):
    reply = post_form(server.port, form(part(server.scan), part(server.scan)))
    server.refuses(reply, 400, 413, 422)
    server.still_answers()


def test_a_compressed_body_is_not_unpacked(server):
    reply = post_form(server.port, form(part(server.scan)), content_encoding="gzip")
    server.refuses(reply, 400, 415, 422)


def test_more_than_the_cap_is_refused_by_its_length_alone(server):
    """The body is never sent: who waited for it would answer 408 when the time for an upload is over."""
    reply = exchange(server.port, head("POST", PREDICT, 2**50, content_type=FORM))
    problem = server.refuses(reply, 413)
    assert str(MAX_UPLOAD_MIB) in problem["detail"]


@pytest.mark.parametrize("path", [PREDICT, "/uimg", "/api/v1/predict/batch"])
def test_a_body_without_an_end_is_refused_while_it_comes(server, path):
    """In chunks of unknown number: refused soon after the cap, not after the gigabyte."""
    sent = 0
    with socket.create_connection((HOST, server.port), timeout=raw_http.PATIENCE_S) as line:
        line.sendall(
            head("POST", path, None, content_type=FORM, transfer_encoding="chunked", accept="*/json")
        )
        first = part(b"")
        line.sendall(f"{len(first):x}\r\n".encode() + first + b"\r\n")
        try:
            while sent < 64 * MEBIBYTE:
                line.sendall(f"{65536:x}\r\n".encode() + bytes(65536) + b"\r\n")
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass
        reply = raw_http.read_reply(line)
    assert reply.status in (413, 0)  # the answer may be lost with the reset of what was still under way
    assert sent < 32 * MEBIBYTE
    server.still_answers()


def test_a_body_in_chunks_is_answered(server):
    body = form(part(server.scan))
    start = head("POST", PREDICT, None, content_type=FORM, transfer_encoding="chunked")
    reply = exchange(server.port, start, *in_chunks(body, 7))
    assert reply.status == 200


WIRE = {
    "a chunk of no size": (b"zz\r\n", {"transfer_encoding": "chunked"}),
    "a chunk of negative size": (b"-5\r\nabc\r\n", {"transfer_encoding": "chunked"}),
    "a chunk of 2^70": (b"ffffffffffffffffff\r\n", {"transfer_encoding": "chunked"}),
    "a negative length": (b"", {"content_length": "-1"}),
    "a length that is no number": (b"", {"content_length": "ten"}),
    "two lengths": (b"abc", {"content_length": "3\r\nContent-Length: 5"}),
    "a length and chunks": (b"0\r\n\r\n", {"content_length": "30", "transfer_encoding": "chunked"}),
    "an unknown coding": (b"abc", {"transfer_encoding": "cow"}),
    "a header of 200 KiB": (b"", {"x_long": "x" * 204800}),
    "a header with a bare line feed": (b"", {"x": "a\nInjected: 1"}),
    "a header with a zero byte": (b"", {"x": "a\0b"}),
}


@pytest.mark.parametrize("name", list(WIRE))
def test_requests_that_are_no_http(server, name):
    """Refused by the protocol's own parser: no answer of ours, but none of 5xx and the next is answered."""
    body, headers = WIRE[name]
    reply = exchange(
        server.port, head("POST", PREDICT, None, content_type=FORM, **headers), body, finish=True
    )
    assert reply.status in (0, *range(400, 500)), reply
    server.still_answers()


def test_a_body_that_is_longer_than_said(server):
    """What is left over is read as a request, which it is not; nobody else's request is touched."""
    body = form(part(server.scan))
    start = head("POST", PREDICT, len(body), content_type=FORM, connection="keep-alive")
    with socket.create_connection((HOST, server.port), timeout=raw_http.PATIENCE_S) as line:
        line.sendall(start + body + b"smuggled nonsense\r\n\r\n")
        assert raw_http.read_reply(line).status in (200, 400)
    server.still_answers()


def test_a_body_that_is_shorter_than_said(server):
    """The client has gone: nothing is kept of it."""
    before = cases(server)
    body = form(part(server.scan))
    exchange(server.port, head("POST", PREDICT, len(body) + 100, content_type=FORM), body, finish=True)
    server.still_answers()
    assert cases(server) <= before + 1  # the sound upload's own


NAMES = {
    "a path": "../../../../etc/passwd",
    "a Windows path": "C:\\Windows\\system32\\x.png",
    "absolute": "/etc/cron.d/x",
    "markup": "<script>alert(1)</script>.png",
    "a zero byte": "a\0.png",
    "4,000 letters": "n" * 4000,
    "a formula": "=HYPERLINK(1).png",
    "SQL": "'; DROP TABLE cases; --.png",
    "right to left": "\u202egnp.exe",
    "a lone surrogate": "\udcff.png",
    "a format": "%s%n{0}${jndi:ldap://x}.png",
    "dots": "..",
}


@pytest.mark.parametrize("name", list(NAMES))
def test_names_of_files(server, name):
    """A name is only a name: answered, or refused for its length; it leads nowhere."""
    before = {path for path in server.store.rglob("*") if path.is_dir()}
    disposition = f'form-data; name="image"; filename="{NAMES[name]}"'
    reply = post_form(
        server.port, form(part(server.scan, disposition=disposition)), accept="application/json"
    )
    assert reply.status in (200, 400, 422), reply
    shown = post_form(
        server.port, form(part(server.scan, disposition=disposition)), path="/uimg", accept="text/html"
    )
    assert shown.status in (200, 303, 400, 403, 422), shown
    assert b"<script>alert(1)" not in shown.body
    outside = set(server.store.parent.iterdir()) - {server.store, server.temporary, server.log}
    assert {path.name for path in outside} == {"model.gyrus"}
    assert all(path.name.isascii() for path in {p for p in server.store.rglob("*") if p.is_dir()} - before)
    server.still_answers()


def test_a_name_by_rfc_2231(server):
    disposition = "form-data; name=\"image\"; filename*=UTF-8''%2e%2e%2f%00%3Cscript%3E"
    assert post_form(server.port, form(part(server.scan, disposition=disposition))).status in (200, 400, 422)
    server.still_answers()


def cases(server) -> int:
    """Return how many cases are kept."""
    return raw_http.ask(server.port, "GET", "/api/v1/cases").json()["total"]
