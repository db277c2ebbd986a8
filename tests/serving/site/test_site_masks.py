"""A server whose bundle segments: contours over the image, sizes in the table, slices by themselves."""

import io
import re
import zipfile

import nibabel
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import tiny_masks
from gyrus.config.serving import ServeOptions
from gyrus.data.manifest import read_manifest
from gyrus.data.mask_classes import MaskClasses
from gyrus.data.masks import read_mask
from gyrus.decision.gate_finding import GateFinding
from gyrus.imaging.source import Source
from gyrus.inference.segmenting import MaskPredictor
from gyrus.serving import create_app
from gyrus.serving.site.model_view import model_view
from gyrus.serving.store.agreed_volumes import label_map_of
from scan_files import dicom_bytes


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


@pytest.mark.parametrize("joint", [False, True])
def test_the_form_answers_with_the_page_and_its_first_line_tells_the_size(joint, tmp_path):
    (tmp_path / "model.gyrus").write_bytes(tiny_masks.bundle_bytes(joint=joint))
    options = ServeOptions(
        bundle=tmp_path / "model.gyrus", threads=1, port=0, allowed_hosts=("testserver",), log="off"
    )
    with TestClient(create_app(options)) as client:
        for level, said in ((250, r"lesion, 1,4\d\d pixels, 5\d across"), (40, "Nothing is marked")):
            client.cookies.clear()  # as curl asks: not from a form of the page
            answer = client.post(
                "/uimg", files={"image": ("scan.png", png(scan(level)))}, headers={"Accept": "text/html"}
            )
            assert answer.status_code == 200, answer.text[:500]
            first = re.search(r'class="first-word".*?<strong>(.*?)</strong>', answer.text, re.DOTALL)
            assert first is not None
            assert re.fullmatch(said, first[1].replace("\N{NO-BREAK SPACE}", " "))


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


def told_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_the_model_page_tells_how_a_mask_is_drawn(drawn):
    text = told_of(drawn.get("/model", headers={"Accept": "text/html"}))
    assert "How well it draws" in text
    assert "A pixel is drawn from a probability of" in text
    assert "most probable class" not in text


def test_images_are_counted_by_their_own_classes_not_by_what_masks_mark(drawn):
    card = drawn.get("/api/v1/model").json()["card"]
    held = {"images": 6, "subjects": 3, "classes": {"glioma": 4, "no_tumor": 2}}
    view = model_view({**card, "data": {**card["data"], "splits": {"train": held}}}, "d" * 64, "e" * 64)
    assert view.data_classes == ("glioma", "no_tumor")
    assert view.data[0].cells == ("3", "6", "4", "2")


def test_the_first_page_says_that_it_draws(drawn):
    text = told_of(drawn.get("/", headers={"Accept": "text/html"}))
    assert "draws what it finds of lesion" in text
    assert "leaves to a person what" not in text


def test_the_limits_are_those_of_masks(drawn):
    text = told_of(drawn.get("/about", headers={"Accept": "text/html"}))
    assert "It marks lesion" in text
    assert "Heat map" not in text
    assert "It knows" not in text


def kept_case(client, level=250):
    return asked(client, png(scan(level)))["case"]


@pytest.mark.parametrize(
    ("level", "says"), [(250, "what is marked is right"), (40, "there is nothing to mark")]
)
def test_a_reviewer_judges_the_mask_and_no_class(drawn, level, says):
    page = drawn.get(f"/cases/{kept_case(drawn, level)}", headers={"Accept": "text/html"}).text
    assert re.findall(r'name="verdict" value="(\w+)"', page) == ["agree", "redraw", "unusable"]
    assert says in page
    assert "Another class" not in page
    assert "Which class" not in page


def test_lists_say_that_nothing_is_marked(drawn):
    kept_case(drawn, 40)
    page = drawn.get("/history", headers={"Accept": "text/html"}).text
    assert "nothing marked" in page
    assert "none of the classes" not in page


def test_the_mask_can_be_taken_away(drawn):
    case = kept_case(drawn)
    page = drawn.get(f"/cases/{case}", headers={"Accept": "text/html"}).text
    address = re.search(r'href="([^"]+/mask-0\.png)"', page)
    assert address is not None
    mask = np.asarray(Image.open(io.BytesIO(drawn.get(address[1]).content)))
    assert mask.shape == (96, 128)
    assert set(np.unique(mask)) == {0, 1}
    assert mask[48, 60] == 1


def test_a_verdict_on_a_class_is_refused_of_a_mask(drawn):
    case = kept_case(drawn)
    other = drawn.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "other", "label": "lesion"})
    assert other.status_code == 422
    assert "the answer is a mask" in other.json()["detail"]
    anew = drawn.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "redraw", "comment": "too large"})
    assert anew.status_code == 201
    page = drawn.get(f"/cases/{case}", headers={"Accept": "text/html"}).text
    assert "To be drawn anew" in page


def test_masks_that_were_agreed_with_can_be_trained_from(drawn, tmp_path):
    good, bad = kept_case(drawn), kept_case(drawn)
    for case, verdict in ((good, "agree"), (bad, "redraw")):
        assert drawn.post(f"/api/v1/cases/{case}/reviews", json={"verdict": verdict}).status_code == 201
    with zipfile.ZipFile(io.BytesIO(drawn.get("/api/v1/export?images=true").content)) as archive:
        archive.extractall(tmp_path)
    manifest = read_manifest(tmp_path / "manifest.csv")
    assert manifest.task == "segment"
    rows = {row.image_id: row for row in manifest}
    assert good in rows
    assert bad not in rows
    assert rows[good].label == ""
    with Image.open(tmp_path / rows[good].mask) as mask, Image.open(tmp_path / rows[good].path) as image:
        assert mask.size == image.size
        assert np.asarray(mask).any()


def agreed(client, data, name):
    case = asked(client, data, name)["case"]
    assert client.post(f"/api/v1/cases/{case}/reviews", json={"verdict": "agree"}).status_code == 201
    return case


def unpacked(client, folder):
    with zipfile.ZipFile(io.BytesIO(client.get("/api/v1/export?images=true").content)) as archive:
        archive.extractall(folder)
    return read_manifest(folder / "manifest.csv")


AFFINE = np.array([[0.5, 0.02, 0, -9], [-0.02, 0.5, 0, 4], [0, 0, 5, 30], [0, 0, 0, 1.0]])


def test_agreed_masks_of_a_volume_are_a_label_map_over_it(drawn, tmp_path):
    levels = (40, 250, 30, 240)
    volume = np.stack([np.rot90(scan(level), -1) for level in levels], axis=-1).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume, AFFINE), tmp_path / "scan.nii.gz")
    case = agreed(drawn, (tmp_path / "scan.nii.gz").read_bytes(), "patient#7.nii.gz")
    manifest = unpacked(drawn, tmp_path)
    rows = [row for row in manifest if row.path.startswith(f"images/{case}")]
    assert [row.frame for row in rows] == [f"axial:{number}" for number in range(4)]
    assert {(row.mask, row.subject_id, row.subject_source) for row in rows} == {
        (f"masks/{case}.nii.gz", case, "file")  # one patient, as far as anybody knows
    }
    written = nibabel.load(tmp_path / rows[0].mask)
    assert np.allclose(written.affine, AFFINE, atol=1e-6)
    assert written.shape == volume.shape
    assert not np.asarray(written.dataobj)[:, :, 0].any()
    marked = np.asarray(written.dataobj)[:, :, 1] > 0
    assert (volume[:, :, 1][marked] == 250).mean() > 0.9
    read = [read_mask(row, manifest, MaskClasses("binary", ("lesion",))) for row in rows]
    assert [bool(mask.any()) for mask in read] == [False, True, False, True]
    assert (manifest.source_of(rows[1]).read()) == Source(tmp_path / "scan.nii.gz", "axial:1").read()


def test_a_refused_slice_has_no_mask_and_is_not_exported(drawn, tmp_path, monkeypatch):
    def within(self, item, one):
        refused = item.name.endswith("axial:1")
        return [GateFinding("distribution", not refused, -9.0, -5.0, "is unlike the images")]

    monkeypatch.setattr(MaskPredictor, "_within", within)
    volume = np.stack([np.rot90(scan(level), -1) for level in (40, 250, 240)], axis=-1).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume, AFFINE), tmp_path / "scan.nii.gz")
    case = agreed(drawn, (tmp_path / "scan.nii.gz").read_bytes(), "scan.nii.gz")
    manifest = unpacked(drawn, tmp_path)
    rows = [row for row in manifest if row.path.startswith(f"images/{case}")]
    assert [row.frame for row in rows] == ["axial:0", "axial:2"]
    written = np.asarray(nibabel.load(tmp_path / rows[0].mask).dataobj)
    assert [bool(written[:, :, number].any()) for number in range(3)] == [False, False, True]
    assert drawn.get(f"/case/{case}?slice=1").text.count("download=") == 0


def test_agreed_masks_of_frames_without_an_affine_are_pictures(drawn, tmp_path):
    frames = np.stack([scan(level) for level in (250, 40)])
    case = agreed(drawn, dicom_bytes(frames), "scan.dcm")
    manifest = unpacked(drawn, tmp_path)
    rows = [row for row in manifest if row.path == f"images/{case}.dcm"]
    assert [(row.frame, row.mask) for row in rows] == [
        ("0", f"masks/{case}-0.png"),
        ("1", f"masks/{case}-1.png"),
    ]
    read = [read_mask(row, manifest, MaskClasses("binary", ("lesion",))) for row in rows]
    assert read[0].shape == (96, 128)
    assert [bool(mask.any()) for mask in read] == [True, False]


def test_the_list_without_images_names_the_mask_of_each_slice(drawn, tmp_path):
    volume = np.stack([np.rot90(scan(level), -1) for level in (250, 40)], axis=-1).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume, AFFINE), tmp_path / "scan.nii")
    case = agreed(drawn, (tmp_path / "scan.nii").read_bytes(), "scan.nii")
    blobs = drawn.app.state.store._blobs.root
    (blobs / "manifest.csv").write_text(drawn.get("/api/v1/export").text, "utf-8")
    manifest = read_manifest(blobs / "manifest.csv")
    rows = [row for row in manifest if row.subject_id == case]
    read = [read_mask(row, manifest, MaskClasses("binary", ("lesion",))) for row in rows]
    assert [bool(mask.any()) for mask in read] == [True, False]


def test_a_scan_of_a_size_that_no_server_can_hold_keeps_its_pictures(monkeypatch):
    volume = nibabel.Nifti1Image(np.zeros((3, 4, 2), np.uint8), AFFINE).to_bytes()
    mask = png(np.zeros((4, 3), np.uint8))
    assert label_map_of(volume, {"axial:1": mask}) is not None
    assert label_map_of(volume[:300] + b"damaged" * 9, {"axial:1": mask}) is None
    monkeypatch.setattr("gyrus.serving.store.agreed_volumes.MOST_VOXELS", 23)
    assert label_map_of(volume, {"axial:1": mask}) is None
