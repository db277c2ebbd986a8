"""``gyrus doctor`` on the command line: exit codes, text, one JSON object, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gyrus.cli import main
from gyrus.data import read_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(16):
        path = tmp_path / "data" / ("yes" if number % 2 else "no") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 200, (40, 40), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "data"


def test_a_sound_folder_is_exit_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(folder)]) == 0
    assert capsys.readouterr().out == "16 images were looked at; nothing is wrong with the files.\n"


def test_errors_are_exit_3_with_files_counts_and_commands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        path = folder / ("yes" if number % 2 else "no") / f"{number}.png"
        path.write_bytes(path.read_bytes()[:200])
    assert main(["doctor", str(folder)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("16 images were looked at: 1 error.\n")
    assert "error: 7 images are truncated: their end is missing.\n- no/0.png\n- no/2.png\n" in out
    assert "- … and 2 more in --json\n" in out
    assert f"  $ gyrus doctor {folder} --fix --out clean.csv" in out


def test_warnings_alone_are_exit_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(folder / "no" / "black.png")
    assert main(["doctor", str(folder)]) == 0
    assert "warning: 1 image is blank: one grey level.\n- no/black.png\n" in capsys.readouterr().out


def test_json_is_one_object_with_every_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(0, 16, 2):
        (folder / "no" / f"{number}.png").write_bytes(b"")
    assert main(["doctor", str(folder), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["images"] == 16
    assert [problem["kind"] for problem in found["problems"]] == ["empty", "empty_class"]
    empty = found["problems"][0]
    assert (empty["count"], empty["grade"]) == (8, "error")
    assert empty["files"] == [f"no/{number}.png" for number in range(0, 16, 2)]
    assert empty["remedy"]
    assert empty["commands"]
    assert found["written"] is None


def test_fix_writes_a_manifest_and_is_exit_0(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "yes" / "1.png").write_bytes(b"")
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(folder / "no" / "black.png")
    out = tmp_path / "clean.csv"
    assert main(["doctor", str(folder), "--fix", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert f"wrote {out}: 15 of 17 images\nleft out: empty 1, blank 1\n" in shown
    assert {row.image_id for row in read_manifest(out)}.isdisjoint({"yes/1.png", "no/black.png"})
    assert main(["doctor", str(folder), "--fix", "--out", str(out)]) == 2, "it exists"
    assert main(["doctor", str(folder), "--fix"]) == 2
    assert "--fix writes a manifest" in capsys.readouterr().err


def test_a_class_that_is_still_absent_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "no").rename(tmp_path / "no")
    (folder / "Training").mkdir()
    (tmp_path / "no").rename(folder / "Training" / "no")
    (folder / "Testing").mkdir()
    (folder / "yes").rename(folder / "Testing" / "yes")
    out = tmp_path / "clean.csv"
    assert main(["doctor", str(folder), "--fix", "--out", str(out)]) == 3
    shown = capsys.readouterr().out
    assert "still there: 2 classes are absent from a split: 'no' has no image in test" in shown
    assert f"gyrus split {out} --split new --out split.csv" in shown


def test_a_folder_without_images_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path)]) == 3
    assert "holds no images" in capsys.readouterr().err


def test_no_torch_is_needed(folder: Path) -> None:
    heavy = {"torch", "lightning", "timm", "matplotlib", "scipy", "sklearn", "pandas"}
    code = (
        "import sys; from gyrus.cli import main;"
        f"code = main(['doctor', {str(folder)!r}]);"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().splitlines()[-1] == "[]"
