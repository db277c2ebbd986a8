"""The parts of the benchmarks that decide what is measured: the clock, the folds, what is kept."""

import csv
import importlib.util
import json
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def loaded(name, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(Path(name).stem, BENCHMARKS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_clocked_loader_gives_the_same_batches_and_clocks_passes_in_order_only(monkeypatch, capsys):
    import torch

    clocked = loaded("launchers/clocked_test_pass.py", monkeypatch).ClockedLoader
    data = torch.arange(10)
    plain = torch.utils.data.DataLoader(data, batch_size=4)
    ours = clocked(data, batch_size=4)
    found = []
    for batch in ours:
        found.append(batch.tolist())
        time.sleep(0.02)  # the loop's body counts
    assert found == [batch.tolist() for batch in plain]
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["test_pass_s"] >= 0.06
    torch.manual_seed(0)
    shuffled = [batch.tolist() for batch in clocked(data, batch_size=4, shuffle=True)]
    torch.manual_seed(0)
    assert shuffled == [
        batch.tolist() for batch in torch.utils.data.DataLoader(data, batch_size=4, shuffle=True)
    ]
    assert capsys.readouterr().out == ""


def test_a_run_is_done_once_and_other_settings_are_refused(monkeypatch, tmp_path):
    keeping = loaded("keeping.py", monkeypatch)
    monkeypatch.setattr(keeping, "machine", lambda: {"processor": "x"})
    done = []

    def make():
        done.append(1)
        return {"seconds": 2.0}

    assert keeping.Kept(tmp_path, "claim", {"a": 1}).once("first", make)["seconds"] == 2.0
    again = keeping.Kept(tmp_path, "claim", {"a": 1})
    assert again.once("first", make)["seconds"] == 2.0
    assert len(done) == 1
    with pytest.raises(SystemExit, match="other a"):
        keeping.Kept(tmp_path, "claim", {"a": 2})


def test_a_command_has_its_time_its_lines_and_its_memory(monkeypatch, tmp_path):
    keeping = loaded("keeping.py", monkeypatch)
    code = "import time; print('one', flush=True); time.sleep(0.6); print('two')"
    ended = keeping.clocked([sys.executable, "-c", code], log=tmp_path / "log")
    assert [line.strip() for _, line in ended.lines] == ["one", "two"]
    assert ended.lines[1][0] - ended.lines[0][0] >= 0.2
    assert ended.seconds >= ended.lines[1][0]
    assert ended.peak_mib > 1
    with pytest.raises(SystemExit, match="ended with 3"):
        keeping.clocked([sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "log")


def test_the_folds_are_those_of_the_plain_script(monkeypatch, shared_data, tmp_path):
    from sklearn.model_selection import StratifiedGroupKFold

    from gyrus.data import read_manifest

    loaded("cheng_manifest.py", monkeypatch).write_folds(shared_data / "cheng", tmp_path / "manifest.csv")
    manifest = read_manifest(tmp_path / "manifest.csv")
    with (shared_data / "cheng" / "patients.csv").open() as stream:
        table = list(csv.DictReader(stream))
    labels, groups = ([row[name] for row in table] for name in ("class", "patient_base_id"))
    for fold, (_, tested) in enumerate(
        StratifiedGroupKFold(5, shuffle=True, random_state=0).split(table, labels, groups)
    ):
        wanted = {f"images/{table[number]['file_number']}.jpg" for number in tested}
        assert {row.image_id for row in manifest if row.fold == fold} == wanted
    assert all(manifest.file_of(row).is_file() for row in list(manifest)[::500])
    assert len(manifest) == len(table)
