"""A server whose bundle segments: contours over the image, sizes in the table, slices by themselves."""

import io

import nibabel
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import tiny_masks
from gyrus.config.serving import ServeOptions
from gyrus.serving import create_app


def scan(level=250):
    pixels = np.full((96, 128), 30, np.uint8)
    pixels[30:66, 40:80] = level
    return pixels


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A client of a server with a joint model of masks, and its app."""
    place = tmp_path_factory.mktemp("masks")
    (place / "model.gyrus").write_bytes(tiny_masks.bundle_bytes(joint=True))
    options = ServeOptions(
        bundle=place / "model.gyrus", threads=1, data_folder=place / "data", port=0,
        allowed_hosts=("testserver",), log="off", slices="all",
    )  # fmt: skip
    with TestClient(create_app(options)) as client:
        yield client


def asked(client, data, name="scan.png"):
    answer = client.post("/api/v1/predict", files={"image": (name, data)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_evidence_tells_contours_and_sizes(drawn):
    told = asked(drawn, png(scan()))
    one = told["evidence"]["predictions"][0] if "evidence" in told else told["predictions"][0]
    region = one["segmentation"]["classes"][0]
    assert one["prediction"] == "lesion"
    assert 0.8 < region["area_px"] / (36 * 40) < 1.2
    assert region["area_mm2"] is None
    assert region["contours"][0]["hole"] is False
    assert one["segmentation"]["picture"]["prediction"] in tiny_masks.PICTURE_CLASSES


def test_the_light_way_tells_whether_anything_is_marked(drawn):
    answer = drawn.post("/api/v1/predict?evidence=false", files={"image": ("a.png", png(scan(40)))}).json()
    assert answer["prediction"] == "|"
    assert answer["probabilities"]["lesion"] < 0.5


def test_the_page_draws_the_contour_and_tells_the_size(drawn):
    asked(drawn, png(scan()))
    case = drawn.get("/api/v1/cases").json()
    listed = case["items"] if "items" in case else case["cases"]
    page = drawn.get(f"/cases/{listed[0]['id']}", headers={"Accept": "text/html"}).text
    assert "Largest diameter" in page
    assert "Contours: lesion" in page
    assert "Class of the whole picture" in page
    assert "Heat map" not in page


def test_the_contour_lies_over_the_image(drawn):
    answering = drawn.app.state.answering
    answer = drawn.portal.call(answering.answer, png(scan()), None)
    layer = np.asarray(Image.open(io.BytesIO(answer.pictures["heat-0"])))
    scale = layer.shape[0] / 96
    assert layer.shape[2] == 4
    inside = layer[round(48 * scale), round(60 * scale)]
    outside = layer[round(10 * scale), round(10 * scale)]
    assert 0 < inside[3] < 100
    assert outside[3] == 0
    assert layer[:, :, 3].max() == 255
    assert answer.label == "lesion"
    assert answer.probability is None


def test_slices_of_a_volume_keep_their_masks_and_tell_mm(drawn, tmp_path):
    volume = np.stack([np.rot90(scan(level), -1) for level in (40, 250, 40)], axis=-1).astype(np.uint8)
    path = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([0.5, 0.5, 5.0, 1.0])), path)
    told = asked(drawn, path.read_bytes(), "scan.nii")
    evidence = told.get("evidence", told)
    assert evidence["groups"] is None
    areas = [one["segmentation"]["classes"][0]["area_mm2"] for one in evidence["predictions"]]
    assert areas[0] == areas[2] == 0
    assert 0.8 < areas[1] / (36 * 40 * 0.25) < 1.2


def test_the_model_page_opens(drawn):
    page = drawn.get("/model", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "lesion" in page.text
