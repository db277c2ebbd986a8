"""``gyrus evaluate`` and ``gyrus compare`` on predicted masks."""

import json

import pytest
from PIL import Image

import gyrus
from gyrus.cli import main
from gyrus.errors import DataError, ManifestError, PredictionsError, UsageError
from gyrus.runs.atomic import write_json
from mask_places import draw_masks, make_phantom


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A phantom with masks and spacings, and two sets of predicted masks."""
    folder = tmp_path_factory.mktemp("masks")
    manifest = make_phantom(folder / "data", size=48, spacing="2 x 2 x 5")
    draw_masks(manifest, folder / "near", strength=0.5)
    draw_masks(manifest, folder / "far", seed=1, strength=3.0)
    return folder


def test_a_file_and_a_folder_give_the_same_figures(place):
    by_file = gyrus.evaluate(place / "near" / "predictions.csv", data=place / "data").evaluation
    by_folder = gyrus.evaluate(place / "near", data=place / "data").evaluation
    assert json.dumps(by_file) == json.dumps(by_folder)
    assert (by_file["n_images"], by_file["n_subjects"], by_file["unit"]) == (24, 8, "mm")
    block = by_file["per_class"]["lesion"]
    assert 0.5 < block["dice"]["value"] < 1
    assert block["dice"]["low"] < block["dice"]["value"] < block["dice"]["high"]
    assert block["images"]["present"] + block["images"]["empty"] == 24
    assert block["patients"]["volume"]["n"] == block["patients"]["n"]


def test_the_command_line_writes_figures_and_page(place, tmp_path, capsys):
    code = main(
        [
            "evaluate",
            str(place / "near" / "predictions.csv"),
            str(place / "data"),
            "--out",
            str(tmp_path / "o"),
        ]
    )
    said = capsys.readouterr().out
    assert code == 0
    assert "mean Dice" in said
    assert json.loads((tmp_path / "o" / "evaluation.json").read_text())["task"] == "segment"
    page = (tmp_path / "o" / "report.html").read_text()
    assert page.count("data:image/jpeg") >= 6
    assert "These patients are synthetic" in page
    again = gyrus.evaluate(tmp_path / "o" / "predictions.csv", data=place / "data").evaluation
    assert again["n_images"] == 24


def test_folds_are_pooled_and_named(place, tmp_path):
    lines = (place / "near" / "predictions.csv").read_text().splitlines()
    files = []
    for fold in range(2):
        folder = place / f"fold{fold}"
        folder.mkdir(exist_ok=True)
        rows = [line for line in lines[1:] if int(line.split(",")[1][1:]) % 2 == fold]
        rows = [line.replace(",masks/", ",../near/masks/") for line in rows]
        files.append(folder / "predictions.csv")
        files[-1].write_text("\n".join([lines[0], *rows]) + "\n")
    result = gyrus.evaluate(files[0], data=files[1], more=(place / "data",)).evaluation
    whole = gyrus.evaluate(place / "near", data=place / "data").evaluation
    assert [one["fold"] for one in result["folds"]["each"]] == ["fold0", "fold1"]
    assert result["mean"]["dice"]["value"] == pytest.approx(whole["mean"]["dice"]["value"])


def test_two_sets_of_masks_are_compared(place, tmp_path):
    figures = [tmp_path / f"{name}.json" for name in ("far", "near")]
    for path in figures:
        result = gyrus.evaluate(place / path.stem / "predictions.csv", data=place / "data")
        write_json(path, result.evaluation)
    result = gyrus.compare(*figures)
    (tests,) = result.comparison["pairs"]
    assert tests["better"] == "near"
    assert "mean Dice" in result.to_text()
    with pytest.raises(UsageError, match="about classes, and these are masks"):
        gyrus.compare(*figures, metric="accuracy")
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(DataError, match="holds no figures of masks"):
        gyrus.compare(figures[0], tmp_path / "none.json")


def test_masks_need_their_data(place):
    with pytest.raises(UsageError, match="true masks are needed"):
        gyrus.evaluate(place / "near" / "predictions.csv")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prevalence": ("glioma=0.1",)}, "--prevalence: about classes"),
        ({"label_map": ("a=b",)}, "--label-map: about classes"),
        ({"surface_tolerance": float("nan")}, "surface_tolerance is nan"),
        ({"found_share": 0.0}, "found_share is 0"),
    ],
)
def test_what_does_not_go_with_masks_is_refused(place, options, said):
    with pytest.raises(UsageError, match=said):
        gyrus.evaluate(place / "near" / "predictions.csv", data=place / "data", **options)


def test_other_classes_are_refused(place):
    with pytest.raises(PredictionsError, match="have the classes lesion, the true ones tumour"):
        gyrus.evaluate(place / "near" / "predictions.csv", data=place / "data", mask_name="tumour")


def copied(place, tmp_path, change):
    """Return the data with a changed manifest."""
    text = (place / "data" / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(change(text))
    for name in ("masks", "glioma", "meningioma", "pituitary", "no_tumor"):
        (tmp_path / name).symlink_to(place / "data" / name)
    return tmp_path / "manifest.csv"


def test_a_spacing_that_is_none_is_refused(place, tmp_path):
    data = copied(place, tmp_path, lambda text: text.replace("2 x 2 x 5", "nan x nan", 1))
    with pytest.raises(ManifestError, match="spacing_mm is 'nan x nan'"):
        gyrus.evaluate(place / "near" / "predictions.csv", data=data)


def test_with_some_spacings_missing_distances_are_in_pixels(place, tmp_path):
    data = copied(place, tmp_path, lambda text: text.replace("2 x 2 x 5", "", 1))
    result = gyrus.evaluate(place / "near" / "predictions.csv", data=data).evaluation
    assert result["unit"] == "px"
    assert any("in pixels" in note for note in result["notes"])


def test_a_predicted_mask_of_another_size_is_refused(place, tmp_path):
    lines = (place / "near" / "predictions.csv").read_text().splitlines()
    Image.new("L", (5, 5)).save(tmp_path / "small.png")
    name = lines[1].split(",")[0]
    (tmp_path / "p.csv").write_text(f"{lines[0]}\n{name},S0000,small.png,lesion,segment\n")
    with pytest.raises(PredictionsError, match="5 x 5, the true one 48 x 48"):
        gyrus.evaluate(tmp_path / "p.csv", data=place / "data")


def test_an_image_that_the_data_do_not_have_is_named(place, tmp_path):
    (tmp_path / "p.csv").write_text("image_id,mask,classes\nstranger.png,m.png,lesion\n")
    with pytest.raises(PredictionsError, match="1 images are not in the data"):
        gyrus.evaluate(tmp_path / "p.csv", data=place / "data")
