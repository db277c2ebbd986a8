"""Logs and counters tell what the server did, and nothing of whom."""

import json
import logging
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from gyrus.errors import StorageError
from gyrus.serving import create_app

NAME = "DOE^JANE 1957"


@pytest.fixture
def told(options, caplog):
    """A client, and the lines that its server logs."""
    caplog.set_level(logging.INFO)
    with TestClient(create_app(replace(options, log="json"))) as client:
        yield client, caplog


def lines(caplog, event="request"):
    logged = [json.loads(one.message) for one in caplog.records if one.name == "gyrus.serving"]
    return [line for line in logged if line["event"] == event]


def test_a_line_a_request_with_nothing_that_it_held(told, png):
    client, caplog = told
    case = client.post("/api/v1/predict", files={"image": (f"{NAME}.png", png)}).json()["case"]
    client.get(f"/api/v1/cases?text={NAME}")
    client.get(f"/{NAME}")
    client.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "agree", "comment": NAME})
    found = lines(caplog)
    assert [(line["method"], line["route"], line["status"]) for line in found] == [
        ("POST", "/api/v1/predict", 200),
        ("GET", "/api/v1/cases", 200),
        ("GET", "unmatched", 404),
        ("POST", "/api/v1/cases/{case_id}/reviews", 201),
    ]
    ours = "\n".join(one.message for one in caplog.records if one.name.startswith("gyrus"))
    assert "DOE" not in ours
    assert case not in ours


@pytest.mark.parametrize("path", ["/api/v1/predict/batch", "/uimg"])
def test_a_fault_of_the_server_over_one_upload_of_several_is_logged(told, png, monkeypatch, path):
    """The client is told that the log says why."""
    client, caplog = told

    def full(*_, **__):
        raise StorageError("cannot be written: No space left on device", path="blobs")

    monkeypatch.setattr(client.app.state.store, "add_case", full)
    files = [("image", (f"{NAME}.png", png)), ("image", ("b.png", b"no image"))]
    given = client.post(path, files=files, headers={"Accept": "application/json"})
    assert given.status_code == 200
    assert "log says why" in given.text
    (line,) = lines(caplog, "upload")
    assert (line["level"], line["error"]) == ("error", "StorageError")
    assert "No space left on device" in line["reason"]
    assert any(place.endswith(" full") for place in line["where"])
    assert line["request_id"] == given.headers["x-request-id"]


def test_a_clients_request_id_is_kept_when_it_is_one(told):
    client, caplog = told
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    forged = client.get("/healthz", headers={"x-request-id": 'a" b'}).headers["x-request-id"]
    assert len(forged) == 32
    assert [line["request_id"] for line in lines(caplog)] == ["abc-1", forged]


def test_measures_count(told, png):
    client, _ = told
    for _ in range(3):
        client.post("/api/v1/predict", files={"image": ("a.png", png)})
    client.get("/nowhere")
    page = client.get("/metrics").text
    assert 'gyrus_requests_total{method="POST",route="/api/v1/predict",status="200"} 3.0' in page
    assert 'gyrus_requests_total{method="GET",route="unmatched",status="404"} 1.0' in page
    assert 'gyrus_answers_total{outcome="answered"} 3.0' in page
    assert 'gyrus_request_seconds_count{route="/api/v1/predict"} 3.0' in page
    assert "gyrus_batch_images_sum 3.0" in page


def test_two_apps_count_for_themselves(options):
    first, second = (TestClient(create_app(replace(options, db="none"))) for _ in range(2))
    first.get("/healthz")
    assert "/healthz" not in second.get("/metrics").text
    for client in (first, second):
        client.app.state.answering.close()
