"""Bad boxes are named: by line, item or object."""

import math

import pytest
from places import RESULTS, TRUTH, write, write_images, write_masks

from gyrus.data.box_files import Reading, join_boxes, read_boxes
from gyrus.errors import DataError, ImageError

HEAD = "image_id,label,x0,y0,x1,y1,score\n"


def refused(predictions, truth, **options):
    with pytest.raises(DataError) as caught:
        join_boxes(
            read_boxes(predictions, "predictions", Reading()),
            read_boxes(truth, "truth", Reading()),
            **options,
        )
    return caught.value


def result(**changes):
    return [RESULTS[0], {key: value for key, value in {**RESULTS[1], **changes}.items() if value is not None}]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"score": None}, "item 1: has no score"),
        ({"score": "high"}, "item 1: score 'high' is no number"),
        ({"score": math.nan}, "item 1: score is nan"),
        ({"score": math.inf}, "item 1: score is inf"),
        ({"bbox": [5, 5, 10]}, "item 1: bbox [5, 5, 10] is not [x, y, width, height]"),
        ({"bbox": None}, "item 1: has no bbox; it has category_id, image_id, score"),
        ({"bbox": [5, 5, math.nan, 10]}, "item 1: box 5 5 nan 15 is not finite"),
        ({"bbox": [5, 5, -3, 10]}, "item 1: box 5 5 2 15 is inverted: expected x0 < x1, y0 < y1"),
        ({"bbox": [5, 5, 0, 10]}, "item 1: box 5 5 5 15 is empty: expected x0 < x1, y0 < y1"),
        ({"bbox": [40, 5, 30, 10]}, "item 1: box 40 5 70 15 lies outside image '2' of 64 x 64"),
        ({"bbox": [-9, 5, 30, 10]}, "item 1: box -9 5 21 15 lies outside image '2' of 64 x 64"),
        ({"image_id": 99}, "item 1: image '99' is not in truth.json"),
        ({"category_id": 99}, "item 1: class '99' is not among those of truth.json"),
    ],
)
def test_bad_results_name_their_item(changes, told, tmp_path):
    error = refused(write(tmp_path / "p.json", result(**changes)), write(tmp_path / "truth.json", TRUTH))
    assert error.details == [told]
    assert error.path.endswith("p.json")
    assert error.fix


def test_mixed_items_name_the_odd_one(tmp_path):
    mixed = [RESULTS[0], {"image": "a.png", "xyxy": [1, 2, 3, 4], "score": 0.5}, [1, 2, 3, 4]]
    error = refused(write(tmp_path / "p.json", mixed), write(tmp_path / "truth.json", TRUTH))
    assert error.details[0].startswith("item 1: has no image_id and no bbox; it has image, score, xyxy")
    assert error.details[1].startswith("item 2: ")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a.png,glioma,10,10,30,20,", "line 2: has no score"),
        ("a.png,glioma,10,10,30,20,x", "line 2: score is 'x', which is no number"),
        ("a.png,glioma,10,10,30,,0.5", "line 2: y1 is '', which is no number"),
        ("a.png,glioma,10,10,nan,20,0.5", "line 2: box 10 10 nan 20 is not finite"),
        ("a.png,glioma,30,10,10,20,0.5", "line 2: box 30 10 10 20 is inverted: expected x0 < x1, y0 < y1"),
        ("z.png,glioma,10,10,30,20,0.5", "line 2: image 'z.png' is not in truth.json"),
        (",glioma,10,10,30,20,0.5", "line 2: image_id is empty"),
        ("a.png,glioma,,,,,0.5", "line 2: has a score but no corners"),
    ],
)
def test_bad_rows_name_their_line(row, told, tmp_path):
    error = refused(write(tmp_path / "p.csv", HEAD + row + "\n"), write(tmp_path / "truth.json", TRUTH))
    assert error.details == [told]


def test_boxes_may_be_cut_at_the_border(tmp_path):
    found = write(tmp_path / "p.json", result(bbox=[40, 5, 30, 10]))
    joined = join_boxes(
        read_boxes(found, "predictions", Reading()),
        read_boxes(write(tmp_path / "truth.json", TRUTH), "truth", Reading()), outside="clip",
    )  # fmt: skip
    assert joined.cohort.predicted[1].tolist() == [40, 5, 64, 15]
    assert any("1 boxes stood out" in note for note in joined.notes)
    beyond = refused(
        write(tmp_path / "p.json", result(bbox=[80, 5, 30, 10])), tmp_path / "truth.json", outside="clip"
    )
    assert "lies outside" in beyond.details[0]
    within = write(tmp_path / "p.json", result(bbox=[40, 5, 24.4, 10]))  # tables round
    joined = join_boxes(
        read_boxes(within, "predictions", Reading()), read_boxes(tmp_path / "truth.json", "truth", Reading())
    )
    assert joined.cohort.predicted[1].tolist() == [40, 5, 64, 15]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("image_id,x0,y0,x1,score\na,1,2,3,0.5\n", "has no column y1"),
        ("file,x0,y0,x1,y1\na,1,2,3,4\n", "has no column image_id"),
        ("image_id,x0,y0,x1,y1,xmin,ymin,xmax,ymax\na,1,2,3,4,1,2,3,4\n", "more than one way"),
        ("image_id,x0,y0,x1,y1\na,1,2,3\n", "1 bad row"),
        ("image_id,subject_id,x0,y0,x1,y1\na,P1,1,2,3,4\na,P2,1,2,3,4\n", "1 bad item"),
        ("image_id,width_px,x0,y0,x1,y1\na,wide,1,2,3,4\n", "1 bad item"),
        ("image_id,width_px,x0,y0,x1,y1\na,nan,1,2,3,4\n", "1 bad item"),
    ],
)
def test_bad_tables(content, told, tmp_path):
    with pytest.raises(DataError, match=told):
        read_boxes(write(tmp_path / "t.csv", content), "truth", Reading())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ('"boxes"', "is neither a list of boxes nor an object"),
        ('{"annotations": []}', "has no list 'images'"),
        ('{"images": [{"file_name": "a"}], "annotations": [], "categories": []}', "1 bad item"),
        ('{"images": [{"id": 1, "width": -4}], "annotations": [], "categories": []}', "1 bad item"),
        ("[" * 100_000, "is nested too deeply|is no JSON"),
    ],
)
def test_bad_json(content, told, tmp_path):
    with pytest.raises(DataError, match=told):
        read_boxes(write(tmp_path / "t.json", content), "truth", Reading())


def test_results_are_no_truth(tmp_path):
    error = refused(write(tmp_path / "p.json", RESULTS), write(tmp_path / "q.json", RESULTS))
    assert "lists no images" in error.message


def test_an_image_twice_or_of_one_name(tmp_path):
    twice = {**TRUTH, "images": [*TRUTH["images"], TRUTH["images"][0]]}
    assert "lists images twice: 1" in refused(
        write(tmp_path / "p.json", RESULTS), write(tmp_path / "t.json", twice)
    ).message  # fmt: skip
    same = {
        **TRUTH,
        "images": [{"id": 1, "file_name": "x/a.png"}, {"id": 2, "file_name": "y/a.png"}, {"id": 3}],
    }
    error = refused(
        write(tmp_path / "p.csv", HEAD + "a.png,glioma,1,1,2,2,0.5\n"), write(tmp_path / "t.json", same)
    )
    assert error.details == ["line 2: image 'a.png' is the name of 2 images of t.json"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0 0.5 0.5 0.1 0.1", "a.txt, line 1: has no score (5 numbers; a sixth is expected)"),
        ("0 0.5 0.5 0.1", "a.txt, line 1: has 4 numbers; expected 6"),
        ("0 0.5 0.5 0.1 wide 0.9", "a.txt, line 1: '0 0.5 0.5 0.1 wide 0.9' holds what is no number"),
    ],
)
def test_bad_yolo_lines(line, told, tmp_path):
    images = write_images(tmp_path / "images")
    write(tmp_path / "found" / "a.txt", line + "\n")
    with pytest.raises(DataError) as caught:
        read_boxes(tmp_path / "found", "predictions", Reading(images=images))
    assert caught.value.details == [told]


def test_yolo_without_its_images(tmp_path):
    write(tmp_path / "found" / "a.txt", "0 0.5 0.5 0.1 0.1 0.9\n")
    with pytest.raises(DataError, match="the images are not found"):
        read_boxes(tmp_path / "found", "predictions", Reading())
    images = write_images(tmp_path / "images", ("b",))
    with pytest.raises(DataError) as caught:
        read_boxes(tmp_path / "found", "predictions", Reading(images=images))
    assert caught.value.details == ["a.txt: there is no image a"]
    write_images(tmp_path / "images", ("a", "c"))
    truth = tmp_path / "labels"
    write(truth / "a.txt", "0 0.5 0.5 0.1 0.1\n")
    assert "2 images have no text file" in read_boxes(truth, "truth", Reading(images=images)).notes[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<annotation><object></annotation>", "a.xml: is no XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "a.xml: declares entities"),
        (
            "<a><object><name>x</name></object></a>",
            "a.xml, object 0: bndbox has no number xmin, ymin, xmax, ymax",
        ),
        (
            "<a><object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox>"
            "<score>x</score></object></a>",
            "a.xml, object 0: score 'x' is no number",
        ),
    ],
)
def test_bad_voc(text, told, tmp_path):
    write(tmp_path / "voc" / "a.xml", text)
    with pytest.raises(DataError) as caught:
        read_boxes(tmp_path / "voc", "predictions", Reading())
    assert caught.value.details[0].startswith(told)


def test_mixed_and_unknown_forms(tmp_path):
    write(tmp_path / "mixed" / "a.txt", "0 0.5 0.5 0.1 0.1\n")
    write(tmp_path / "mixed" / "b.xml", "<a/>")
    with pytest.raises(DataError, match=r"mixes YOLO \(.txt\) and Pascal VOC \(.xml\)") as caught:
        read_boxes(tmp_path / "mixed", "truth", Reading())
    assert caught.value.details == ["YOLO (.txt): a.txt", "Pascal VOC (.xml): b.xml"]
    write(tmp_path / "coco" / "a.json", "[]")
    with pytest.raises(DataError, match="holds no boxes") as caught:
        read_boxes(tmp_path / "coco", "truth", Reading())
    assert "a.json" in caught.value.fix
    with pytest.raises(DataError) as caught:
        read_boxes(write_masks(tmp_path / "masks"), "truth", Reading())
    assert "--masks" in caught.value.fix
    with pytest.raises(DataError, match="does not exist"):
        read_boxes(tmp_path / "nowhere.json", "truth", Reading())
    with pytest.raises(DataError, match=r"ends in '.xls'"):
        read_boxes(write(tmp_path / "t.xls", "x"), "truth", Reading())


def test_bad_masks(tmp_path):
    write(tmp_path / "masks" / "a.png", "no image")
    with pytest.raises(ImageError):
        read_boxes(tmp_path / "masks", "truth", Reading(masks=True))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        read_boxes(tmp_path / "empty", "truth", Reading(masks=True))


def test_a_mask_in_colour_is_refused(tmp_path):
    import numpy as np
    from PIL import Image

    (tmp_path / "masks").mkdir()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataError, match="is in colour"):
        read_boxes(tmp_path / "masks", "truth", Reading(masks=True))


def test_names_do_not_lead_out_of_the_folder(tmp_path):
    write_images(tmp_path, ("secret",))
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        content = {"images": [{"id": 1, "file_name": name}], "annotations": [], "categories": []}
        truth = read_boxes(write(tmp_path / "set" / "t.json", content), "truth", Reading())
        assert truth.images[0].source is None
