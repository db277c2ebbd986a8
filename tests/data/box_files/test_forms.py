"""The same boxes in every form are the same boxes."""

import numpy as np
import pytest
from PIL import Image
from places import CORNERS, RESULTS, TRUTH, write, write_images, write_masks

from gyrus.data import Manifest, Row, write_manifest
from gyrus.data.box_files import Reading, join_boxes, read_boxes
from gyrus.errors import DataError


def yolo(folder, scored=False):
    images = write_images(folder / "images")
    lines = {}
    for (x0, y0, x1, y1), (name, number) in zip(CORNERS, (("a", 0), ("b", 1), ("b", 1)), strict=True):
        shares = [
            (x0 + x1) / 128,
            (y0 + y1) / 128,
            (x1 - x0) / 64,
            (y1 - y0) / 64,
            *([0.9] if scored else []),
        ]
        lines.setdefault(name, []).append(" ".join(map(str, [number, *shares])))
    for name, text in lines.items():
        write(folder / "labels" / f"{name}.txt", "\n".join(text) + "\n")
    write(folder / "classes.txt", "glioma\nmeningioma\n")
    return folder / "labels", images


def voc(folder):
    objects = {"a": [(*CORNERS[0], "glioma")], "b": [(*box, "meningioma") for box in CORNERS[1:]], "c": []}
    for name, boxes in objects.items():
        inside = "".join(
            f"<object><name>{label}</name><difficult>0</difficult><bndbox><xmin>{x0 + 1}</xmin>"
            f"<ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for x0, y0, x1, y1, label in boxes
        )
        size = "<size><width>64</width><height>64</height></size>"
        write(
            folder / f"{name}.xml", f"<annotation><filename>{name}.png</filename>{size}{inside}</annotation>"
        )
    return folder


CSV = """image_id,label,x0,y0,x1,y1,width_px,height_px,subject_id
a.png,glioma,10,10,30,20,64,64,P1
b.png,meningioma,5,5,15,15,64,64,P1
b.png,meningioma,30,30,40,40,64,64,P1
c.png,,,,,,64,64,P2
"""


def manifest(folder):
    write_images(folder)
    rows = [
        Row("a.png", "a.png", label="glioma", subject_id="P1", boxes="10 10 30 20"),
        Row("b.png", "b.png", label="meningioma", subject_id="P1", boxes="5 5 15 15;30 30 40 40"),
        Row("c.png", "c.png", subject_id="P2"),
    ]
    write_manifest(Manifest(tuple(rows), folder), folder / "manifest.csv")
    return folder / "manifest.csv"


def truths(folder):
    return {
        "COCO": write(folder / "truth.json", TRUTH),
        "YOLO": yolo(folder / "yolo")[0],
        "Pascal VOC": voc(folder / "voc"),
        "CSV": write(folder / "truth.csv", CSV),
        "manifest": manifest(folder / "set"),
        "masks": write_masks(folder / "masks"),
    }


@pytest.mark.parametrize("form", ["COCO", "YOLO", "Pascal VOC", "CSV", "manifest", "masks"])
def test_every_form_gives_the_same_boxes(form, tmp_path):
    path = truths(tmp_path)[form]
    truth = read_boxes(path, "truth", Reading(masks=form == "masks"))
    assert truth.form == form
    assert sorted(box.corners for box in truth.boxes) == sorted(tuple(map(float, box)) for box in CORNERS)
    predictions = write(
        tmp_path / "found.csv",
        "image_id,label,x0,y0,x1,y1,score\na,glioma,10,10,30,20,0.9\nb,meningioma,5,5,15,15,0.8\n",
    )
    joined = join_boxes(read_boxes(predictions, "predictions", Reading()), truth)
    assert joined.cohort.n_images == 3
    assert joined.classes == (("lesion",) if form == "masks" else ("glioma", "meningioma"))
    assert joined.subjects_known is (form in ("COCO", "CSV", "manifest"))
    assert joined.cohort.predicted.tolist() == [[10, 10, 30, 20], [5, 5, 15, 15]]


def test_predictions_in_every_form(tmp_path):
    truth = read_boxes(write(tmp_path / "truth.json", TRUTH), "truth", Reading())
    labels, _ = yolo(tmp_path / "yolo", scored=True)
    files = {
        "results": write(tmp_path / "results.json", RESULTS),
        "yolo": labels,
        "masks": write_masks(tmp_path / "probabilities", values=204),
    }
    for form, path in files.items():
        found = join_boxes(read_boxes(path, "predictions", Reading(masks=form == "masks")), truth)
        assert len(found.cohort.scores) == 3, form
    assert found.cohort.scores.tolist() == [0.8] * 3
    assert any("same score" in note for note in found.notes)
    assert any("Only one side names classes" in note for note in found.notes)


def test_a_score_in_voc_and_difficult_objects(tmp_path):
    voc(tmp_path / "voc")
    text = (tmp_path / "voc" / "a.xml").read_text()
    write(tmp_path / "voc" / "a.xml", text.replace("</bndbox>", "</bndbox><score>0.7</score>"))
    text = (tmp_path / "voc" / "b.xml").read_text()
    write(tmp_path / "voc" / "b.xml", text.replace("<difficult>0", "<difficult>1", 1))
    found = read_boxes(tmp_path / "voc", "predictions", Reading())
    assert [box.score for box in found.boxes] == [0.7, None]
    assert found.notes == ("voc: 1 objects marked difficult are left out.",)


def test_crowds_are_left_out_and_said(tmp_path):
    crowd = {
        **TRUTH,
        "annotations": [
            *TRUTH["annotations"],
            {"image_id": 3, "category_id": 7, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ],
    }
    truth = read_boxes(write(tmp_path / "t.json", crowd), "truth", Reading())
    assert len(truth.boxes) == 3
    assert truth.notes == ("t.json: 1 regions of crowds (iscrowd) are left out.",)


def test_masks_of_a_manifest(tmp_path):
    path = manifest(tmp_path)
    write_masks(tmp_path / "masks")
    rows = [
        Row(f"{name}.png", f"{name}.png", label="glioma", subject_id="P1", mask=f"masks/{name}.png")
        for name in ("a", "b", "c")
    ]
    write_manifest(Manifest(tuple(rows), tmp_path), path)
    truth = read_boxes(path, "truth", Reading(masks=True))
    assert len(truth.boxes) == 3
    assert {box.label for box in truth.boxes} == {"glioma"}
    write_manifest(Manifest((rows[0].with_(mask=""),), tmp_path), path)
    with pytest.raises(DataError, match="1 of 1 rows name no mask"):
        read_boxes(path, "truth", Reading(masks=True))


def test_predicted_masks_are_known_by_the_names_that_gyrus_gives_them(tmp_path):
    (tmp_path / "masks").mkdir()
    mask = np.zeros((20, 20), np.uint8)
    mask[4:9, 5:12] = 1
    Image.fromarray(mask).save(tmp_path / "masks" / "glioma%2Fa.png.png")
    (tmp_path / "masks" / "glioma%2Fa.png.nii.gz").write_bytes(b"the same mask once more, not read")
    found = read_boxes(tmp_path / "masks", "predictions", Reading(masks=True))
    assert [(box.image, box.corners, box.score) for box in found.boxes] == [
        ("glioma/a.png", (5.0, 4.0, 12.0, 9.0), 1.0)
    ]


def test_images_are_found_beside_the_table_and_where_they_are_said_to_be(tmp_path):
    images = write_images(tmp_path / "elsewhere")
    path = write(tmp_path / "truth.csv", CSV)
    assert [one.source for one in read_boxes(path, "truth", Reading()).images] == [None] * 3
    for place in (images, tmp_path):
        found = read_boxes(path, "truth", Reading(images=place)).images
        assert [one.source is not None for one in found] == [place == images] * 3
    write_images(tmp_path / "images")
    assert all(one.source for one in read_boxes(path, "truth", Reading()).images)
    coco = write(tmp_path / "truth.json", TRUTH)
    assert all(one.source for one in read_boxes(coco, "truth", Reading()).images)
    found = read_boxes(voc(tmp_path / "voc"), "truth", Reading(images=images)).images
    assert all(one.source for one in found)


def test_scans_and_patients_are_numbered(tmp_path):
    images = [{"id": n, "scan_id": f"S{n // 2}", "patient_id": f"P{n // 4}"} for n in range(8)]
    truth = read_boxes(
        write(tmp_path / "t.json", {"images": images, "annotations": [], "categories": []}),
        "truth",
        Reading(),
    )
    nothing = read_boxes(write(tmp_path / "p.json", []), "predictions", Reading())
    joined = join_boxes(nothing, truth)
    assert joined.cohort.scan.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert joined.cohort.subject.tolist() == [0] * 4 + [1] * 4
    assert np.isnan(joined.cohort.scores).sum() == 0
    images[1]["patient_id"] = "P9"
    torn = read_boxes(
        write(tmp_path / "t.json", {"images": images, "annotations": [], "categories": []}),
        "truth",
        Reading(),
    )
    with pytest.raises(DataError, match="1 scans belong to several patients"):
        join_boxes(nothing, torn)


def test_a_table_of_patients(tmp_path):
    truth = read_boxes(write(tmp_path / "t.json", TRUTH), "truth", Reading())
    found = read_boxes(write(tmp_path / "p.json", RESULTS), "predictions", Reading())
    joined = join_boxes(found, truth, subjects={"a": "X", "b.png": "Y", "3": "Z"})
    assert joined.cohort.n_subjects == 3
    with pytest.raises(DataError, match="2 of 3 images have no row") as caught:
        join_boxes(found, truth, subjects={"a": "X"})
    assert caught.value.details == ["2", "3"]
