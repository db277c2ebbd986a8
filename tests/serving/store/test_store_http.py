"""The API on top of the store, on both databases; and while the database is away."""

import csv
import io
import json
import sqlite3
import zipfile
from dataclasses import replace

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from gyrus.data.manifest import read_manifest
from gyrus.serving import create_app

PLANTED = "Mustermann^Erika_1957-03-08"


@pytest.fixture
def served(options, url):
    """A client of a server whose cases are in each kind of database."""
    with TestClient(create_app(replace(options, db=url))) as opened:
        yield opened


def keep(client, image, **headers):
    return client.post("/api/v1/predict", files={"image": (f"{PLANTED}.png", image)}, headers=headers)


def test_a_case_from_upload_to_deletion(served, png, tmp_path):
    answer = keep(served, png).json()
    place = f"/api/v1/cases/{answer['case']}"
    case = served.get(place)
    assert case.headers["etag"] == '"1"'
    assert case.json()["evidence"] == answer["evidence"]
    assert (case.json()["label"], case.json()["outcome"]) == (answer["label"], answer["outcome"])
    assert "original" in case.json()["pictures"]
    assert served.get(f"{place}/pictures/original").content == png
    assert served.get(f"{place}/pictures/image-0").headers["content-type"] == "image/png"
    assert served.get(f"{place}/pictures/..%2Fstore-id").status_code == 404

    verdict = {"verdict": "other", "label": "pituitary", "comment": "=1+1", "reviewer": "A. B."}
    reviewed = served.post(f"{place}/reviews", json=verdict, headers={"If-Match": '"1"'})
    assert (reviewed.status_code, reviewed.headers["etag"]) == (201, '"2"')
    late = served.post(f"{place}/reviews", json={"verdict": "agree"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.headers["content-type"]) == (409, "application/problem+json")
    assert late.json()["type"] == "/problems/conflict"
    assert [review["comment"] for review in served.get(f"{place}/reviews").json()["items"]] == ["=1+1"]
    found = served.get("/api/v1/cases", params={"reviewed": "true", "text": "a. b"}).json()
    assert [item["id"] for item in found["items"]] == [answer["case"]]
    assert served.get("/api/v1/cases", params={"reviewed": "false"}).json()["total"] == 0

    exported = served.get("/api/v1/export")
    assert exported.headers["content-type"].startswith("text/csv")
    manifest = tmp_path / "data" / "blobs" / "manifest.csv"
    manifest.write_bytes(exported.content)
    (row,) = read_manifest(manifest)
    assert (row.image_id, row.label, row.notes) == (answer["case"], "pituitary", "'=1+1")
    assert read_manifest(manifest).source_of(row).read() == png

    assert served.delete(place).status_code == 204
    assert [
        served.get(path).status_code for path in (place, f"{place}/reviews", f"{place}/pictures/original")
    ] == [404] * 3
    assert served.delete(place).status_code == 404
    assert len(list(csv.reader(io.StringIO(served.get("/api/v1/export").text)))) == 1


def test_images_and_manifest_in_one_archive_to_train_from(client, png, tmp_path):
    kept = [keep(client, png).json()["case"] for _ in range(2)]
    for case in kept:
        client.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "other", "label": "glioma"})
    answer = client.get("/api/v1/export?images=true")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "elsewhere")
    manifest = read_manifest(tmp_path / "elsewhere" / "manifest.csv")
    assert [row.image_id for row in manifest] == kept
    assert [manifest.source_of(row).read() for row in manifest] == [png] * len(kept)
    assert {row.path for row in manifest} == {f"images/{case}.png" for case in kept}


def test_the_same_key_is_one_case(served, png):
    first, again = (keep(served, png, **{"Idempotency-Key": "key-1"}) for _ in range(2))
    assert first.json()["case"] == again.json()["case"]
    assert first.json()["evidence"] == again.json()["evidence"]
    other = keep(served, png + b"\0", **{"Idempotency-Key": "key-1"})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    assert served.get("/api/v1/cases").json()["total"] == 1


def test_what_the_file_was_called_is_nowhere(client, png, tmp_path, options):
    case = keep(client, png).json()["case"]
    client.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "agree"})
    surname = PLANTED.partition("^")[0]
    shown = [client.get(path).text for path in (f"/api/v1/cases/{case}", "/api/v1/cases", "/api/v1/export")]
    assert not any(surname in text for text in shown)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert not any(surname.encode() in path.read_bytes() or surname in path.name for path in files)


def test_the_name_is_kept_where_the_operator_wants_it(options, png):
    with TestClient(create_app(replace(options, keep_names=True))) as client:
        case = keep(client, png).json()["case"]
        assert client.get(f"/api/v1/cases/{case}").json()["name"] == f"{PLANTED}.png"


def check_away_and_back(client, png, take_away, bring_back, secrets, caplog):
    """While the database is away: typed 503, words about where it is in the log alone; answers not kept."""
    case = keep(client, png).json()["case"]
    assert client.get("/readyz").status_code == 200
    take_away()
    asked = [
        client.get("/readyz"),
        keep(client, png),
        client.get(f"/api/v1/cases/{case}"),
        client.get("/api/v1/cases"),
        client.get("/api/v1/export"),
        client.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "agree"}),
        client.delete(f"/api/v1/cases/{case}"),
    ]
    light = client.post("/api/v1/predict?evidence=false", files={"image": ("a.png", png)})
    alive = client.get("/healthz")
    bring_back()
    for answer in asked:
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert not any(secret in answer.text for secret in secrets)
    assert (light.status_code, alive.status_code) == (200, 200)
    told = [json.loads(line) for line in caplog.messages if '"status": 503' in line]
    assert len(told) == len(asked)
    assert all("the database does not answer" in line["reason"] for line in told)
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/v1/cases").json()["total"] == 1
    assert keep(client, png).status_code == 200
    assert client.get(f"/api/v1/cases/{case}/pictures/original").content == png


def test_postgresql_away_and_back(options, cluster, png, tmp_path, caplog):
    with TestClient(create_app(replace(options, db=cluster.new_database()))) as client:
        secrets = (str(cluster.folder), "psycopg", "postgres", "sqlalche")
        try:
            check_away_and_back(client, png, cluster.stop, cluster.start, secrets, caplog)
        finally:
            cluster.start_again()
    assert len(list((tmp_path / "data" / "blobs").glob("??/*"))) == 2


def test_an_sqlite_file_away_and_back(client, png, tmp_path, caplog):
    file, away = tmp_path / "data" / "gyrus.db", tmp_path / "away"
    secrets = (str(tmp_path), "gyrus.db", "sqlite", "sqlalche")
    check_away_and_back(client, png, lambda: file.rename(away), lambda: away.rename(file), secrets, caplog)


def test_a_full_database_is_507_without_a_word_of_where(client, png, tmp_path, monkeypatch):
    def full(connection):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    dialect = client.app.state.store._database.backend.engine.dialect
    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", full)
        answer = keep(client, png)
    assert (answer.status_code, answer.json()["type"]) == (507, "/problems/storage")
    assert str(tmp_path) not in answer.text
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/v1/cases").json()["total"] == 0
    assert list((tmp_path / "data" / "blobs").glob("??/*")) == []


NO_QUESTIONS = (
    "page=0", "per_page=201", "outcome=lost", "since=yesterday", "since=0001-01-01T00:00:00%2B14:00",
    "text=%00", "label=%00", f"text={'x' * 201}", "page=99999999999999999999",
)  # fmt: skip


def test_questions_that_are_none(client):
    for asked in NO_QUESTIONS:
        answer = client.get(f"/api/v1/cases?{asked}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), (
            asked
        )
    assert client.get("/api/v1/cases?text=%ED%A0%80").status_code == 200  # no UTF-8: read as other letters


def test_a_search_is_text_and_nothing_else(served, png):
    case = keep(served, png).json()["case"]
    for text in ("' OR 1=1 --", "%", "_", "\\", '"; DROP TABLE cases; --', "é脳\U0001f9e0"):
        assert served.get("/api/v1/cases", params={"text": text}).json()["total"] == 0
        served.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "agree", "comment": f"a {text} b"})
        assert served.get("/api/v1/cases", params={"text": text}).json()["total"] == 1


def described(client, path, method, status):
    """Return the schema and the example that the description gives for an answer."""
    answers = client.get("/api/v1/openapi.json").json()["paths"][path][method]["responses"]
    said = answers[str(status)]["content"]["application/json"]
    return said["schema"], said["example"]


def test_answers_and_examples_are_as_described(client, png):
    case = keep(client, png).json()["case"]
    place, route = f"/api/v1/cases/{case}", "/api/v1/cases/{case_id}"
    verdict = {"verdict": "other", "label": "pituitary"}
    asked = {
        (route, "get", 200): lambda: client.get(place),
        ("/api/v1/cases", "get", 200): lambda: client.get("/api/v1/cases"),
        (f"{route}/reviews", "post", 201): lambda: client.post(f"{place}/reviews", json=verdict),
        (f"{route}/reviews", "get", 200): lambda: client.get(f"{place}/reviews"),
    }
    for _ in range(2):  # before and after the review
        for route_of, ask in asked.items():
            schema, example = described(client, *route_of)
            answer = ask()
            assert answer.status_code == route_of[2]
            for shown in (answer.json(), example):
                jsonschema_rs.Draft202012Validator(schema).validate(shown)
                assert set(shown) == set(schema["properties"])


def test_pages_while_the_database_is_away(client, png, tmp_path):
    page = {"Accept": "text/html"}
    case = keep(client, png).json()["case"]
    (tmp_path / "data" / "gyrus.db").rename(tmp_path / "away")
    for path in ("/history", f"/cases/{case}"):
        answer = client.get(path, headers=page)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
        assert answer.headers["content-type"].startswith("text/html")
        assert str(tmp_path) not in answer.text
    client.cookies.clear()  # a program's form needs no token
    answer = client.post("/uimg", files={"image": ("a.png", png)}, headers=page)
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert [client.get(path, headers=page).status_code for path in ("/", "/model", "/about")] == [200] * 3
