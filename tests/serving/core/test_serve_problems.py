"""Every error of the table as a client sees it, and nothing of what happens inside."""

import json
import logging

import pytest

from gyrus import errors
from gyrus.errors import BusyError, GyrusError, ImageError, RefusedError, StorageError
from gyrus.serving.problems import known_types, problem_of


def tree(kind=GyrusError):
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]


@pytest.mark.parametrize("kind", [kind for kind in tree() if kind.__module__ == errors.__name__])
def test_every_error_is_a_problem_of_a_known_type(kind):
    problem = problem_of(kind("got x", fix="do y"))
    assert problem.status == kind.http_status
    assert problem.title
    assert kind is GyrusError or problem.slug in known_types()
    assert ("Retry-After" in problem.headers) == (problem.status == 503)


def test_what_is_wrong_with_this_machine_is_not_told():
    for error in (StorageError("no space at /srv/x", path="/srv/x"), GyrusError("at /srv/x")):
        assert "/srv" not in json.dumps(problem_of(error).to_json("1"))


def test_a_refusal_names_its_step():
    assert problem_of(RefusedError("no", step="brain_mri")).slug == "not-a-brain-mri"
    assert problem_of(RefusedError("no", step="distribution")).slug == "unlike-training"


def test_when_to_come_back():
    assert problem_of(BusyError("busy", retry_after_s=7)).headers["Retry-After"] == "7"


def test_an_image_is_called_by_its_name():
    assert problem_of(ImageError("is empty", path="image")).detail == "image is empty."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nowhere", 404), ("PUT", "/api/v1/predict", 405), ("GET", "/api/v1/cases?page=x", 422),
     ("GET", "/api/v1/cases/42", 422), ("GET", "/api/v1/cases/" + "0" * 32, 404)],
)  # fmt: skip
def test_wrong_addresses_and_values(common, method, path, status):
    given = common.request(method, path)
    assert given.status_code == status
    assert given.headers["content-type"] == "application/problem+json"
    assert given.json()["status"] == status
    assert given.json()["request_id"] == given.headers["x-request-id"]


def test_a_browser_gets_a_page_and_a_program_a_problem(common):
    page = common.get("/nowhere", headers={"accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert common.get("/nowhere").headers["content-type"] == "application/problem+json"
    api = common.get("/api/v1/nowhere", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_a_defect_is_logged_by_its_place_and_not_by_its_words(client, app, png, caplog, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("PATIENT^NAME at /srv/x")

    monkeypatch.setattr(app.state.answering.predictor, "prepare", broken)
    with caplog.at_level(logging.INFO, logger="gyrus.serving"):
        given = client.post("/api/v1/predict?evidence=false", files={"image": ("a.png", png)})
    assert (given.status_code, given.json()["type"]) == (500, "/problems/defect")
    assert "PATIENT" not in given.text + caplog.text
    assert "/srv" not in given.text + caplog.text
    line = json.loads(caplog.records[-1].message)
    assert (line["error"], line["request_id"]) == ("RuntimeError", given.json()["request_id"])
    assert any("broken" in place for place in line["where"])
    monkeypatch.undo()
    assert client.post("/api/v1/predict?evidence=false", files={"image": ("a.png", png)}).status_code == 200
