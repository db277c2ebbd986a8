"""The pages without a browser: what they hold, what they refuse, what they lead to."""

from __future__ import annotations

import re
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy

import pytest
from fastapi.testclient import TestClient

from gyrus.config.serving import ServeOptions
from gyrus.serving import create_app
from gyrus.serving.store import NewCase

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


def without_cookies(app):
    """Return a client that is asked like a program: it keeps no cookie."""
    client = TestClient(app)
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


@pytest.fixture(scope="module")
def options(tiny_place, tmp_path_factory):
    return ServeOptions(
        bundle=tiny_place / "model.gyrus", threads=1, data_folder=tmp_path_factory.mktemp("data"),
        allowed_hosts=("testserver",), log="off",
    )  # fmt: skip


@pytest.fixture(scope="module")
def client(options):
    with without_cookies(create_app(options)) as opened:
        yield opened


def ask(client, data, name="scan.png", headers=HTML, **texts):
    return client.post("/uimg", files={"image": (name, data)}, data=texts, headers=headers)


def kept(client, data):
    return ask(client, data, headers=JSON).json()["cases"][0]["id"]


@pytest.fixture
def case(client, png):
    return kept(client, png)


def pages_of(case):
    return ["/", "/history", f"/cases/{case}", "/model", "/about", "/nothing"]


def test_every_page_says_what_it_is_and_holds_no_inline_script_or_style(client, case, png):
    texts = [client.get(path, headers=HTML).text for path in pages_of(case)] + [ask(client, png).text]
    for text in texts:
        assert "Research tool, not a medical device." in text
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", text)
        assert not re.search(r"""(?:src|href|action)="(?:https?:)?//""", text)  # nothing from elsewhere
        assert text.count("<h1") == 1


def test_curl_gets_a_page_and_who_asks_for_json_gets_it(client, png):
    page = client.post("/uimg", files={"image": ("a.png", png)}, headers={"Accept": "*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert '<h2 id="said">' in page.text
    answer = client.post("/uimg", files={"file": ("a.png", png)}, headers=JSON)
    assert answer.status_code == 200
    one = answer.json()["cases"][0]
    assert one["outcome"] == "answered"
    assert client.get(one["url"]).status_code == 200
    assert one["evidence"]["predictions"][0]["schema"] == "gyrus-evidence/2"


def test_several_as_json_name_cases_and_failures(client, png):
    files = [("image", ("a.png", png)), ("image", ("b.png", b"no image at all"))]
    answer = client.post("/uimg", files=files, headers=JSON)
    assert answer.status_code == 200
    assert [one["number"] for one in answer.json()["cases"]] == [0]
    assert [(one["number"], one["status"]) for one in answer.json()["failures"]] == [(1, 415)]


@pytest.mark.parametrize(("data", "status"), [(b"", 400), (b"no image at all", 415)])
def test_what_is_no_image_is_refused_as_page_and_as_json(client, data, status):
    name = "" if not data else "a.png"
    page = client.post("/uimg", files={"image": (name, data)}, headers=HTML)
    assert page.status_code == status
    assert 'role="alert"' in page.text
    assert client.post("/uimg", files={"image": (name, data)}, headers=JSON).status_code == status


def test_names_of_files_are_text_and_not_kept(client, png):
    name = "<img src=x onerror=alert(1)>\u202egnp.png"
    files = [("image", (name, png)), ("image", ("b.png", b"no image"))]
    text = client.post("/uimg", files=files, headers=HTML).text
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "\u202e" not in text
    assert "onerror" not in client.get("/history", headers=HTML).text


def test_a_browser_without_the_token_changes_nothing(client, case):
    cookie = client.get("/", headers=HTML).headers["set-cookie"].partition(";")[0]
    for path, data in (
        (f"/cases/{case}/delete", {"sure": "yes"}),
        (f"/cases/{case}/reviews", {"verdict": "agree"}),
        ("/theme", {"theme": "dark"}),
        ("/example/slice", {}),
    ):
        answer = client.post(
            path, data={**data, "csrf": "x" * 43}, headers={**HTML, "Cookie": cookie}, follow_redirects=False
        )
        assert answer.status_code == 403, path
        assert "This was not allowed" in answer.text
    assert client.get(f"/cases/{case}").status_code == 200


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/a\r\nb"]
)
def test_the_switch_of_colours_leads_nowhere_else(client, back):
    answer = client.post("/theme", data={"theme": "dark", "back": back}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert client.post("/theme", data={"theme": "pink"}).status_code == 400


def test_forms_of_other_kinds_and_sizes_are_refused(client, case):
    path = f"/cases/{case}/reviews"
    assert client.post(path, content=b"{}", headers={"content-type": "application/json"}).status_code == 415
    large = {"verdict": "agree", "comment": "x" * 70_000}
    assert client.post(path, data=large).status_code == 413
    many = "&".join(f"a{number}=1" for number in range(100))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(path, content=many, headers=kind).status_code == 400
    wrong = client.post(path, data={"verdict": "maybe"}, headers=HTML)
    assert wrong.status_code == 422
    assert "Not saved" in wrong.text
    assert client.post(path, data={"verdict": "agree", "version": "-1"}).status_code == 422


def test_an_unticked_box_deletes_nothing(client, case):
    answer = client.post(f"/cases/{case}/delete", data={"sure": "no"}, follow_redirects=False)
    assert answer.headers["location"].endswith("?told=unsure#delete")
    assert "Nothing was deleted" in client.get(f"/cases/{case}?told=unsure").text


def test_pictures_are_pictures_and_the_upload_is_not_among_them(client, case):
    for name in ("pictures/image-0", "pictures/heat-0", "thumb", "evidence"):
        answer = client.get(f"/cases/{case}/{name}.png")
        assert answer.content.startswith(b"\x89PNG"), name
        assert answer.headers["cache-control"] == "no-store"
    for name in ("pictures/original", "pictures/image-7", "pictures/..%2f..%2fgyrus"):
        assert client.get(f"/cases/{case}/{name}.png").status_code == 404
    assert client.get(f"/cases/{'0' * 32}/thumb.png").status_code == 404


@pytest.mark.parametrize("asked", ["0", "-1", "9999999999", "x", "%00", ""])
def test_a_slice_that_is_none_shows_one_that_is(client, case, asked):
    assert client.get(f"/cases/{case}?slice={asked}").status_code == 200
    assert client.get(f"/cases/{case}/evidence.png?slice={asked}").status_code == 200


@pytest.mark.parametrize("query", ["since=yesterday", "outcome=none", "text=%00", "until=9999-12-31"])
def test_searches_that_cannot_be_are_told(client, query):
    answer = client.get(f"/history?{query}", headers=HTML)
    assert answer.status_code == 422
    assert "This cannot be searched for" in answer.text


def test_errors_are_pages_for_people_and_problems_for_programs(client):
    page = client.get("/cases/nothing", headers=HTML)
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert client.get("/cases/nothing", headers=JSON).headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/nothing", headers=HTML).headers["content-type"] == "application/problem+json"


def test_a_server_that_keeps_nothing_shows_the_answer_all_the_same(options, png):
    bare = without_cookies(create_app(replace(options, db="none")))
    page = ask(bare, png)
    assert page.status_code == 200
    assert page.text.count("data:image/png;base64,") >= 2
    assert "Your verdict" not in page.text
    assert "This server keeps nothing" in bare.get("/", headers=HTML).text
    assert "This server keeps nothing" in bare.get("/history", headers=HTML).text
    assert bare.get(f"/cases/{'0' * 32}", headers=HTML).status_code == 404
    one = ask(bare, png, headers=JSON).json()["cases"][0]
    assert (one["id"], one["url"]) == (None, None)
    several = bare.post("/uimg", files=[("image", ("a.png", png)), ("image", ("b.png", png))], headers=HTML)
    assert "2 answered" in several.text


def test_a_case_of_another_model_says_so(client, case):
    store = client.app.state.store
    known = store.case(case)
    assert "by another model" not in client.get(f"/cases/{case}").text
    other = store.add_case(
        NewCase(
            image_sha256="0" * 64, kind="png", frames=1, outcome="answered", label=known.label,
            probability=0.5, reason="", model_digest="f" * 64, evidence=known.evidence,
        ),
        {},
    )  # fmt: skip
    text = client.get(f"/cases/{other.id}").text
    assert "by another model" in text
    assert "no longer in the store" in text  # it has no pictures either


def test_below_a_path_all_addresses_have_it(options, png):
    client = without_cookies(create_app(replace(options, root_path="/gyrus", db="none")))
    text = "".join(client.get(path, headers=HTML).text for path in ("/", "/model", "/nothing"))
    addresses = re.findall(r'(?:src|href|action)="(/[^"]*)"', text)
    assert addresses
    assert all(address.startswith("/gyrus/") for address in addresses)


def test_static_files_may_be_kept_when_stamped(client):
    text = client.get("/").text
    (style,) = re.findall(r'href="(/static/site\.css\?v=\w+)"', text)
    assert "immutable" in client.get(style).headers["cache-control"]
    assert client.get("/static/site.css").headers["cache-control"] == "public, no-cache"
    assert client.get("/static/../site.py").status_code == 404
