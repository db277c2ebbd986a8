"""The how-to on audits in hooks and builds: its YAML parses, and what stands in it runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gyrus.cli.verbs import VERBS
from gyrus.phantom import Faults, Phantom, write_cohort

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "audit-in-ci.md").read_text(encoding="utf-8")
HOOKS = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


HOOK_CONFIG, LOCAL_CONFIG, WORKFLOW = (yaml.safe_load(block) for block in blocks("yaml"))
STEPS = WORKFLOW["jobs"]["audit"]["steps"]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    """A sound data repository and a leaking one, patients in the file names as the page says."""
    made = {}
    for name, faults in (("sound", None), ("leaking", Faults(mirrored_copies=2, shared_subjects=1))):
        folder = tmp_path_factory.mktemp(name)
        phantom = Phantom(subjects=16, slices_per_subject=2, image_size=48)
        cohort = write_cohort(folder / "drawn", phantom, faults, split="subject")
        for row in cohort:
            side = {"train": "Training", "test": "Testing"}[row.split]
            target = (
                folder
                / "data"
                / side
                / row.label
                / f"patient{int(row.subject_id[1:]):03d}_{row.path[-12:-4].replace('/', '-')}.png"
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            cohort.file_of(row).rename(target)
        made[name] = folder
    return made


def shell(command, folder):
    """Run a line as a build does: bash, stopping at the first failure, gyrus on the path."""
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_hook_is_a_verb_about_the_whole_set():
    for hook in HOOKS.values():
        program, verb = shlex.split(hook["entry"])
        assert program == "gyrus"
        assert verb in VERBS
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        pattern = re.compile(hook["files"])
        assert all(pattern.search(name) for name in ("data/a.PNG", "b.jpeg", "c.tif", "manifest.csv"))
        assert not any(pattern.search(name) for name in ("README.md", "a.png.txt"))


def test_the_hook_stops_a_leak_and_nothing_else(repositories):
    (entry,) = HOOK_CONFIG["repos"]
    audit, doctor = entry["hooks"]
    command = shlex.join([*shlex.split(HOOKS[audit["id"]]["entry"]), *audit["args"]])
    assert shell(command, repositories["sound"]).returncode == 0
    stopped = shell(command, repositories["leaking"])
    assert stopped.returncode == 4
    assert "The split leaks" in stopped.stdout
    command = shlex.join([*shlex.split(HOOKS[doctor["id"]]["entry"]), *doctor["args"]])
    assert shell(command, repositories["sound"]).returncode == 0


def test_the_local_hook_says_the_same(repositories):
    (hook,) = LOCAL_CONFIG["repos"][0]["hooks"]
    assert shell(hook["entry"], repositories["sound"]).returncode == 0
    assert shell(hook["entry"], repositories["leaking"]).returncode == 4


def test_the_build_audits_and_keeps_the_badge_true(repositories):
    audit, badge = (step["run"] for step in STEPS if "run" in step and "pip" not in step["run"])
    folder = repositories["sound"]
    assert shell(audit, folder).returncode == 0
    assert {path.name for path in (folder / "audit").iterdir()} >= {"audit.html", "audit.json", "badge.svg"}
    assert shell(badge, folder).returncode != 0  # no badge was committed yet
    make_badge = next(block for block in blocks("sh") if "badge.svg" in block)
    assert shell(make_badge, folder).returncode == 0
    assert shell(badge, folder).returncode == 0
    leaking = repositories["leaking"]
    (leaking / "badge.svg").write_bytes((folder / "badge.svg").read_bytes())
    assert shell(audit, leaking).returncode == 4
    assert (leaking / "audit" / "audit.html").is_file()  # the page is there to be looked at
    assert shell(badge, leaking).returncode == 1


def test_the_strict_line_passes_on_clean_only(repositories):
    strict = next(block for block in blocks("sh") if "grep" in block)
    assert shell(strict, repositories["sound"]).returncode == 0
    assert shell(strict, repositories["leaking"]).returncode != 0
    unknown = strict.replace(r"'patient(\d+)_'", r"'nothing(\d+)_'").replace(
        "--subject-pattern 'nothing(\\d+)_' ", ""
    )
    assert "subject-pattern" not in unknown
    assert shell(unknown, repositories["sound"]).returncode == 1


def test_the_python_lines_hold(repositories, monkeypatch):
    (code,) = blocks("python")
    monkeypatch.chdir(repositories["sound"])
    exec(compile(code, "audit-in-ci.md", "exec"), {})
    monkeypatch.chdir(repositories["leaking"])
    with pytest.raises(AssertionError, match="The split leaks"):
        exec(compile(code, "audit-in-ci.md", "exec"), {})


def test_steps_use_pinned_actions_and_few_rights():
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in STEPS if "uses" in step)
    assert WORKFLOW["permissions"] == {"contents": "read"}
