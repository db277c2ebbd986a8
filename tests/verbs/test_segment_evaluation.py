"""``gyrus evaluate`` and ``gyrus compare`` on predicted masks."""

import json
import shutil

import pytest
from PIL import Image

import gyrus
import tiny_masks
from gyrus.cli import main
from gyrus.errors import DataError, ManifestError, PredictionsError, UsageError
from gyrus.evaluation.mask_predictions import read_mask_predictions
from gyrus.runs.atomic import write_json
from gyrus.verbs import report
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


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model of masks in a folder of its own: nothing tells what it was made with."""
    path = tmp_path_factory.mktemp("bundle") / "model.gyrus"
    path.write_bytes(tiny_masks.bundle_bytes())
    return path


def test_a_bundle_on_other_images(place, bundle, tmp_path, capsys):
    code = main(["evaluate", str(bundle), str(place / "data"), "--out", str(tmp_path / "o")])
    said = capsys.readouterr().out
    assert code == 0
    assert "24 images of 8 patients" in said
    assert "Whether the model was made with any of these images or patients cannot be told" in said
    assert "cannot be told" in (tmp_path / "o" / "report.html").read_text()
    drawn = read_mask_predictions(tmp_path / "o" / "predictions.csv")
    assert len(drawn) == 24
    again = gyrus.evaluate(tmp_path / "o" / "predictions.csv", data=place / "data").evaluation
    figures = json.loads((tmp_path / "o" / "evaluation.json").read_text())
    assert figures["seen_before"]["known"] is False
    assert figures["mean"] == again["mean"]


def test_images_that_the_model_was_made_with_are_told_and_left_out(place, bundle, tmp_path):
    lines = (place / "data" / "manifest.csv").read_text().splitlines()
    (tmp_path / "training.csv").write_text("\n".join(lines[:7]) + "\n")  # two patients of three images each
    for name in ("glioma", "meningioma"):
        (tmp_path / name).symlink_to(place / "data" / name)
    result = gyrus.evaluate(
        bundle, data=place / "data", training=tmp_path / "training.csv", out=tmp_path / "o"
    )
    assert "<strong>The model has seen" in (tmp_path / "o" / "report.html").read_text()
    block = result.evaluation["seen_before"]
    seen = block["n"]
    assert block["known"] is True
    assert sum(block["reasons"].values()) == seen >= 6
    assert block["reasons"]["identical bytes"] == 6
    assert block["without"]["n_images"] == 24 - seen
    assert block["without"]["mean"]["dice"] != result.evaluation["mean"]["dice"]
    assert f"has seen {seen} of these 24 images" in result.to_text()
    whole = gyrus.evaluate(bundle, data=place / "data", training=place / "data").evaluation["seen_before"]
    assert (whole["n"], whole["without"]) == (24, None)
    assert "No image is left that is new to it" in whole["sentence"]
    with pytest.raises(UsageError, match="--training is for a bundle"):
        gyrus.evaluate(place / "near", data=place / "data", training=place / "data")


def test_a_training_set_that_cannot_be_used_is_told_before_anything_is_drawn(place, bundle, tmp_path):
    with pytest.raises(DataError):
        gyrus.evaluate(bundle, data=place / "data", training=tmp_path / "none.csv", out=tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_training_images_that_are_gone_are_told_beside_the_figure(place, bundle, tmp_path):
    """Look-alikes of them are not seen: "none of these images" would promise too much."""
    lines = (place / "data" / "manifest.csv").read_text().splitlines()
    (tmp_path / "training.csv").write_text("\n".join(lines[:7]) + "\n")
    result = gyrus.evaluate(bundle, data=place / "data", training=tmp_path / "training.csv")
    assert "6 of 6 training images cannot be read" in result.to_text()


def test_images_that_are_left_out_are_told(bundle, tmp_path):
    manifest = make_phantom(tmp_path / "data", subjects=4, size=48)
    (tmp_path / "data" / manifest.rows[0].path).write_bytes(b"no image")
    result = gyrus.evaluate(bundle, data=tmp_path / "data", on_bad_file="skip", out=tmp_path / "o")
    assert result.evaluation["n_images"] == len(manifest) - 1
    assert [item["path"] for item in result.evaluation["skipped"]] == [manifest.rows[0].path]
    assert "Left out" in (tmp_path / "o" / "report.html").read_text()


def test_a_folder_of_figures_lists_the_masks_that_it_is_about(place, tmp_path):
    for name in ("far", "near"):
        gyrus.evaluate(place / name, data=place / "data", out=tmp_path)
        listed = read_mask_predictions(tmp_path / "predictions.csv").masks
        assert {path.resolve().parent for path in listed} == {place / name / "masks"}


def test_a_page_that_cannot_be_drawn_is_told(place, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(report, "report_possible", lambda: False)
    with caplog.at_level("INFO", logger="gyrus"):
        assert gyrus.evaluate(place / "near", data=place / "data", out=tmp_path).report is None
    assert "report.html is not written" in caplog.text


def test_true_masks_that_cannot_be_used_are_told_together_before_anything_is_drawn(place, bundle, tmp_path):
    manifest = make_phantom(tmp_path / "data", subjects=4, size=48)
    names = [row.mask for row in manifest if row.label == "glioma"]
    Image.new("L", (5, 5)).save(tmp_path / "data" / names[0])
    (tmp_path / "data" / names[1]).unlink()
    with pytest.raises(DataError, match="2 of 12 masks cannot be used") as caught:
        gyrus.evaluate(bundle, data=tmp_path / "data", out=tmp_path / "o")
    assert any("does not exist" in line for line in caught.value.details)
    assert "--missing-masks" in caught.value.fix
    assert not (tmp_path / "o").exists()


def test_masks_of_predict_are_measured_as_they_lie(place, bundle, tmp_path, caplog):
    gyrus.predict([place / "data"], bundle, threads=1, masks=tmp_path / "masks", heat="none")
    with caplog.at_level("INFO", logger="gyrus"):
        by_folder = gyrus.evaluate(tmp_path / "masks", data=place / "data").evaluation
    assert "24 masks lie in" in caplog.text
    assert by_folder["mean"] == gyrus.evaluate(bundle, data=place / "data").evaluation["mean"]


def test_an_error_in_a_folder_of_masks_names_the_file(place, tmp_path):
    shutil.copytree(place / "near" / "masks", tmp_path / "masks")
    name = sorted(path.name for path in (tmp_path / "masks").iterdir())[0]
    Image.new("L", (5, 5)).save(tmp_path / "masks" / name)
    with pytest.raises(DataError, match=r"folder of predicted masks: .*%2F.*5 x 5"):
        gyrus.evaluate(tmp_path / "masks", data=place / "data")


def test_folders_that_are_no_run_say_what_they_can_be(place, tmp_path):
    with pytest.raises(UsageError, match="holds no run") as caught:
        gyrus.evaluate(place / "near")
    assert "DATA" in caught.value.fix
    (tmp_path / "progress.json").write_text("{}")
    write_json(place / "figures.json", gyrus.evaluate(place / "near", data=place / "data").evaluation)
    for ask in (lambda: gyrus.evaluate(tmp_path), lambda: gyrus.evaluate(tmp_path, data=place / "data"),
                lambda: gyrus.compare(tmp_path, place / "near")):  # fmt: skip
        with pytest.raises(UsageError, match="is a cross-validation") as caught:
            ask()
        assert "predictions-pooled.csv" in caught.value.fix
    with pytest.raises(DataError, match="does not exist"):
        gyrus.compare(place / "figures.json", tmp_path / "nowhere")
