"""A bundle is whole or refused, and the refusal says where."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_bundle
from gyrus.bundles import canonical_json
from gyrus.bundles import file as bundle_file
from gyrus.bundles.file import decode_bundle, encode_bundle, read_bundle, rewrite_card, write_bundle
from gyrus.bundles.members import COMMENT_SIZE, limit_of
from gyrus.errors import BundleError, StorageError
from hostile import sealed, unlisted, with_card


@pytest.fixture(scope="module")
def whole() -> bytes:
    """A bundle with an optional member."""
    members = {**tiny_bundle.members(features=1, num_classes=2), "selftest/expected.json": b"{}\n"}
    return encode_bundle(members, tiny_bundle.card(classes=("a", "b")))


def spans(data: bytes) -> dict[str, tuple[int, int]]:
    """Where each member's content lies, read by the standard library."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.filename)
            found[info.filename] = (start, start + info.file_size)
    return found


def test_round_trip_keeps_everything(tmp_path: Path) -> None:
    members = tiny_bundle.members()
    card = tiny_bundle.card(notes=["für alle"])
    digest = write_bundle(tmp_path / "model.gyrus", members, card)
    bundle = read_bundle(tmp_path / "model.gyrus")
    assert bundle.card == card
    assert bundle.content == members
    assert bundle.digest == digest
    assert (tmp_path / "model.gyrus").read_bytes().endswith(digest.encode())


def test_same_input_gives_the_same_bytes_in_any_order() -> None:
    members = tiny_bundle.members()
    backwards = dict(reversed(members.items()))
    card = tiny_bundle.card()
    assert encode_bundle(members, card) == encode_bundle(backwards, dict(reversed(card.items())))


def test_any_zip_program_can_open_it(whole: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.comment.startswith(b"gyrus-bundle/2 sha256:")


def test_every_one_byte_edit_is_noticed(whole: bytes) -> None:
    """All of them: each position, with one more, its highest bit turned, all bits turned, and zero."""
    unnoticed = []
    for position, byte in enumerate(whole):
        for other in {(byte + 1) % 256, byte ^ 0x80, byte ^ 0xFF, 0} - {byte}:
            edited = bytearray(whole)
            edited[position] = other
            try:
                decode_bundle(bytes(edited))
            except BundleError:
                continue
            unnoticed.append((position, other))
    assert unnoticed == []


def test_every_one_byte_edit_of_the_file_is_noticed_when_it_is_read(tmp_path: Path, whole: bytes) -> None:
    """The same on disk, where a look at size and first bytes comes before the digest."""
    path = tmp_path / "model.gyrus"
    for position in (*range(40), *range(len(whole) - 90, len(whole))):
        edited = bytearray(whole)
        edited[position] ^= 1
        path.write_bytes(edited)
        with pytest.raises(BundleError):
            read_bundle(path)


@pytest.mark.soak
def test_every_value_of_every_byte_is_noticed(whole: bytes) -> None:
    for position in range(len(whole)):
        for mask in range(1, 256):
            edited = bytearray(whole)
            edited[position] ^= mask
            with pytest.raises(BundleError):
                decode_bundle(bytes(edited))


def test_every_one_byte_edit_would_be_noticed_even_with_a_fitting_digest(whole: bytes) -> None:
    """The structure alone leaves no byte free, so nothing can hide in a bundle that verifies."""
    body = whole[:-COMMENT_SIZE]
    graphs = [span for name, span in spans(whole).items() if name.endswith(".onnx")]
    for position in range(len(body)):
        edited = bytearray(body)
        edited[position] ^= 0x20
        with pytest.raises(BundleError):
            decode_bundle(sealed(bytes(edited)))
    assert graphs


def test_an_edit_is_blamed_on_its_member(whole: bytes) -> None:
    for name, (start, end) in spans(whole).items():
        edited = bytearray(whole)
        edited[(start + end) // 2] ^= 1
        with pytest.raises(BundleError, match=rf"member {name} is altered"):
            decode_bundle(bytes(edited))


def test_a_truncation_is_blamed_on_its_place(whole: bytes) -> None:
    for name, (start, end) in spans(whole).items():
        with pytest.raises(
            BundleError, match=rf"is truncated: it ends in member {name}, after \d+ of {end - start}"
        ):
            decode_bundle(whole[: (start + end) // 2])
    for length in range(len(whole)):
        with pytest.raises(BundleError):
            decode_bundle(whole[:length])


@pytest.mark.parametrize("cut", [1, 30, 63, 64, 65, 80, 84, 86, 90, 107, 108, 109])
def test_a_cut_in_the_tail_is_called_a_cut(whole: bytes, cut: int) -> None:
    with pytest.raises(BundleError, match="truncated"):
        decode_bundle(whole[:-cut])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_insertions_and_deletions_are_noticed(whole: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(whole)))
    inserted = data.draw(st.binary(min_size=1, max_size=4))
    with pytest.raises(BundleError):
        decode_bundle(whole[:position] + inserted + whole[position:])
    if position < len(whole):
        with pytest.raises(BundleError):
            decode_bundle(whole[:position] + whole[position + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused_with_a_bundle_error(noise: bytes) -> None:
    for data in (noise, b"PK\x03\x04" + noise, sealed(noise), sealed(b"PK\x03\x04" + noise)):
        with pytest.raises(BundleError):
            decode_bundle(data)


@pytest.mark.parametrize(
    ("name", "words"),
    [("../evil", "no bundle has"), ("/etc/passwd", "no bundle has"), ("selftest/../x.png", "no bundle has"),
     ("selftest/A.png", "no bundle has"), ("CARD.JSON", "no bundle has"),
     ("network.onnx.data", "no bundle has"),
     ("setup.py", "no bundle has"), ("selftest/a.pkl", "no bundle has")],
)  # fmt: skip
def test_unknown_members_are_refused(name: str, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        encode_bundle({**tiny_bundle.members(), name: b"x"}, tiny_bundle.card())
    honest = decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card())).members
    with pytest.raises(BundleError, match=words):
        decode_bundle(unlisted({**honest, name: b"x"}))


def test_a_duplicate_member_is_refused(whole: bytes) -> None:
    first_end = spans(whole)["card.json"][1]
    record = whole[:first_end]
    with pytest.raises(BundleError, match=r"has member card\.json after member card\.json: twice"):
        decode_bundle(sealed(record + whole[:-COMMENT_SIZE]))


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (8, 8, "compressed"),
        (6, 1, "encrypted"),
        (28, 4, "extra field"),
        (4, 45, "another version"),
        (12, 7, "date"),
    ],
)
def test_zip_tricks_in_a_header_are_refused(whole: bytes, offset: int, value: int, words: str) -> None:
    edited = bytearray(whole[:-COMMENT_SIZE])
    struct.pack_into("<H", edited, offset, value)
    with pytest.raises(BundleError, match=words):
        decode_bundle(sealed(bytes(edited)))


def test_slack_before_the_directory_is_refused(whole: bytes) -> None:
    end = max(stop for _, stop in spans(whole).values())
    body = whole[:-COMMENT_SIZE]
    with pytest.raises(BundleError, match="is altered at byte"):
        decode_bundle(sealed(body[:end] + b"hidden" + body[end:]))


def test_a_member_that_is_too_large_is_refused_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, whole: bytes
) -> None:
    monkeypatch.setattr(bundle_file, "limit_of", lambda name: 10 if name == "card.json" else limit_of(name))
    with pytest.raises(BundleError, match=r"member card\.json with \d+ bytes; at most 10"):
        decode_bundle(whole)


def test_a_member_without_its_listing_is_refused() -> None:
    bundle = decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    with pytest.raises(BundleError, match=r"member members\.json is not what"):
        decode_bundle(unlisted({**bundle.members, "gate.npz": b"unlisted"}))


def test_a_member_that_differs_from_its_listing_is_named() -> None:
    bundle = decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    other = tiny_bundle.network_model(seed=1)
    with pytest.raises(BundleError, match=r"member network\.onnx is not what members\.json says"):
        decode_bundle(unlisted({**bundle.members, "network.onnx": other}))


def test_a_missing_graph_is_named() -> None:
    members = tiny_bundle.members()
    del members["preprocess.onnx"]
    with pytest.raises(BundleError, match=r"has no member preprocess\.onnx"):
        encode_bundle(members, tiny_bundle.card())


def test_the_card_cannot_be_smuggled_in_as_a_member() -> None:
    with pytest.raises(BundleError, match="written by gyrus"):
        encode_bundle({**tiny_bundle.members(), "card.json": b"{}"}, tiny_bundle.card())


def test_a_newer_format_says_update(whole: bytes) -> None:
    body = whole[:-64].replace(b"gyrus-bundle/2 ", b"gyrus-bundle/3 ")
    newer = body + hashlib.sha256(body).hexdigest().encode()
    with pytest.raises(BundleError, match="has format 3; this gyrus reads up to 2") as caught:
        decode_bundle(newer)
    assert "update gyrus" in str(caught.value.fix)


def test_a_newer_card_says_update() -> None:
    bundle = decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card()))
    data = with_card(bundle.members, {**bundle.card, "format_version": 3})
    with pytest.raises(BundleError, match="format_version 3") as caught:
        decode_bundle(data)
    assert "update gyrus" in str(caught.value.fix)


def test_filling_in_the_metrics_leaves_the_graphs_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    before = read_bundle(path)
    figures = {"val": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "method": "cluster bootstrap"}}}
    digest = rewrite_card(path, metrics=figures)
    after = read_bundle(path)
    assert after.digest == digest != before.digest
    assert after.model_digest == before.model_digest
    assert after.content == before.content
    assert after.card["metrics"] == figures


def test_a_full_disk_leaves_the_former_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        rewrite_card(path, notes=["new"])
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.gyrus"]


def test_an_unfit_card_leaves_the_former_bundle(tmp_path: Path) -> None:
    path = tmp_path / "model.gyrus"
    write_bundle(path, tiny_bundle.members(), tiny_bundle.card())
    before = path.read_bytes()
    with pytest.raises(BundleError, match="licence"):
        rewrite_card(path, licence=3)
    assert path.read_bytes() == before


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no file"):
        read_bundle(tmp_path / "absent.gyrus")
    with pytest.raises(BundleError, match="is a folder"):
        read_bundle(tmp_path)
    empty = tmp_path / "empty.gyrus"
    empty.touch()
    with pytest.raises(BundleError, match="is empty"):
        read_bundle(empty)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(BundleError, match="is no file"):
        read_bundle(pipe)
    text = tmp_path / "notes.txt"
    text.write_text("hello", encoding="utf-8")
    with pytest.raises(BundleError, match="does not begin like a bundle") as caught:
        read_bundle(text)
    assert caught.value.path == str(text)


def test_canonical_json_refuses_every_other_spelling() -> None:
    value = {"b": [1, 2.5, None, True], "a": "ü"}
    data = canonical_json.dump(value)
    assert canonical_json.load(data) == value
    for other in (
        json.dumps(value).encode(),
        b'{\n  "a": 1,\n  "a": 1\n}\n',
        b"NaN\n",
        b"[" * 100_000,
        b"\xff",
        b"",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - any of json's own messages
            canonical_json.load(other)


def test_importing_the_bundle_needs_no_torch_onnx_or_runtime() -> None:
    heavy = "{'torch', 'onnx', 'onnxruntime', 'PIL', 'numpy'}"
    code = f"import sys, gyrus.bundles; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
