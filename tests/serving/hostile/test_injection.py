"""Texts that mean something to a database, a browser, a spreadsheet, a log or a path: they stay texts."""

import csv
import io
import json
import urllib.parse

import pytest
import raw_http
from raw_http import ask, form, part, post_form

SQL = (
    "'; DROP TABLE cases; --", "' OR '1'='1", '" OR ""="', "1) UNION SELECT sql FROM sqlite_master --",
    "%", "_", "\\", "%' ESCAPE '", "x' AND randomblob(1000000000) --", "\u0000", "'" * 5000,
)  # fmt: skip
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
FORMULAS = ('=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")
PATHS = (
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cwin.ini",
    "%252e%252e%252fetc%252fpasswd", "....//....//etc/passwd", "%00", "a%00.png", "/etc/passwd", "~root",
    "gyrus.db", "..%c0%af..%c0%afetc/passwd",
)  # fmt: skip


@pytest.fixture(scope="module")
def case(server):
    """The identity of a kept case."""
    reply = post_form(server.port, form(part(server.scan)), path=f"{raw_http.PREDICT}?keep=true")
    assert reply.status == 200, reply
    return reply.json()["case"]


def review(server, case: str, **fields: object):
    """Post a review of a case as it stands."""
    version = ask(server.port, "GET", f"/api/v1/cases/{case}").json()["version"]
    body = json.dumps({"verdict": "agree", "reviewer": "r", **fields}).encode()
    return ask(
        server.port, "POST", f"/api/v1/cases/{case}/reviews", body, content_type="application/json",
        if_match=f'"{version}"',
    )  # fmt: skip


@pytest.mark.parametrize("text", SQL)
def test_searches_that_are_sql(server, case, text):
    """A search is for letters: what is no letter of a case finds none; the table is still there."""
    whole = ask(server.port, "GET", "/api/v1/cases").json()["total"]
    for path in ("/api/v1/cases", "/history"):
        for field in ("text", "label", "outcome", "since", "page"):
            query = urllib.parse.urlencode({field: text}, encoding="utf-8", errors="surrogateescape")
            reply = ask(server.port, "GET", f"{path}?{query}", accept="*/*", timeout=5)
            assert reply.status in (200, 400, 404, 422), (path, field, reply)
    assert ask(server.port, "GET", "/api/v1/cases").json()["total"] == whole


@pytest.mark.parametrize("text", [*SQL[:4], MARKUP, *FORMULAS, "\u202e\U0001f9e0", "{{7*7}}", "%(x)s{0}"])
def test_comments_are_kept_as_they_are_and_shown_as_text(server, case, text):
    reply = review(server, case, comment=text)
    assert reply.status == 201, reply
    reviews = ask(server.port, "GET", f"/api/v1/cases/{case}/reviews").json()
    assert text in [entry["comment"] for entry in reviews["items"]]
    page = ask(server.port, "GET", f"/cases/{case}", accept="text/html")
    assert page.status == 200
    assert b"<script>alert(1)" not in page.body
    assert b"<img src=x" not in page.body
    assert b">49<" not in page.body


def test_no_cell_of_the_export_begins_a_formula(server, case):
    for text in FORMULAS:
        assert review(server, case, comment=text, reviewer=text).status in (201, 422)
    reply = ask(server.port, "GET", "/api/v1/export")
    assert reply.status == 200
    cells = [cell for row in csv.reader(io.StringIO(reply.body.decode())) for cell in row]
    assert cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("tail", PATHS)
def test_paths_lead_nowhere(server, case, tail):
    for start in (
        "/cases/",
        f"/cases/{case}/",
        f"/cases/{case}/images/",
        f"/api/v1/cases/{case}/pictures/",
        "/static/",
        "/api/v1/cases/",
        "/",
    ):
        reply = ask(server.port, "GET", start + tail, accept="application/json", timeout=5)
        assert reply.status in (*range(300, 309), *range(400, 500)), (start + tail, reply)
        assert b"root:" not in reply.body
        assert b"SQLite format" not in reply.body


@pytest.mark.parametrize("identity", ["0", "-1", "x" * 3000, MARKUP, "' OR 1=1 --", "0" * 32])
def test_identities_that_are_none(server, identity):
    quoted = urllib.parse.quote(identity, safe="")
    for method, path in (
        ("GET", "/api/v1/cases/{}"), ("DELETE", "/api/v1/cases/{}"), ("GET", "/api/v1/cases/{}/reviews"),
    ):  # fmt: skip
        server.refuses(ask(server.port, method, path.format(quoted)), 404, 422)
    page = ask(server.port, "GET", f"/cases/{quoted}", accept="text/html")
    assert page.status in (404, 422)
    assert b"<script>alert" not in page.body


HEADERS = {
    "x_request_id": (MARKUP, "a" * 5000, "a, b", "%0d%0aX-Evil:1", "\x7f\xff"),
    "idempotency_key": (MARKUP, "k" * 5000, " ", "\xff", "'; DROP TABLE cases; --"),
    "if_match": ("x", '"x"', "*", "-1", "9" * 500, 'W/"1"'),
    "accept": ("x" * 5000, "*/*;q=nan", ",,,", "text/html;q=1;q=2", "\xff"),
    "host": ("evil.example", "127.0.0.1@evil.example", "x" * 3000, "[::1", "127.0.0.1:99999999", ""),
    "cookie": ("=; ;;", "a=" + "b" * 5000, "session=<script>", "\xff=\xfe"),
    "authorization": ("Bearer", "Basic !!!", "x" * 5000),
    "x_forwarded_for": ("evil, evil", "127.0.0.1\x00"),
    "x_forwarded_host": ("evil.example",),
    "range": ("bytes=0-", "bytes=-1", "bytes=9-1", "lines=1-2", "bytes=" + "0-1," * 3000),
    "origin": ("null", "https://evil.example"),
}


@pytest.mark.parametrize("name", list(HEADERS))
def test_headers(server, case, name):
    """Neither 5xx, nor a header of the client's among the answer's."""
    for value in HEADERS[name]:
        for method, path in (("GET", "/"), ("GET", "/api/v1/cases"), ("GET", f"/cases/{case}")):
            reply = ask(server.port, method, path, **{name: value})
            assert reply.status < 500, (value, path, reply)
            assert "x-evil" not in reply.headers
            assert "evil.example" not in json.dumps(reply.headers)
            assert b"evil.example" not in reply.body
        body = form(part(server.scan))
        posted = post_form(server.port, body, **{name: value})
        assert posted.status < 500, (value, posted)
    server.still_answers()


def test_a_request_id_is_taken_only_where_it_is_plain(server):
    kept = ask(server.port, "GET", "/healthz", x_request_id="abc-123").headers["x-request-id"]
    other = ask(server.port, "GET", "/healthz", x_request_id=MARKUP).headers["x-request-id"]
    assert kept == "abc-123"
    assert "<" not in other


def test_pages_allow_neither_foreign_code_nor_frames(server, case):
    for path in ("/", "/history", f"/cases/{case}", "/model", "/about", "/no-such-page"):
        headers = ask(server.port, "GET", path, accept="text/html").headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")


def test_a_form_from_elsewhere_changes_nothing(server, case):
    """No token of ours: refused, whatever cookie comes with it."""
    body = urllib.parse.urlencode({"verdict": "unusable", "comment": "forged"}).encode()
    for origin in ("https://evil.example", "null"):
        reply = ask(
            server.port, "POST", f"/cases/{case}/reviews", body, origin=origin, accept="text/html",
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip
        assert reply.status in (400, 403), reply
    assert b"forged" not in ask(server.port, "GET", f"/api/v1/cases/{case}/reviews").body


BODIES = (
    b"", b"{", b"[]", b"null", b"0", b'"x"', b"{}" * 100, b"\xff\xfe", b'{"verdict": 1}', b"[" * 100000,
    b'{"verdict": "agree", "verdict": "other"}', b'{"verdict": "other"}', b'{"verdict": NaN}',
    b'{"verdict": "agree", "comment": "\\ud800"}', b'{"verdict": "agree", "comment": "\\u0000"}',
    b'{"verdict": "other", "label": "no such class"}', b'{"verdict": "agree", "comment": {"a": []}}',
    json.dumps({"verdict": "agree", "comment": "c" * 200000}).encode(),
    b'{"verdict": "agree", "__proto__": {"x": 1}, "constructor": 1}', b'{"n": ' + b"9" * 5000 + b"}",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_bodies_of_reviews(server, case, number):
    path = f"/api/v1/cases/{case}/reviews"
    reply = ask(server.port, "POST", path, BODIES[number], content_type="application/json")
    if reply.status >= 400:
        server.refuses(reply)
    assert ask(server.port, "GET", path).status == 200
    assert ask(server.port, "GET", f"/cases/{case}", accept="text/html").status == 200
    assert ask(server.port, "GET", "/api/v1/export").status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "CONNECT", "BREW", "get"])
def test_methods(server, method):
    for path in ("/", raw_http.PREDICT, "/api/v1/cases", "/healthz"):
        reply = ask(server.port, method, path, timeout=5)
        assert reply.status in (0, *range(200, 205), *range(400, 500)), (path, reply)
        assert "x-secret" not in reply.body.decode("latin-1").lower()
