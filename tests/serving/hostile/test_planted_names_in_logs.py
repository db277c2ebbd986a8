"""Names of patients, planted wherever a client can put one: in no log, message, measure or file name."""

import json
import urllib.parse

import numpy as np
import pytest
import raw_http
from raw_http import ask, form, part, post_form

from scan_files import PLANTED, dicom_bytes, ramp

FILE, COMMENT, SEARCH, HEADER = "ZOE-QUAGLIARDI", "XAVIER-BRUNNHILDE", "YVONNE-SEARCHED", "WALDO-HEADER"


@pytest.fixture(scope="module")
def planted(server):
    """Requests of all kinds with a name in them; returns what each was answered."""
    scan = dicom_bytes(ramp(48, 48))
    named = f'form-data; name="image"; filename="{FILE}_1950-01-01.dcm"'
    torn = dicom_bytes(np.zeros((4, 4), np.uint16), PixelData=None)
    replies = [
        post_form(server.port, form(part(scan, disposition=named, kind=None)), path=path, accept=accept)
        for path in (raw_http.PREDICT, f"{raw_http.PREDICT}?keep=true", "/uimg")
        for accept in ("application/json", "text/html")
    ]
    case = replies[2].json()["case"]
    for content in (torn, b"no image", scan[:400]):
        body = form(part(content, disposition=named, kind=None))
        replies += [
            post_form(server.port, body),
            post_form(server.port, body, path="/uimg", accept="text/html"),
        ]
    review = {"verdict": "agree", "comment": f"seen with {COMMENT}", "reviewer": COMMENT}
    path = f"/api/v1/cases/{case}/reviews"
    for sent in (review, {**review, "verdict": COMMENT}, {**review, "label": COMMENT}):
        replies.append(
            ask(
                server.port,
                "POST",
                path,
                json.dumps(sent).encode(),
                content_type="application/json",
                if_match='"1"',
            )
        )
    query = urllib.parse.urlencode({"text": SEARCH})
    replies += [
        ask(server.port, "GET", f"{page}?{query}") for page in ("/history", "/api/v1/cases", "/no-page")
    ]
    replies += [ask(server.port, "GET", f"/cases/{SEARCH}"), ask(server.port, "GET", f"/{SEARCH}")]
    names = ("user_agent", "referer", "x_request_id", "cookie", "idempotency_key", "x_forwarded_for")
    replies.append(post_form(server.port, form(part(scan)), **dict.fromkeys(names, HEADER)))
    return replies


def test_the_log_names_nobody(server, planted):
    assert len(planted) > 20
    log = server.log.read_text(errors="replace")
    assert log.count("\n") >= len(planted)  # it does tell of each request
    for name in (PLANTED, "DOE", "MRN-0815", FILE, COMMENT, SEARCH):
        assert name not in log, name


def test_the_measures_name_nobody(server, planted):
    measures = ask(server.port, "GET", "/metrics").body.decode()
    assert "gyrus_requests" in measures
    for name in (PLANTED, "MRN-0815", FILE, COMMENT, SEARCH, HEADER):
        assert name not in measures, name


def test_no_path_in_the_store_names_anybody_and_the_database_has_no_file_name(server, planted):
    paths = [path.relative_to(server.store).as_posix() for path in server.store.rglob("*")]
    for name in (PLANTED, FILE, COMMENT, SEARCH, HEADER):
        assert not [path for path in paths if name in path], name
    databases = [path for path in server.store.iterdir() if "gyrus.db" in path.name]
    assert databases
    for path in databases:
        data = path.read_bytes()
        for name in (PLANTED, "MRN-0815", FILE, SEARCH):
            assert name.encode() not in data, (path.name, name)


def test_the_answer_names_no_patient_of_the_file(server, planted):
    for reply in planted:
        assert PLANTED.encode() not in reply.body
        assert b"MRN-0815" not in reply.body
