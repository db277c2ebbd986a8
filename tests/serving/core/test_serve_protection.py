"""Who may ask: hosts, keys, other sites, tokens of forms; and what every answer's head says."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from gyrus.errors import UsageError
from gyrus.serving import create_app

PREDICT = "/api/v1/predict?evidence=false"


@pytest.fixture(scope="module")
def locked(bare, tmp_path_factory):
    """A server with a key."""
    key = tmp_path_factory.mktemp("locked") / "key"
    key.write_text("s3cret\n")
    guarded = replace(bare.app.state.settings, api_key_file=key)
    with TestClient(create_app(guarded)) as opened:
        yield opened


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer s3cret"},
        {"X-API-Key": "s3cret"},
        {"Authorization": "Basic YW55Ym9keTpzM2NyZXQ="},
    ],
)
def test_the_key_opens(locked, headers):
    assert locked.get("/api/v1/model", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer s3cre"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Digest s3cret"},
        {"X-API-Key": ""},
        {"X-API-Key": "\xfc"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/model", "/metrics", "/history", "/problems", "/nowhere"])
def test_without_it_nothing_opens(locked, headers, path):
    given = locked.get(path, headers={name: value.encode("latin-1") for name, value in headers.items()})
    assert given.status_code == 401
    assert given.headers["www-authenticate"].startswith("Basic")


def test_supervisors_need_no_key(locked):
    assert locked.get("/healthz").status_code == 200
    assert locked.get("/readyz").status_code == 200


def test_an_empty_key_file_is_refused(options, tmp_path):
    (tmp_path / "key").write_text("\n")
    with pytest.raises(UsageError, match="no key"):
        create_app(replace(options, api_key_file=tmp_path / "key"))
    with pytest.raises(UsageError, match="cannot be read"):
        create_app(replace(options, api_key_file=tmp_path / "absent"))


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "", "testserver@evil.example"])
def test_other_names_are_not_served(bare, host):
    given = bare.get("/healthz", headers={"host": host})
    assert (given.status_code, given.json()["type"]) == (400, "/problems/request")


@pytest.mark.parametrize("host", ["testserver:81", "localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_own_names_are_served(bare, host):
    assert bare.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_cannot_make_a_browser_ask(bare, png, headers):
    given = bare.post(PREDICT, files={"image": ("a.png", png)}, headers=headers)
    assert (given.status_code, given.json()["type"]) == (403, "/problems/forbidden")


def test_programs_and_own_pages_can_ask(bare, png):
    for headers in ({}, {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}):
        assert bare.post(PREDICT, files={"image": ("a.png", png)}, headers=headers).status_code == 200


def test_a_form_of_a_browser_needs_its_pages_token(client, png):
    page = client.get("/", headers={"accept": "text/html"})
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert token in page.text
    files = {"image": ("a.png", png)}
    for sent in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": token[:-1]}):
        assert client.post("/uimg", files=files, data=sent).status_code == 403
    assert client.post("/uimg", files=files, data={"csrf": token}).status_code == 200
    assert client.post("/uimg", files=files, headers={"X-CSRF-Token": token}).status_code == 200


def test_curl_needs_no_token(client, png):
    assert client.post("/uimg", files={"image": ("a.png", png)}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/api/v1/model", "/static/site.css"])
def test_every_answer_has_the_headers(common, path):
    headers = common.get(path).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-request-id"]
    assert "cache-control" in headers
    assert "server" not in headers
