"""The API answers what the predictor answers, keeps what it should, and refuses what it should."""

import io
import json

import numpy as np
import pytest
from noise_picture import picture
from PIL import Image

from gyrus.decision.gate_finding import GateFinding
from gyrus.inference import Predictor
from gyrus.inference.evidence import SCHEMA_FILE
from inference.schema_check import problems
from scan_files import write_nifti

PREDICT = "/api/v1/predict"


def form(data, name="scan.png"):
    return {"files": {"image": (name, data)}}


@pytest.fixture
def refusing(app):
    """The gate of the app refuses everything."""

    class Gate:
        present = True

        def looks(self, pixels):
            return GateFinding("brain_mri", False, -1.0, 0.0, "it looks like a page of text")

        def within(self, embedding, logits):
            return [GateFinding("distribution", True, 1.0, 0.0, "") for _ in logits]

    app.state.answering.predictor.gate = Gate()


def expected(tiny_place, tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    answer = Predictor.load(tiny_place / "model.gyrus", threads=1).predict([path])[0]
    return dict(zip(answer.classes, answer.probabilities.tolist(), strict=True))


def test_form_and_body_get_the_predictors_probabilities(bare, tiny_place, tmp_path, png):
    wanted = expected(tiny_place, tmp_path, png)
    for sent in (form(png), {"content": png, "headers": {"content-type": "image/png"}}):
        given = bare.post(f"{PREDICT}?evidence=false", **sent)
        assert given.status_code == 200, given.text
        assert given.json()["probabilities"] == pytest.approx(wanted, abs=1e-6)
        assert given.json()["prediction"] == max(wanted, key=wanted.get)


def test_many_at_once_get_their_own_answers(bare, tiny_place, tmp_path):
    files = [picture(seed) for seed in range(6)]
    path = tmp_path / "all"
    path.mkdir()
    wanted = [expected(tiny_place, path, data) for data in files]
    answers = bare.post(
        f"{PREDICT}/batch", files=[("image", (f"{n}.png", data)) for n, data in enumerate(files)]
    )
    results = answers.json()["results"]
    shares = [result["answer"]["evidence"]["predictions"][0]["probabilities"] for result in results]
    assert [result["status"] for result in results] == [200] * 6
    for given, right in zip(shares, wanted, strict=True):
        assert given == pytest.approx(right, abs=1e-6)


def test_the_evidence_fits_its_schema_and_has_pictures(client, png):
    record = client.post(PREDICT, **form(png)).json()
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert problems(record["evidence"], schema, schema) == []
    case = client.get(f"/api/v1/cases/{record['case']}").json()
    assert case["evidence"] == record["evidence"]
    assert case["pictures"] == ["heat-0", "image-0", "nearest-0-0", "nearest-0-1", "nearest-0-2", "original"]
    heat = client.get(f"/api/v1/cases/{record['case']}/pictures/heat-0")
    assert heat.headers["content-type"] == "image/png"
    shown = Image.open(io.BytesIO(heat.content))
    assert (shown.mode, shown.size) == ("RGBA", (40, 48))
    assert np.asarray(shown)[:, :, 3].max() == 255
    original = client.get(f"/api/v1/cases/{record['case']}/pictures/original")
    assert original.content == png
    assert original.headers["content-disposition"].startswith("attachment")


def test_a_volume_is_answered_slice_by_slice_and_together(client, tmp_path):
    volume = tmp_path / "volume.nii.gz"
    write_nifti(volume, np.random.default_rng(0).integers(0, 200, (20, 22, 12)).astype(np.uint8))
    record = client.post(PREDICT, **form(volume.read_bytes(), "volume.nii.gz")).json()
    group = record["evidence"]["groups"]["groups"][0]
    slices = [one["probabilities"] for one in record["evidence"]["predictions"]]
    assert len(slices) == group["images"] > 3
    for name, share in group["probabilities"].items():
        assert share == pytest.approx(np.mean([one[name] for one in slices]))
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert problems(record["evidence"], schema, schema) == []
    light = client.post(f"{PREDICT}?evidence=false", **form(volume.read_bytes(), "volume.nii.gz")).json()
    assert light["probabilities"] == pytest.approx(group["probabilities"], abs=1e-6)
    assert light["images"] == len(slices)
    assert light["decision"] is None


def test_what_the_gate_refuses_gets_422_and_the_reason(client, refusing, png):
    for query in ("?evidence=false", ""):
        given = client.post(PREDICT + query, **form(png))
        assert given.status_code == 422
        assert given.headers["content-type"] == "application/problem+json"
        problem = given.json()
        assert problem["type"] == "/problems/not-a-brain-mri"
        assert "page of text" in problem["detail"]
        assert client.get(problem["type"]).json()["meaning"].startswith("The input gate")
    case = client.get(f"/api/v1/cases/{problem['case']}").json()
    assert (case["outcome"], case["label"]) == ("refused", None)
    assert problem["evidence"]["predictions"][0]["probabilities"] is None
    batch = client.post(f"{PREDICT}/batch", **form(png)).json()["results"]
    assert (batch[0]["status"], batch[0]["problem"]["type"]) == (422, "/problems/not-a-brain-mri")


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        ({"files": {"image": ("a.png", b"no image")}}, 415, "image"),
        ({"files": {"image": ("a.png", b"")}}, 415, "image"),
        ({"data": {"image": "text"}}, 415, "unsupported-type"),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, 415, "unsupported-type"),
        ({"content": b"", "headers": {"content-type": "image/png"}}, 400, "request"),
        ({"files": [("image", ("a", b"1")), ("image", ("b", b"2"))]}, 413, "too-large"),
    ],
)
def test_what_cannot_be_answered(bare, sent, status, kind):
    for query in ("?evidence=false", ""):
        given = bare.post(PREDICT + query, **sent)
        assert (given.status_code, given.json()["type"]) == (status, f"/problems/{kind}")


@pytest.mark.parametrize("query", ["?evidence=maybe", "?keep=2", "?evidence=false&keep=true", "?keep=true"])
def test_wrong_switches(bare, png, query):
    assert bare.post(PREDICT + query, **form(png)).status_code == 400


def test_nothing_is_kept_where_it_is_not_asked_for(client, png):
    assert client.post(f"{PREDICT}?keep=false", **form(png)).json()["case"] is None
    client.post(f"{PREDICT}?evidence=false", **form(png))
    assert client.get("/api/v1/cases").json()["total"] == 0


def test_a_server_without_a_store_keeps_nothing_and_says_so(bare, png):
    assert bare.post(PREDICT, **form(png)).json()["case"] is None
    assert bare.get("/api/v1/cases").status_code == 404
    assert bare.get("/readyz").status_code == 200


def test_the_same_key_keeps_one_case(client, png):
    headers = {"Idempotency-Key": "once"}
    first, again = (client.post(PREDICT, **form(png), headers=headers).json() for _ in range(2))
    assert first["case"] == again["case"]
    assert first["evidence"] == again["evidence"]
    other = client.post(PREDICT, **form(picture(9)), headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    assert client.get("/api/v1/cases").json()["total"] == 1
    files = [("image", ("1.png", png)), ("image", ("2.png", png))]
    for _ in range(2):
        client.post(f"{PREDICT}/batch", files=files, headers={"Idempotency-Key": "both"})
    assert client.get("/api/v1/cases").json()["total"] == 3


def test_a_refused_upload_sent_again_with_its_key_is_refused_again(client, refusing, png):
    headers = {"Idempotency-Key": "once"}
    first, again = (client.post(PREDICT, **form(png), headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.json()["case"] == again.json()["case"]


def test_reviews_are_added_and_none_is_lost(client, png):
    case = client.post(PREDICT, **form(png)).json()["case"]
    address = f"/api/v1/cases/{case}/reviews"
    etag = client.get(f"/api/v1/cases/{case}").headers["etag"]
    kept = client.post(address, json={"verdict": "agree"}, headers={"If-Match": etag})
    assert (kept.status_code, kept.headers["etag"]) == (201, '"2"')
    late = client.post(address, json={"verdict": "unusable"}, headers={"If-Match": etag})
    assert late.status_code == 409
    for wrong in ({"verdict": "maybe"}, {"verdict": "other"}, {"verdict": "agree", "more": 1}, [], {}):
        assert client.post(address, json=wrong).status_code == 422
    assert client.post(address, content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert client.post(address, data={"verdict": "agree"}).status_code == 415
    assert len(client.get(address).json()["items"]) == 1
    manifest = client.get("/api/v1/export").text
    assert case in manifest
    assert client.delete(f"/api/v1/cases/{case}").status_code == 204
    assert client.get(address).status_code == 404
    assert client.delete(f"/api/v1/cases/{case}").status_code == 404


def test_the_model_names_itself(bare):
    given = bare.get("/api/v1/model").json()
    assert given["model"]["name"] == "tiny"
    assert given["card"]["classes"] == given["model"]["classes"]
