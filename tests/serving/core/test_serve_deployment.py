"""The files in deploy/ name options, paths and limits that exist."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import tyro
import yaml

from gyrus.config import ServeOptions

PROJECT = Path(__file__).resolve().parents[3]
DEPLOY = PROJECT / "deploy"
VARIABLES = {f"GYRUS_{field.name.upper()}" for field in fields(ServeOptions)} | {"GYRUS_API_KEY"}
GUIDES = (PROJECT / "docs" / "how-to" / "deploy.md", PROJECT / "docs" / "reference" / "serve.md")


def options(command):
    words = shlex.split(command)
    return tyro.cli(ServeOptions, args=words[words.index("serve") + 1 :])


def test_the_unit_starts_a_command_that_is_understood():
    lines = (DEPLOY / "gyrus.service").read_text().splitlines()
    command = next(line.partition("=")[2] for line in lines if line.startswith("ExecStart="))
    assert options(command).data_folder == Path("/var/lib/gyrus")
    stop_s = next(int(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
    assert stop_s > ServeOptions().deadline_seconds


def test_compose_sets_what_there_is():
    stack = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    app = stack["services"]["app"]
    assert set(app["environment"]) <= VARIABLES
    assert int(app["stop_grace_period"][:-1]) > ServeOptions().deadline_seconds
    assert app["ports"] == ["127.0.0.1:8000:8000"]
    assert app["depends_on"]["db"]["condition"] == "service_healthy"
    assert (DEPLOY / app["build"]["context"] / app["build"]["dockerfile"]).resolve().is_file()
    assert set(stack["volumes"]) == {"images", "database"}


def test_the_container_sets_what_there_is_and_is_not_root():
    text = (DEPLOY / "Containerfile").read_text()
    assert set(re.findall(r"GYRUS_\w+", text)) - {"GYRUS_BUNDLE"} <= VARIABLES
    assert re.search(r"^USER gyrus$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (PROJECT / name).exists(), name
            assert f"!{name}" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_every_option_is_explained_once():
    text = GUIDES[1].read_text(encoding="utf-8")
    for field in fields(ServeOptions):
        flag = f"`--{field.name.replace('_', '-')}"
        if field.name != "bundle":
            assert text.count(flag) >= 1, flag
    for guide in GUIDES:
        assert set(re.findall(r"GYRUS_[A-Z_]+[A-Z]", guide.read_text(encoding="utf-8"))) <= VARIABLES | {
            "GYRUS_DB_PASSWORD"
        }
