"""The doctor: every planted flaw is found by name, nothing is accused that is sound, no image is touched."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from planted_flaws import FIRST, PLANTS, A, Plant, brain, file, mkdirs, sound_folder

import gyrus
from gyrus.auditing import Diagnosis, Problem, clean, diagnose
from gyrus.auditing.problems import KINDS, Commands
from gyrus.config.options import DataOptions
from gyrus.data import load, read_manifest, scan
from gyrus.errors import DataError, LayoutError, UsageError


def examine(source: Path, cache: Path, **options: Any) -> tuple[Diagnosis, dict[str, Problem]]:
    found = diagnose(
        source, DataOptions(**options), Commands(str(source)), cache_dir=cache / "cache", progress=False
    )
    by_kind: dict[str, Problem] = {}
    for problem in found.problems:
        assert problem.message
        assert problem.files
        assert by_kind.setdefault(problem.kind, problem) is problem or problem.kind == "class_variant"
    return found, by_kind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sound_folder(tmp_path / "data")


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and "again" not in path.parts
    }


def test_nothing_is_wrong_with_a_sound_folder(folder: Path, tmp_path: Path) -> None:
    found, problems = examine(folder, tmp_path)
    assert problems == {}
    assert found.images == 30
    assert found.manifest is not None
    assert len(clean(found)) == 30


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.kind}-{plant.files[-1]}")
def test_a_planted_flaw_is_found_alone(plant: Plant, folder: Path, tmp_path: Path) -> None:
    mkdirs(folder, plant)
    plant.put(folder)
    before = state(folder)
    found, problems = examine(folder, tmp_path)
    assert plant.kind in problems
    expected = {plant.kind}
    if plant.files[0] in ("menigioma", "meningioma"):
        expected.add("class_in_one_split")  # the mistyped class stands in Training alone
    if plant.kind == "name_clash":
        expected.add("duplicate_name")
    if plant.kind == "empty_class" and (folder / "Training/pituitary/.DS_Store").exists():
        expected.add("system_file")
    assert set(problems) == expected
    assert problems[plant.kind].files == plant.files
    cleaned = {row.image_id for row in clean(found).rows}
    if KINDS[plant.kind].of_images:
        assert (plant.files[0] not in cleaned) == plant.left_out
        others = {row.image_id for row in clean(found, [plant.kind]).rows}
        assert cleaned - others == (set() if plant.left_out else set(plant.files))
    assert state(folder) == before, "no file is touched"


def test_all_flaws_at_once(folder: Path, tmp_path: Path) -> None:
    """The issue's list in one folder: everything is named, and what --fix writes is clean."""
    planted: dict[str, set[str]] = {}
    for number, plant in enumerate(plant for plant in PLANTS if FIRST not in plant.files):
        mkdirs(folder, plant)
        plant.put(folder)
        planted.setdefault(plant.kind, set()).update(plant.files)
        assert number < len(PLANTS)
    for damage, name in ((b"", "im11.png"), (None, "im12.png"), (b"junk", "im13.png")):
        path = folder / "Training" / "no_tumor" / name
        path.write_bytes(path.read_bytes()[:300] if damage is None else damage)
    planted["system_file"].add("Training/pituitary/.DS_Store")
    planted["empty"] = {"Training/no_tumor/im11.png"}
    planted["truncated"] = {"Training/no_tumor/im12.png"}
    planted["not_an_image"].add("Training/no_tumor/im13.png")
    planted["class_in_one_split"] = {"no_tumor", "menigioma"}
    found, problems = examine(folder, tmp_path)
    assert set(problems) >= set(planted)
    for kind, files in planted.items():
        assert set(problems[kind].files) == files, kind
    grades = [problem.grade for problem in found.problems]
    assert grades == sorted(grades, key=("error", "warning", "info").index)
    out = tmp_path / "clean.csv"
    result = gyrus.doctor(folder, fix=True, out=out, cache_dir=tmp_path / "cache")
    manifest = read_manifest(out)
    assert result.written is not None
    assert len(manifest) == len(result.written.manifest)
    assert result.exit_code == 3, "a class is still absent from Testing"
    again, after = examine(out, tmp_path)
    assert again.images == len(manifest)
    assert not {kind for kind in after if KINDS[kind].left_out}
    assert "No Tumor" not in manifest.classes
    marked = {row.image_id.rpartition("/")[2]: row.facts["doctor"] for row in manifest if row.facts["doctor"]}
    assert marked["framed.png"] == "white_border"
    assert marked["deep.png"] == "sixteen_bit"
    assert "black.png" not in {row.path.rpartition("/")[2] for row in manifest}


def test_a_clean_manifest_is_read_by_the_other_verbs(folder: Path, tmp_path: Path) -> None:
    (folder / FIRST).write_bytes(b"")
    Image.fromarray(brain(950)).save(folder / A / "slice.dat", format="PNG")
    out = tmp_path / "elsewhere" / "clean.csv"
    result = gyrus.doctor(folder, fix=True, out=out, cache_dir=tmp_path / "cache")
    assert result.exit_code == 0
    assert result.written is not None
    assert result.written.left_out == {"empty": 1}
    scanned = scan(load(out).manifest, cache_dir=tmp_path / "cache", progress=False)
    assert len(scanned.manifest) == 30
    assert {row.split for row in scanned.manifest} == {"train", "test"}
    assert gyrus.audit(out, cache_dir=tmp_path / "cache").audit.images == 30


def test_the_commands_mend(folder: Path, tmp_path: Path) -> None:
    """Renaming and removing, as told, in a folder whose name needs quoting."""
    root = folder.rename(tmp_path / "my data's")
    (root / FIRST).rename(root / A / "im 1.jpg")
    Image.fromarray(brain(951)).save(root / A / "im 1.png")  # the name that it should have is taken
    Image.fromarray(brain(952)).save(root / A / "dash.tif", format="BMP")
    for name in ("Training/.DS_Store", "Testing/glioma/.DS_Store", "Training/glioma/._x.png"):
        (root / name).write_bytes(b"x")
    (root / "__MACOSX").mkdir()
    (root / "Training" / "pituitary").mkdir()
    found, problems = examine(root, tmp_path)
    assert {"wrong_ending", "system_file", "empty_class"} <= set(problems)
    for kind in ("wrong_ending", "system_file", "empty_class"):
        assert problems[kind].commands
        for command in problems[kind].commands:
            subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    after, left = examine(root, tmp_path)
    assert left == {}
    assert after.images == found.images == 32
    assert (root / A / "im 1-2.png").is_file()


def test_commands_name_the_data_as_the_user_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_folder(tmp_path / "my data", 2)
    monkeypatch.chdir(tmp_path)
    Path("my data", FIRST).write_bytes(b"")
    Path("my data", "Training", "menigioma").mkdir()
    Path("my data", "Testing", "menigioma").mkdir()
    for number, split in enumerate(("Training", "Testing")):
        Image.fromarray(brain(960 + number)).save(f"my data/{split}/menigioma/m{number}.png")
    result = gyrus.doctor("my data", join_classes=["healthy=no_tumor"], subject_pattern="im(\\d)")
    commands = {problem.kind: problem.commands for problem in result.problems}
    assert [shlex.split(command) for command in commands["empty"]] == [
        ["gyrus", "doctor", "my data", "--subject-pattern", "im(\\d)", "--join-classes", "healthy=no_tumor",
         "--fix", "--out", "clean.csv"]
    ]  # fmt: skip
    joined = shlex.split(commands["class_variant"][0])
    assert joined[joined.index("--join-classes") + 1 :][:2] == ["healthy=no_tumor", "meningioma=menigioma"]


def test_a_class_whose_images_are_all_unreadable(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "Testing" / "glioma").iterdir():
        path.write_bytes(b"")
    _, problems = examine(folder, tmp_path)
    assert problems["empty_class"].files == ("Testing/glioma",)
    assert problems["empty_class"].commands == (), "there is something in it: it is not to be removed"
    assert problems["class_in_one_split"].files == ("glioma",)
    assert len(problems["empty"].files) == 5


def test_nothing_readable_at_all(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        file(f"data/{name}", b"")(tmp_path)
    found, problems = examine(tmp_path / "data", tmp_path)
    assert problems["empty"].files == ("a/1.png", "b/2.png")
    assert problems["empty_class"].files == ("a", "b")
    with pytest.raises(DataError, match="no image is left"):
        clean(found)


def test_an_unknown_arrangement_is_a_problem_and_the_images_are_looked_at(tmp_path: Path) -> None:
    for number in range(4):
        file(f"data/{number}.png", b"")(tmp_path)
        Image.fromarray(brain(number)).save(tmp_path / "data" / f"{number}.png")
    file("data/5.png", b"")(tmp_path)
    (tmp_path / "data" / "table.csv").write_text("file,class\n0,a\n")
    found, problems = examine(tmp_path / "data", tmp_path)
    assert set(problems) == {"layout", "empty"}
    assert found.images == 5
    assert "nothing tells their classes" in problems["layout"].message
    assert problems["layout"].commands[0].endswith("table.csv --on COLUMN --label-column COLUMN")
    with pytest.raises(LayoutError, match="arrangement"):
        clean(found)


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data" / "a").mkdir(parents=True)
    with pytest.raises(LayoutError, match="holds no images"):
        examine(tmp_path / "data", tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        examine(tmp_path / "nowhere", tmp_path)


def test_a_manifest_whose_files_are_gone(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "m.csv"
    gyrus.doctor(folder, fix=True, out=table, cache_dir=tmp_path / "cache")
    (folder / FIRST).unlink()
    (folder / "Training" / "no_tumor" / "im11.png").rename(folder / "Training" / "no_tumor" / "im11.jpg")
    found, problems = examine(table, tmp_path)
    assert set(problems) == {"missing"}
    assert problems["missing"].files == (FIRST, "Training/no_tumor/im11.png")
    assert found.images == 30
    Image.fromarray(brain(1)).save(folder / FIRST, format="BMP")
    wrong = examine(table, tmp_path)[1]["wrong_ending"]
    assert not any(command.startswith("mv") for command in wrong.commands), "the table names the file"


def test_a_set_of_one_image_and_of_equal_images(tmp_path: Path) -> None:
    path = tmp_path / "one" / "a" / "1.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(brain(1)).save(path)
    assert examine(tmp_path / "one", tmp_path)[1] == {}
    for number in range(2, 6):
        (path.parent / f"{number}.png").write_bytes(path.read_bytes())
    assert examine(tmp_path / "one", tmp_path)[1] == {}, "copies are the audit's matter"


def test_long_and_foreign_names(tmp_path: Path) -> None:
    name = "海马体 ünïcode " + "x" * 180
    path = tmp_path / "data" / "Gliom links" / f"{name}.jpg"
    path.parent.mkdir(parents=True)
    Image.fromarray(brain(1)).save(path, format="PNG")
    _, problems = examine(tmp_path / "data", tmp_path)
    assert problems["wrong_ending"].files == (f"Gliom links/{name}.jpg",)
    assert shlex.split(problems["wrong_ending"].commands[0])[2:] == [str(path), str(path.with_suffix(".png"))]


def test_masks_and_side_tables_are_no_flaws(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(brain(number)).save(root / name / f"{number}.png")
    (root / "t.csv").write_text("file,class,who\n0,a,p\n1,b,q\n2,a,r\n3,b,s\n")
    _, problems = examine(root, tmp_path, subjects=root / "t.csv", on="file", label_column="class")
    assert problems == {}


def test_a_set_in_colour_or_of_screens_is_not_full_of_screenshots(tmp_path: Path) -> None:
    for number in range(6):
        for label in ("cat", "dog"):
            path = tmp_path / "data" / label / f"{label}{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            colours = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((800, 600)).save(path)
    _, problems = examine(tmp_path / "data", tmp_path)
    assert problems == {}


def test_wrong_options_are_refused_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean.csv"
    with pytest.raises(UsageError, match="--fix writes a manifest"):
        gyrus.doctor(folder, fix=True)
    with pytest.raises(UsageError, match="how to fix"):
        gyrus.doctor(folder, out=out)
    with pytest.raises(UsageError, match="did you mean 'screenshot'"):
        gyrus.doctor(folder, fix=True, out=out, leave_out=["screenshots"])
    with pytest.raises(UsageError, match="no kind of problem of an image"):
        gyrus.doctor(folder, fix=True, out=out, leave_out=["empty_class"])
    out.write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        gyrus.doctor(folder, fix=True, out=out)
    assert out.read_text() == "precious"
    assert gyrus.doctor(folder, fix=True, out=out, overwrite=True).exit_code == 0


def test_every_kind_is_planted_or_known_to_be_tested_elsewhere() -> None:
    elsewhere = {"missing", "layout", "unreadable", "too_large"}  # the first two above; see test_damage.py
    elsewhere |= {"bad_mask", "nothing_marked"}  # below: a folder of classes has no task of masks
    assert {plant.kind for plant in PLANTS} | elsewhere == set(KINDS)


def test_every_kind_stands_in_the_reference() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "doctor.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    listed = {line.split("`")[1]: line.split("|")[2].strip() for line in lines if line.startswith("| `")}
    assert listed == {kind: described.grade for kind, described in KINDS.items()}


def test_real_sets(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = shared_data / "yesno"
    if not folder.is_dir():
        pytest.skip("no yesno/ in ../shared/data")
    cache = tmp_path_factory.getbasetemp()
    _, problems = examine(folder, cache)
    assert set(problems) == {
        "wrong_ending", "white_border", "screenshot", "duplicate_name", "transparent",
    }  # fmt: skip
    assert len(problems["wrong_ending"].files) == 6
    assert len(problems["transparent"].files) == 5
    assert problems["duplicate_name"].files == ("yes/Y92.jpg", "yes/Y92.png")
    assert {"no/No16.jpg", "yes/Y10.jpg", "yes/Y37.jpg"} <= set(problems["white_border"].files)
    assert "no/31 no.jpg" in problems["screenshot"].files, "a web page's banner"


def masked_folder(root: Path) -> Path:
    """Four brains in ``images/``, a mask of each in ``masks/``."""
    marked = np.zeros((96, 96), np.uint8)
    marked[20:30, 20:30] = 255
    for number in range(4):
        for name, pixels in (("images", brain(number)), ("masks", marked)):
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def test_masks_that_no_training_takes_are_named_with_the_reason(tmp_path: Path) -> None:
    data = masked_folder(tmp_path / "data")
    assert examine(data, tmp_path, task="segment")[1] == {}
    with Image.open(data / "masks" / "2.png") as mask:
        mask.resize((16, 16)).save(data / "masks" / "2.png")
    found, problems = examine(data, tmp_path, task="segment")
    assert list(problems) == ["bad_mask"]
    assert problems["bad_mask"].files == ("images/2.png",)
    assert "2.png: the mask is 16 x 16" in problems["bad_mask"].message
    assert len(clean(found)) == 3
    assert examine(data, tmp_path / "again", task="segment", missing_masks="skip")[1].keys() == {"bad_mask"}


def test_masks_in_which_nothing_is_marked_are_an_error(tmp_path: Path) -> None:
    data = masked_folder(tmp_path / "data")
    for path in (data / "masks").iterdir():
        with Image.open(path) as mask:
            Image.new("L", mask.size).save(path)
    assert list(examine(data, tmp_path, task="segment")[1]) == ["nothing_marked"]


def test_a_mask_beside_its_image_is_no_image(folder: Path, tmp_path: Path) -> None:
    first = folder / FIRST
    Image.new("L", (64, 64)).save(first.with_name(f"{first.stem}_mask.png"))
    found, problems = examine(folder, tmp_path)
    assert problems == {}
    assert found.images == 30
    assert any("called as masks of images beside them" in note for note in found.notes)
