"""``gyrus predict``: everything that is written, from one call, and what goes wrong."""

from __future__ import annotations

import csv
import gc
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny_bundle
from evidence_place import make_place
from gyrus import box, predict
from gyrus.bundles import rewrite_bundle, write_bundle
from gyrus.cli import main
from gyrus.data.safe_names import safe_stem
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import DataError, UsageError
from gyrus.evaluation import read_predictions
from gyrus.inference import Predictor
from gyrus.inference.evidence import SCHEMA_FILE, Evidence
from gyrus.verbs import predict as verb
from gyrus.verbs.predict_records import Records
from gyrus.verbs.predict_table import columns
from inference.schema_check import problems

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
HOSTILE = "a<b>&\"q' ;$(x).png"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_place(tmp_path_factory.mktemp("predict"))


@pytest.fixture
def model(place):
    return place / "model.gyrus"


def published(text):
    record = json.loads(text)
    assert problems(record, SCHEMA, SCHEMA) == []
    return record


class Refusing:
    """A gate that refuses what is darker than grey."""

    present = True
    distribution = None

    def looks(self, pixels):
        bright = float(pixels.mean())
        return GateFinding("brain_mri", bright >= 60, bright, 60.0, "it is too dark")

    def within(self, embedding, logits):
        return []


@pytest.fixture
def gate(monkeypatch):
    monkeypatch.setattr("gyrus.inference.predictor._gate_of", lambda bundle: Refusing())


def test_everything_that_is_written(place, model, tmp_path, capsys):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(place / "new-0.png", folder / HOSTILE)
    shutil.copy(place / "train-1.png", folder / "index.png")
    (folder / "sub").mkdir()
    shutil.copy(place / "new-1.png", folder / "sub" / "index.PNG")
    (folder / "cut.png").write_bytes((place / "new-1.png").read_bytes()[:90])
    (folder / "notes.txt").write_text("not asked")
    out, table = tmp_path / "out", tmp_path / "rows.csv"
    words = ["--model", model, "--out", out, "--csv", table, "--tta", 2, "--by", "folder", "--json"]
    code = main(["predict", *map(str, [folder, *words])])
    shown = capsys.readouterr()
    assert code == 3
    assert "cut.png" in shown.err
    assert "by their endings no images: 1 of 5 files (notes.txt)" in shown.err
    assert "notes.txt" in shown.err
    record = published(shown.out)
    assert record == json.loads((out / "evidence.json").read_text(encoding="utf-8"))
    assert [Path(item["name"]).name for item in record["predictions"]] == [HOSTILE, "index.png", "index.PNG"]
    assert [item["name"] for item in record["failures"]] == [str(folder / "cut.png")]
    assert [item["in_training"]["match"] for item in record["predictions"]] == [None, "file", None]
    assert all(item["spread"]["views"] == 2 for item in record["predictions"])
    assert [len(item["nearest"]) for item in record["predictions"]] == [3, 3, 3]
    stems = [safe_stem(Path(HOSTILE).stem), "index-2", "index-3"]
    files = {f"{stem}.{kind}" for stem in stems for kind in ("html", "png")}
    assert {path.name for path in out.iterdir()} == files | {"index.html", "predictions.csv", "evidence.json"}
    for item, stem in zip(record["predictions"], stems, strict=True):
        assert (item["page"], item["picture"]) == (str(out / f"{stem}.html"), str(out / f"{stem}.png"))
    assert table.read_bytes() == (out / "predictions.csv").read_bytes()
    assert [group["images"] for group in record["groups"]["groups"]] == [3, 1]
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;&amp;&quot;q&#x27; ;$(x).png" in index
    assert "<b>&" not in index


def test_the_table_is_a_predictions_file_of_stable_columns(place, model, tmp_path):
    plain, rich = tmp_path / "plain.csv", tmp_path / "rich.csv"
    result = predict(place / "manifest.csv", model, csv=plain, threads=1)
    predict(place / "manifest.csv", model, csv=rich, tta=1, heat="none", by="patient", threads=1)
    read = read_predictions(plain)
    assert read.classes == tiny_bundle.CLASSES
    assert read.subject_ids == tuple(f"P{number % 2}" for number in range(7))
    assert read.labels == tuple(tiny_bundle.CLASSES[number % 4] for number in range(7))
    with plain.open(newline="") as one, rich.open(newline="") as other:
        first, second = list(csv.DictReader(one)), list(csv.DictReader(other))
    assert list(first[0]) == list(second[0]) == columns(tiny_bundle.CLASSES)
    for row, record in zip(first, result.predictions, strict=True):
        assert row["prediction"] == record["prediction"]
        assert row["in_training"] == "file"
        assert row["nearest_image_id"] == record["nearest"][0]["image_id"]
        assert row["pixel_hash"] == record["input"]["pixel_hash"]
        assert row["sd:glioma"] == ""
    assert all(0 <= float(row["sd:glioma"]) < 0.5 for row in second)


def test_patients_of_a_manifest(place, model, capsys):
    assert (
        main(["predict", str(place / "manifest.csv"), "--model", str(model), "--by", "patient", "--json"])
        == 0
    )
    record = published(capsys.readouterr().out)
    assert record["groups"]["by"] == "patient"
    groups = {group["name"]: group for group in record["groups"]["groups"]}
    assert {name: group["images"] for name, group in groups.items()} == {"P0": 4, "P1": 3}
    for name, group in groups.items():
        own = [item["probabilities"] for item in record["predictions"] if item["subject_id"] == name]
        for label in tiny_bundle.CLASSES:
            assert group["probabilities"][label] == pytest.approx(np.mean([one[label] for one in own]))
        assert group["prediction"] == max(group["probabilities"], key=group["probabilities"].get)


def test_patients_without_a_manifest_are_not_guessed(place, model):
    with pytest.raises(UsageError, match="1 of 1 images have no patient") as caught:
        predict(place / "new-0.png", model, by="patient")
    assert "--by folder" in str(caught.value.fix)


@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 3)])
def test_what_the_gate_refuses(place, model, tmp_path, strict, code):
    Image.fromarray(np.full((30, 30), 20, np.uint8)).save(tmp_path / "dark.png")
    out = tmp_path / "out"
    Image.fromarray(np.full((30, 30), 200, np.uint8)).save(tmp_path / "bright.png")
    asked = [tmp_path / "dark.png", tmp_path / "bright.png"]
    result = predict(asked, model, out=out, tta=1, strict=strict, by="folder")
    assert result.exit_code == code
    assert problems(json.loads("".join(result.json_pieces())), SCHEMA, SCHEMA) == []
    dark, bright = result.predictions
    assert (dark["prediction"], dark["probabilities"], dark["heat_map"]) == (None, None, None)
    assert dark["gate"]["findings"][-1]["reason"] == "it is too dark"
    assert bright["gate"]["passed"] is True
    assert "refused: it is too dark" in result.to_text()
    assert "1 of 2 images by the input gate" in result.to_text()
    assert "1 of 2 (1 refused)" in result.to_text()
    assert "refused: not a brain MRI" in (out / "index.html").read_text(encoding="utf-8")
    page = (out / "dark.html").read_text(encoding="utf-8")
    assert "Refused: there is no answer" in page
    assert not any(name in page for name in tiny_bundle.CLASSES)
    assert (dark["nearest"], len(bright["nearest"])) == ([], 3)
    with (out / "predictions.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["gate"], first["gate_reason"], first["prediction"], first["p:glioma"]) == (
        "refused", "it is too dark", "", "",
    )  # fmt: skip
    assert second["gate"] == "passed"


def test_text_says_what_speaks_against_an_answer(place, model):
    text = predict([place / "train-0.png", place / "new-0.png"], model).to_text()
    lines = text.splitlines()
    assert lines[1].endswith("the model was trained on it")
    assert not lines[2].endswith("trained on it")
    assert "A research tool, not a medical device." in lines[-1]
    assert "It has no input gate: it answers whatever it is shown." in lines[-1]
    assert "Its probabilities are not calibrated." in lines[-1]


def test_of_many_images_the_first_are_shown(place, model, tmp_path, monkeypatch):
    monkeypatch.setattr("gyrus.verbs.predict_result.ROWS_SHOWN", 2)
    result = predict(place / "manifest.csv", model, by="patient")
    lines = result.to_text().splitlines()
    assert lines[3] == "… and 5 more (all of them: --csv FILE, --json)"
    assert sum(line.startswith("train-") for line in lines) == 2
    assert len(result.to_json()["predictions"]) == 7


def test_true_labels_stand_beside_the_answers_where_a_manifest_tells_them(place, model):
    result = predict(place / "manifest.csv", model)
    header, *rows = result.to_text().splitlines()[: 1 + len(result.predictions)]
    assert header.split()[:3] == ["image", "label", "prediction"]
    assert [row.split()[1] for row in rows] == [record["label"] for record in result.predictions]
    alone = predict([place / "new-0.png"], model).to_text()
    assert alone.split()[:2] == ["image", "prediction"]


def test_of_a_referred_image_the_table_names_no_class(place, model, tmp_path):
    """Also where it is taken together with others, that is said."""
    careful = tmp_path / "careful.gyrus"
    everything = dict.fromkeys(tiny_bundle.CLASSES, 1.0)
    sets = {
        "method": "lac", "level": 0.9, "class_conditional": True, "by": "subject", "seed": 0, "refused": {},
        "quantiles": everything, "counts": dict.fromkeys(tiny_bundle.CLASSES, 12),
    }  # fmt: skip
    rewrite_bundle(model, to=careful, conformal=sets)
    out = tmp_path / "out"
    result = predict([place / "new-0.png", place / "new-1.png"], careful, by="folder", out=out)
    assert [group["referred"] for group in result.groups["groups"]] == [2]
    first, pooled = result.to_text().splitlines()[1], result.to_text().splitlines()[5]
    assert "(a person)" in first
    assert "a person should look: it may be" in first
    assert pooled.endswith("2 of 2 (2 for a person)")
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "2 for a person to look at" in index
    assert index.count("most probable: ") == 2


def test_occlusion_is_made_only_where_it_is_shown(place, tmp_path, caplog):
    members = tiny_bundle.members()
    write_bundle(tmp_path / "m.gyrus", members, tiny_bundle.card(maps="occlusion"))
    with caplog.at_level("INFO", "gyrus"):
        (plain,) = predict(place / "new-0.png", tmp_path / "m.gyrus").predictions
        assert plain["heat_map"] is None
        assert not caplog.messages
        (shown,) = predict(
            place / "new-0.png", tmp_path / "m.gyrus", out=tmp_path / "out", occlusion_grid=4
        ).predictions
    assert (shown["heat_map"]["kind"], shown["heat_map"]["network_passes"]) == ("occlusion", 25)
    assert any("25 times more an image" in message for message in caplog.messages)
    (none,) = predict(place / "new-0.png", tmp_path / "m.gyrus", heat="none", json=True).predictions
    assert none["heat_map"] is None


def test_a_private_bundle_says_that_it_cannot_tell(place, model, tmp_path):
    private = tmp_path / "private.gyrus"
    rewrite_bundle(model, to=private, members={"neighbours.npz": None}, neighbours=None, private=True)
    (record,) = predict(place / "train-0.png", private).predictions
    assert record["in_training"] == {"known": False, "match": None, "image_id": None}
    assert record["nearest"] == []


def test_without_a_model_and_none_in_the_box(place, monkeypatch, capsys):
    monkeypatch.setattr(box, "NAME", "absent.gyrus")
    assert main(["predict", str(place / "new-0.png")]) == 2
    assert "no model was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tta": -1}, UsageError, "tta is -1"),
        ({"occlusion_grid": 40}, UsageError, "occlusion_grid is 40"),
        ({"heat": "warm"}, UsageError, "heat is 'warm'"),
        ({"by": "scanner"}, UsageError, "by is 'scanner'"),
    ],
)
def test_wrong_options(place, model, options, error, words):
    with pytest.raises(error, match=words):
        predict(place / "new-0.png", model, **options)


def test_a_folder_with_something_in_it_is_not_filled(place, model, tmp_path):
    (tmp_path / "old.html").touch()
    with pytest.raises(UsageError, match="is not empty"):
        predict(place / "new-0.png", model, out=tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        predict(place / "new-0.png", model, out=tmp_path / "old.html")


def test_a_folder_without_images(model, tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        predict(tmp_path, model)


@pytest.mark.parametrize(
    "stem", ["..", "", "a/b", "con", "COM1", "x" * 300, "ünï-é", "\n", "..hidden", "-rf", "a\u202eb", "%00"]
)
def test_any_name_becomes_a_file_name(stem):
    safe = safe_stem(stem)
    assert safe
    assert len(safe) <= 81
    assert not set(safe) & set('/\\<>:"|?*\n\u202e%')
    assert not safe.startswith(".")
    assert safe.casefold() not in ("con", "com1")


def test_records_come_back_as_they_went(monkeypatch):
    monkeypatch.setattr("gyrus.verbs.predict_records._IN_MEMORY", 100)
    records = Records()
    given = [{"name": "ä" * number, "value": number / 7} for number in range(30)]
    for number, record in enumerate(given):
        records.append(record)
        assert records[number // 2] == given[number // 2]
    assert list(records) == given
    assert records[-1] == given[-1]
    assert records[3:5] == given[3:5]
    with pytest.raises(IndexError):
        records[30]


def test_memory_holds_a_few_images_whatever_their_number(place, model, monkeypatch):
    held = []
    real = verb._Answering._read
    # what earlier tests left for the garbage collector; kept here, so that no other gets its place
    former = [thing for thing in gc.get_objects() if type(thing) is Evidence]
    places = {id(thing) for thing in former}

    def counting(self, evidence):
        ours = (id(thing) for thing in gc.get_objects() if type(thing) is Evidence)
        held.append(sum(place not in places for place in ours))
        real(self, evidence)

    monkeypatch.setattr(verb._Answering, "_read", counting)
    result = predict([place / "new-0.png"] * 60, model)
    assert len(result.predictions) == len(held) == 60
    assert max(held) <= 3


def test_the_same_answers_as_the_predictor(place, model):
    names = ["new-0.png", "new-1.png", "train-3.png"]
    result = predict([place / name for name in names], model)
    answers = Predictor.load(model).predict([place / name for name in names])
    for record, answer in zip(result.predictions, answers, strict=True):
        assert list(record["probabilities"].values()) == pytest.approx(answer.probabilities.tolist())
