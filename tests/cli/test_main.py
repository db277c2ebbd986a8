import contextlib
import io
import json
import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import gyrus
from gyrus.cli import main
from gyrus.cli.verbs import VERBS


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in VERBS)


def test_nothing_asked_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().out


def test_a_mistyped_verb_gets_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "did you mean 'train'" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(VERBS))
def test_every_verb_has_help_and_refuses_unknown_options(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"gyrus {name}" in capsys.readouterr().out
    assert main([name, "--no-such-option-at-all"]) == 2


def test_a_mistyped_option_gets_the_nearest(capsys):
    assert main(["train", "data", "--epohcs", "3"]) == 2
    assert "--epochs" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(VERBS))
def test_every_verb_is_a_function_of_the_package(name):
    function = VERBS[name].in_python
    assert callable(getattr(gyrus, function))
    assert function in gyrus.__all__


def test_json_is_one_object_on_stdout(capsys):
    assert main(["env", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["packages"]["numpy"]


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from gyrus.cli import main; main(['--help']);"
        "print(sorted({'numpy','torch','PIL','tyro','onnxruntime'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_logger_is_left_as_it_was(tmp_path, capsys):
    """A handler left behind would write to the stderr of this call, which the caller may have closed."""
    logger = logging.getLogger("gyrus")
    before = (list(logger.handlers), logger.level, logger.propagate)
    with io.StringIO() as stream, contextlib.redirect_stderr(stream):
        main(["evaluate", str(tmp_path / "absent.csv")])
    assert (logger.handlers, logger.level, logger.propagate) == before
    logger.error("said after the stream was closed")
    assert "Logging error" not in capsys.readouterr().err


@pytest.mark.filterwarnings("always:undefined")
def test_warnings_are_sentences_without_our_source_lines(tmp_path, capsys):
    path = tmp_path / "p.csv"
    path.write_text("image_id,label,p:a,p:b\ni,a,0.9,0.1\nj,a,0.8,0.2\n")
    assert main(["evaluate", str(path)]) == 0
    shown = capsys.readouterr().err
    assert "warning: undefined" in shown
    assert ".py:" not in shown


def test_a_long_list_is_cut_before_its_end(tmp_path, capsys):
    """Images without a row are listed first, rows without an image last: both are to be seen."""
    (tmp_path / "images").mkdir()
    for number in range(30):
        (tmp_path / "images" / f"{number}.png").write_bytes(b"")
    (tmp_path / "t.csv").write_text("name,class\n100,a\n101,b\n")
    options = ["--subjects", str(tmp_path / "t.csv"), "--on", "name", "--label-column", "class"]
    assert main(["audit", str(tmp_path), *options]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert sum("image without a row" in line for line in lines) == 18
    assert [line for line in lines if "more" in line] == ["  … and 12 more …"]
    assert sum("row without an image" in line for line in lines) == 2


def _in_latin_1(arguments, **options):
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "gyrus", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=environment, check=False, **options)


def test_letters_that_the_terminal_lacks_are_escaped(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,label,p:Größe,p:日本\ni,Größe,0.9,0.1\nj,日本,0.2,0.8\n", encoding="utf-8")
    text = _in_latin_1(["evaluate", path])
    assert text.returncode == 0, text.stderr
    assert "Größe" in text.stdout.decode("latin-1")
    assert "\\u65e5\\u672c" in text.stdout.decode("latin-1")
    found = _in_latin_1(["evaluate", path, "--json"])
    assert set(json.loads(found.stdout)["evaluation"]["per_class"]) == {"Größe", "日本"}
    assert _in_latin_1(["train", "--help"]).returncode == 0  # it has an ellipsis


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["env", "--json"]])
def test_a_result_that_cannot_be_printed_is_no_defect_of_ours(arguments):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gyrus", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: the result cannot be printed: No space left")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_stdout_is_said():
    command = f"exec {shlex.quote(sys.executable)} -m gyrus env >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert "stdout is closed" in done.stderr


def test_an_error_is_one_json_object_too(tmp_path, capsys):
    path = tmp_path / "p.csv"
    path.write_text("image_id,label,p:a,p:b\n" + "".join(f"{n},a,nan,0.1\n" for n in range(40)))
    assert main(["evaluate", str(path), "--json"]) == 3
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert set(told) == {"error"}
    error = told["error"]
    assert (error["kind"], error["exit_code"], error["path"]) == ("PredictionsError", 3, str(path))
    assert error["message"] == "40 bad rows"
    assert error["fix"]
    assert len(error["details"]) == 40  # a program gets all of them, a terminal the first and the last
    assert error["details"][0].startswith("line 2: ")
    assert "40 bad rows" in printed.err
    assert main(["evaluate", str(path)]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["evaluat", "--json"], ["evaluate", "--json", "--no-such"]])
def test_a_wrong_command_line_is_one_json_object_too(arguments, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["exit_code"] == 2
    assert printed.err


def test_a_defect_is_one_json_object_too(capsys, monkeypatch):
    class Broken:
        @staticmethod
        def load():
            raise RuntimeError("no such thing")

    monkeypatch.setitem(VERBS, "env", Broken)
    assert main(["env", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["kind"] == "RuntimeError"
    assert "defect of gyrus" in printed.err
