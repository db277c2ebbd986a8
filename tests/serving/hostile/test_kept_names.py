"""Where the operator keeps the files' names, they are shown as text, and run nowhere."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from gyrus.config.serving import ServeOptions
from gyrus.serving import create_app

NAMES = (
    "<script>alert(1)</script>.png", "\"><img src=x onerror=alert(1)>.png", "'; DROP TABLE cases; --.png",
    "=HYPERLINK(\"http://evil\").png", "../../../etc/passwd", "{{7*7}}.png", "%0d%0aX-Evil: 1.png",
)  # fmt: skip


@pytest.fixture(scope="module")
def keeping(tiny_place, tmp_path_factory):
    """A client of a server that keeps names."""
    options = ServeOptions(
        bundle=tiny_place / "model.gyrus", data_folder=tmp_path_factory.mktemp("named"), threads=1,
        keep_names=True, allowed_hosts=("testserver",), log="off",
    )  # fmt: skip
    with TestClient(create_app(options)) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_everywhere(keeping, png, name):
    answer = keeping.post("/api/v1/predict", files={"image": (name, png)})
    assert answer.status_code == 200, answer.text
    case = answer.json()["case"]
    assert keeping.get(f"/api/v1/cases/{case}").json()["name"] is not None
    review = {"verdict": "agree"}
    assert keeping.post(f"/api/v1/cases/{case}/reviews", json=review).status_code == 201
    for path in (f"/cases/{case}", "/history", "/history?text=HYPERLINK"):
        page = keeping.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "<script>alert(1)" not in page.text
        assert "<img src=x" not in page.text
        assert ">49" not in page.text
    download = keeping.get(f"/api/v1/cases/{case}/pictures/original")
    assert case in download.headers["content-disposition"]
    assert "x-evil" not in download.headers
    rows = list(csv.reader(io.StringIO(keeping.get("/api/v1/export").text)))
    assert len(rows) > 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("name", ["a\0b.png", "a\rb.png", "n" * 300, "\x1b[31mred.png"])
def test_a_name_that_is_no_text_is_refused_or_not_kept(keeping, png, name):
    answer = keeping.post("/api/v1/predict", files={"image": (name, png)})
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200:
        kept = keeping.get(f"/api/v1/cases/{answer.json()['case']}").json()["name"]
        assert kept is None or (kept.isprintable() and len(kept) <= 255)
