"""``gyrus froc`` from files to table, JSON and page."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import gyrus
from gyrus.cli import main
from gyrus.config import FrocConfig
from gyrus.errors import DataError, UsageError

SIDE = 80


@pytest.fixture
def place(tmp_path):
    """Twelve images of six patients, nine with a lesion; a detector that finds most, and two images worse."""
    rng = np.random.default_rng(0)
    images, annotations, found = [], [], []
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for number in range(12):
        picture = rng.integers(0, 90, (SIDE, SIDE), dtype=np.uint8)
        mask = np.zeros_like(picture)
        images.append(
            {"id": number, "file_name": f"s{number}.png", "width": SIDE, "height": SIDE,
             "subject_id": f"P{number // 2}"}
        )  # fmt: skip
        if number % 4:
            x, y = (int(v) for v in rng.integers(5, 45, 2))
            picture[y : y + 20, x : x + 20] = mask[y : y + 20, x : x + 20] = 255
            annotations.append({"image_id": number, "category_id": 1, "bbox": [x, y, 20, 20]})
            if number not in (1, 6):
                found.append(
                    {"image_id": number, "category_id": 1, "bbox": [x + 2, y - 1, 20, 20],
                     "score": 0.5 + number / 30}
                )  # fmt: skip
        if number % 3 == 0:
            found.append({"image_id": number, "category_id": 1, "bbox": [60, 60, 12, 9], "score": 0.3})
        Image.fromarray(picture).save(tmp_path / "images" / f"s{number}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"s{number}.png")
    truth = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "tumour"}]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps(found))
    return tmp_path


def test_json_has_every_figure_with_its_interval(place, capsys):
    assert (
        main(
            [
                "froc",
                str(place / "found.json"),
                str(place / "truth.json"),
                "--json",
                "--bootstrap-samples",
                "100",
            ]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert [block["threshold"] for block in told["thresholds"]] == [0.1, 0.3, 0.5]
    assert (told["images"], told["patients"], told["lesions"]) == (12, 6, 9)
    block = told["thresholds"][1]
    assert [one["rate"] for one in block["froc"]["at"]] == [0.125, 0.25, 0.5, 1, 2, 4, 8]
    at_two = block["froc"]["at"][4]["sensitivity"]
    assert at_two["value"] == pytest.approx(7 / 9)
    assert at_two["low"] < 7 / 9 < at_two["high"]
    assert block["found_at_all"]["clusters"] == 6
    point = block["operating_points"][1]
    assert point["false_alarms"] == pytest.approx(4 / 12)
    assert point["scan"]["specificity"]["value"] == pytest.approx(2 / 3)  # 0, 4 and 8: one with a box
    assert told["levels"]["scan"]["positive"] == 9
    assert told["coco"]["recall_by_size"][1]["lesions"] == 0
    worst = told["worst"]["images"]
    assert [one["image"] for one in worst[:1]] == ["6"]  # missed and a false alarm
    assert worst[0]["missed"] == worst[0]["false_alarms"] == 1


def test_text_names_rule_and_figures(place):
    text = gyrus.froc(place / "found.json", place / "truth.json", bootstrap_samples=100).to_text()
    for words in (
        "IoU 0.1",
        "FROC score",
        "sensitivity at 1/8 a scan",
        "mAP (IoU 0.50 to 0.95, COCO)",
        "9 lesions",
    ):
        assert words in text


def test_the_page_draws_the_worst_scans_over_their_images(place):
    page = place / "froc.html"
    gyrus.froc(
        place / "found.json", place / "truth.json", images=place / "images", out=page, bootstrap_samples=100
    )
    text = page.read_text()
    assert text.count('class="scan"') == 5
    assert "data:image/jpeg" in text
    assert "<script" not in text
    for name in ("found", "missed", "alarm"):
        assert f'class="{name}"' in text
    assert "lesion missed, 1 false alarm" in text


def test_the_page_without_images_still_draws_boxes_and_is_safe(place):
    truth = json.loads((place / "truth.json").read_text())
    truth["categories"][0]["name"] = "<b>x</b>"
    truth["images"][6]["file_name"] = "<script>alert(1)</script>.png"
    (place / "truth.json").write_text(json.dumps(truth))
    page = place / "froc.html"
    gyrus.froc(place / "found.json", place / "truth.json", out=page, bootstrap_samples=100)
    text = page.read_text()
    assert 'class="ground"' in text
    assert "<script" not in text
    assert "<b>x</b>" not in text


def test_masks_against_masks(place):
    (place / "maps").mkdir()
    for number in range(12):  # the detector's probabilities: the mask, weaker with the number, moved a little
        mask = np.asarray(Image.open(place / "masks" / f"s{number}.png"))
        moved = (np.roll(mask, 3, axis=1) / 255 * (255 - 10 * number)).astype(np.uint8)
        Image.fromarray(moved).save(place / "maps" / f"s{number}.png")
    result = gyrus.froc(place / "maps", place / "masks", masks=True, bootstrap_samples=100).figures
    assert result["thresholds"][1]["froc"]["score"]["value"] == pytest.approx(1.0)
    assert result["lesions"] == 9
    assert result["predicted_boxes"] == 9
    half = gyrus.froc(place / "maps", place / "masks", masks=True, mask_level=0.75, bootstrap_samples=100)
    assert half.figures["predicted_boxes"] < 9
    found = json.loads((place / "found.json").read_text())
    named = [
        {**one, "image_id": f"s{one['image_id']}.png"} for one in found
    ]  # masks are known by their names
    (place / "found.json").write_text(json.dumps(named))
    mixed = gyrus.froc(place / "found.json", place / "masks", masks=True, bootstrap_samples=100)
    assert mixed.figures["lesions"] == 9


def test_masks_of_one_class_as_gyrus_writes_them(place):
    """Class numbers are no probabilities of 1/255: nothing would be found, and nobody would say why."""
    (place / "drawn").mkdir()
    for number in range(12):
        mask = np.asarray(Image.open(place / "masks" / f"s{number}.png")) // 255
        Image.fromarray(mask).save(place / "drawn" / f"s{number}.png")
    result = gyrus.froc(place / "drawn", place / "masks", masks=True, bootstrap_samples=100)
    assert result.figures["predicted_boxes"] == 9
    assert result.figures["thresholds"][2]["found_at_all"]["value"] == 1.0
    assert "no value is above 1" in json.dumps(result.to_json())
    for path in (place / "drawn").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) * 2).save(path)
    several = gyrus.froc(place / "drawn", place / "masks", masks=True, bootstrap_samples=100)
    assert several.figures["predicted_boxes"] == 0
    assert "no part reaches --mask-level 0.5; the highest value is 2" in json.dumps(several.to_json())


@pytest.mark.parametrize(("criterion", "blocks"), [("iou", 3), ("centre", 1), ("iobb", 3)])
def test_every_criterion(place, criterion, blocks):
    result = gyrus.froc(
        place / "found.json", place / "truth.json", criterion=criterion, bootstrap_samples=100
    )
    assert len(result.figures["thresholds"]) == blocks
    assert result.figures["thresholds"][0]["found_at_all"]["value"] == pytest.approx(7 / 9)
    assert ("centre inside" in result.to_text()) is (criterion == "centre")


def test_boxes_that_overlap_a_better_one_can_be_left_out(place):
    found = json.loads((place / "found.json").read_text())
    (place / "twice.json").write_text(json.dumps([*found, *({**one, "score": 0.1} for one in found)]))
    plain = gyrus.froc(
        place / "twice.json", place / "truth.json", duplicates="false-alarm", bootstrap_samples=100
    )
    less = gyrus.froc(
        place / "twice.json", place / "truth.json", duplicates="false-alarm", nms=0.5, bootstrap_samples=100
    )
    assert less.figures["predicted_boxes"] == len(found) == plain.figures["predicted_boxes"] / 2
    assert any("(--nms)" in note for note in less.figures["notes"])


def test_patients_from_a_table(place):
    with (place / "patients.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerows([["image_id", "subject_id"], *([f"s{n}", f"Q{n % 4}"] for n in range(12))])
    options = {"bootstrap_samples": 100}
    result = gyrus.froc(
        place / "found.json", place / "truth.json", subjects=place / "patients.csv", **options
    )
    assert result.figures["patients"] == 4
    (place / "patients.csv").write_text("image,patient\na,b\n")
    with pytest.raises(DataError, match="has no column image_id and no subject_id"):
        gyrus.froc(place / "found.json", place / "truth.json", subjects=place / "patients.csv", **options)


def test_nothing_found_and_nothing_to_find(place):
    (place / "none.json").write_text("[]")
    silent = gyrus.froc(
        place / "none.json", place / "truth.json", bootstrap_samples=100, out=place / "a.html"
    )
    assert silent.figures["thresholds"][0]["froc"]["score"]["value"] == 0
    assert "none" in silent.to_text()
    truth = json.loads((place / "truth.json").read_text())
    (place / "healthy.json").write_text(json.dumps({**truth, "annotations": []}))
    healthy = gyrus.froc(
        place / "found.json", place / "healthy.json", bootstrap_samples=100, out=place / "b.html"
    )
    assert np.isnan(healthy.figures["thresholds"][0]["froc"]["score"]["value"])
    assert "undefined" in healthy.to_text()
    assert "There is no lesion" in (place / "b.html").read_text()


def test_bad_input_ends_with_3_and_names_the_item(place, capsys):
    (place / "bad.json").write_text('[{"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}]')
    assert main(["froc", str(place / "bad.json"), str(place / "truth.json"), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["details"] == ["item 0: has no score"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"thresholds": (0.0, 0.5)}, "above 0"),
        ({"thresholds": (0.5, 0.3)}, "rising"),
        ({"thresholds": ()}, "empty"),
        ({"criterion": "centre", "thresholds": (0.4,)}, "does nothing"),
        ({"nms": 1.0}, "below 1"),
        ({"confidence": 1.0}, "expected a share"),
        ({"bootstrap_samples": 3}, "at least 100"),
    ],
)
def test_senseless_options_are_refused(options, told):
    from pathlib import Path

    with pytest.raises(UsageError, match=told):
        FrocConfig(predictions=Path("a"), truth=Path("b"), **options)


def test_the_page_does_not_overwrite_what_is_read(place):
    for name, told in (("found.json", "is no page"), ("truth.html", "is one of the files")):
        with pytest.raises(UsageError, match=told):
            gyrus.froc(place / "found.json", place / "truth.html", out=place / name)
