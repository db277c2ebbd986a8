"""``gyrus bundle``: what it prints, what it refuses, with which exit code, and what it does without."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gyrus
import tiny_bundle
from gyrus.bundles import encode_arrays, read_bundle, rewrite_bundle, rewrite_card, write_bundle
from gyrus.cli import main
from gyrus.errors import UsageError
from gyrus.inference import make_self_test

GATE = {"version": 1, "brain_mri": None, "distribution": {"threshold": 3.0}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A bundle with a self-test and figures."""
    members = tiny_bundle.members()
    figures = {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "method": "Wilson"}, "n_images": 50}
    card = tiny_bundle.card(name="first", metrics={"test": {**figures, "n_subjects": None}})
    image = np.arange(40 * 30, dtype=np.uint8).reshape(40, 30, 1)
    members |= make_self_test(card, members["preprocess.onnx"], members["network.onnx"], {"a": image})
    write_bundle(tmp_path / "model.gyrus", members, card)
    return tmp_path / "model.gyrus"


def call(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, Any, str]:
    """Exit code, the JSON object on stdout, and stderr of ``gyrus bundle … --json``."""
    code = main(["bundle", *map(str, words), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_info_tells_the_card(path: Path) -> None:
    text = gyrus.bundle("info", path).to_text()
    for words in ("simple_cnn", "format 2", "accuracy 90.0 % (80.0 to 95.0) on 50 images, unknown patients",
                  "squashed to 32 x 32 px", "calibrated  no", "cases       none kept", "signature   none",
                  read_bundle(path).digest, "not a medical device"):  # fmt: skip
        assert words in text


def test_info_tells_what_decides(path: Path) -> None:
    fitted = {"split": "cal", "images": 40, "subjects": 20, "fingerprint": None}
    losses = {"log_loss": 0.5, "ece": None}
    reached = {"value": 0.96, "low": 0.9, "high": 1.0, "method": "Wilson"}
    point = {
        "name": "screening", "positive": ["glioma", "meningioma"], "threshold": 0.125, "split": "cal",
        "constraint": {"metric": "sensitivity", "at_least": 0.95}, "images": 40, "subjects": 20,
        "figures": {"cal": {"sensitivity": reached}},
    }  # fmt: skip
    quantiles = dict.fromkeys(tiny_bundle.CLASSES, 0.7)
    sets = {
        "method": "lac", "level": 0.9, "class_conditional": True, "by": "subject", "seed": 0,
        "quantiles": quantiles, "refused": {},
        "counts": dict.fromkeys(tiny_bundle.CLASSES, 12),
    }  # fmt: skip
    temperature = {"method": "temperature", "temperature": 1.5, "fitted_on": fitted}
    rewrite_bundle(
        path,
        members={"gate.npz": encode_arrays({"centre": np.zeros(6)})},
        gate=GATE,
        calibration={**temperature, "before": losses, "after": losses},
        operating_points=[point],
        conformal=sets,
    )
    text = gyrus.bundle("info", path).to_text()
    for words in ("calibrated  by temperature on 40 images of cal", "gate        distribution",
                  "screening: glioma + meningioma from 0.125 on (sensitivity at least 0.95 on cal)",
                  "sets        lac at 90 % by subject"):  # fmt: skip
        assert words in text
    few = {**sets, "quantiles": {**quantiles, "glioma": None}, "refused": {"glioma": "3 patients"}}
    rewrite_bundle(path, conformal=few)
    text = gyrus.bundle("info", path).to_text()
    assert "sets        none, and no image is referred: glioma: 3 patients" in text


def test_info_says_that_a_bundle_is_private(tmp_path: Path) -> None:
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card(private=True))
    assert "private: no hash, embedding or thumbnail" in gyrus.bundle("info", path).to_text()


def test_verify_runs_the_self_test(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result, _ = call(capsys, "verify", path)
    assert (code, result["self_test"]["cases"], result["signature"]) == (0, 1, None)
    assert "1 images answered" in gyrus.bundle("verify", path).to_text()


def test_verify_of_an_edited_file_exits_5(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, result, _ = call(capsys, "verify", path)
    assert (code, result["error"]["kind"]) == (5, "BundleError")
    assert "is altered" in result["error"]["message"]


def test_the_whole_way_of_a_signature(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for key in (ours, theirs):
        code, made, _ = call(capsys, "keygen", key)
        assert (code, made["written"]) == (0, [str(key), f"{key}.pub"])
    public = f"{ours}.pub"
    code, result, _ = call(capsys, "verify", path, "--key", public)
    assert (code, "has no signature" in result["error"]["message"]) == (5, True)
    assert call(capsys, "sign", path, "--key", ours)[0] == 0
    code, result, _ = call(capsys, "verify", path, "--key", public)
    assert (code, result["signature"]["checked"], result["self_test"]["cases"]) == (0, True, 1)
    assert "not checked" in gyrus.bundle("verify", path).to_text()
    code, result, _ = call(capsys, "verify", path, "--key", f"{theirs}.pub")
    assert (code, "is signed with key" in result["error"]["message"]) == (5, True)
    rewrite_card(path, notes=["later"])
    for options in (["--key", public], []):
        code, result, _ = call(capsys, "verify", path, *options)
        assert (code, "signature of another bundle" in result["error"]["message"]) == (5, True)
    assert "has signed another bundle" in gyrus.bundle("info", path).to_text()
    assert call(capsys, "info", path)[1]["signature"]["of_this_bundle"] is False


def test_without_the_extra_the_exit_code_is_6(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for name in [name for name in sys.modules if name.startswith("cryptography.")]:
        monkeypatch.delitem(sys.modules, name)
    for words in (["keygen", tmp_path / "k"], ["sign", path, "--key", path], ["verify", path, "--key", path]):
        code, result, _ = call(capsys, *words)
        assert (code, result["error"]["fix"]) == (6, "pip install 'gyrus[sign]'")
    assert call(capsys, "verify", path)[0] == 0


def test_the_same_bundle_twice_is_no_difference(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "copy.gyrus")
    result = gyrus.bundle("diff", path, tmp_path / "copy.gyrus")
    assert (result.exit_code, result.difference.same, result.difference.same_answers) == (0, True, True)
    assert "are the same bundle" in result.to_text()


def test_other_figures_are_told_and_leave_the_answers(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.gyrus"
    figures = read_bundle(path).card["metrics"]["test"]
    better = {**figures, "accuracy": {**figures["accuracy"], "value": 0.92}, "kappa": 0.8}
    rewrite_bundle(path, to=other, metrics={"test": better}, notes=["new"])
    code, result, _ = call(capsys, "diff", path, other)
    assert code == 5
    assert (result["same"], result["same_model"], result["same_answers"]) == (False, True, True)
    assert [item["field"] for item in result["figures"]] == ["test.accuracy", "test.kappa"]
    assert [item["field"] for item in result["fields"]] == ["lineage", "notes"]
    text = gyrus.bundle("diff", path, other).to_text()
    assert "figure    test.accuracy: 0.9 (0.8 to 0.95) → 0.92 (0.8 to 0.95)" in text
    assert "the second was made from the first" in text
    assert "answers   the same" in text
    assert "the first was made from the second" in gyrus.bundle("diff", other, path).to_text()


@pytest.mark.parametrize(
    "fields", [{"name": "second"}, {"seeds": {"split": 1}}, {"licence": "MIT"}, {"private": True}]
)
def test_fields_that_do_not_decide(path: Path, tmp_path: Path, fields: dict[str, Any]) -> None:
    rewrite_bundle(path, to=tmp_path / "b.gyrus", **fields)
    assert gyrus.bundle("diff", path, tmp_path / "b.gyrus").difference.same_answers


def test_fields_and_members_that_decide(path: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.gyrus", tmp_path / "b.gyrus"
    for place, centre in ((first, 0.0), (second, 1.0)):
        arrays = encode_arrays({"centre": np.full(6, centre)})
        rewrite_bundle(path, to=place, members={"gate.npz": arrays}, gate=GATE)
    for one, other, words in (
        (path, first, "gate: null → {brain_mri, "),
        (first, second, "gate.npz: other content"),
    ):
        result = gyrus.bundle("diff", one, other)
        assert result.difference.same_model
        assert not result.difference.same_answers
        assert words in result.to_text()


def test_other_weights_and_other_graphs_are_told_apart(path: Path, tmp_path: Path) -> None:
    weights, graph = tmp_path / "weights.gyrus", tmp_path / "graph.gyrus"
    write_bundle(weights, tiny_bundle.members(seed=1), tiny_bundle.card())
    write_bundle(graph, tiny_bundle.members(features=7), tiny_bundle.card())
    (found,) = gyrus.bundle("diff", path, weights).difference.graphs
    assert (found.member, found.operators, found.interface) == ("network.onnx", {}, [])
    assert (found.weights, found.changed) == (4, ["bias", "filters", "head", "head_1x1"])
    (found,) = gyrus.bundle("diff", path, graph).difference.graphs
    assert found.interface == ["output embedding: float32 (any, 6) → float32 (any, 7)"]
    text = gyrus.bundle("diff", path, weights).to_text()
    assert "graph     network.onnx: the same operators; 4 of 4 weights with the same name differ" in text
    assert "member    selftest/a.png: " in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"action": "diff"}, "diff compares two bundles"),
        ({"action": "info", "other": "b"}, "info takes one file"),
        ({"action": "sign"}, "sign needs a private key"),
        ({"action": "info", "key": "k"}, "info takes no key"),
        ({"action": "open"}, "it can be info, verify, diff, sign, keygen"),
    ],
)
def test_wrong_words_are_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gyrus.bundle(file="a", **words)


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Absent())
from gyrus.cli import main
codes = [main(["bundle", *words.split("|")]) for words in sys.argv[1:]]
loaded = sorted({blocked!r} & set(sys.modules))
print(codes, loaded, file=sys.stderr)
"""


def without(blocked: set[str], *commands: list[Any]) -> str:
    """Run commands in a process in which these packages cannot be imported; return the end of stderr."""
    words = ["|".join(map(str, command)) for command in commands]
    program = [sys.executable, "-c", WITHOUT.format(blocked=blocked)]
    done = subprocess.run([*program, *words], capture_output=True, text=True, check=True)
    return done.stderr.strip().splitlines()[-1]


def test_verify_needs_neither_torch_nor_onnx(path: Path) -> None:
    blocked = {"torch", "torchvision", "lightning", "timm", "onnx", "onnxscript", "matplotlib", "scipy"}
    commands = ["verify", path], ["info", path], ["diff", path, path]
    assert without(blocked | {"cryptography"}, *commands) == "[0, 0, 0] []"


def test_looking_at_bundles_needs_no_runtime(path: Path) -> None:
    blocked = {"onnxruntime", "torch", "onnx"}
    assert without(blocked, ["info", path], ["diff", path, path]) == "[0, 0] []"
