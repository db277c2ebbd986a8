import getpass
import json
import socket
import subprocess

from gyrus.runs import environment
from gyrus.runs.provenance import git_state


def test_environment_names_versions_but_no_person_and_no_host():
    info = environment()
    assert info["packages"]["numpy"]
    assert info["cores"] >= 1
    text = json.dumps({**info, "command": []})
    assert socket.gethostname() not in text or socket.gethostname() in ("localhost",)
    assert f"/{getpass.getuser()}" not in text


def test_git_state(tmp_path):
    assert git_state(tmp_path) is None
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *command], check=True
        )
    state = git_state(tmp_path)
    assert state is not None
    assert len(state["commit"]) == 40
    assert state["changed"] is False
