"""Zip tricks: whatever a zip program would make sense of, only the one form is a bundle."""

from __future__ import annotations

import hashlib
import io
import struct
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable

import pytest

import tiny_bundle
from gyrus.bundles import decode_bundle, encode_bundle, read_bundle
from gyrus.bundles.members import COMMENT, COMMENT_SIZE
from gyrus.errors import BundleError
from hostile import sealed, unlisted

HONEST = encode_bundle(tiny_bundle.members(), tiny_bundle.card())
MEMBERS = dict(decode_bundle(HONEST).members)
BODY = HONEST[:-COMMENT_SIZE]


def zipped(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    """An archive by the standard library, with room for our comment and a digest that fits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        write(archive)
        archive.comment = b" " * COMMENT_SIZE
    return sealed(buffer.getvalue()[:-COMMENT_SIZE])


def entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_version = info.extract_version = 10
    info.external_attr = 0o100644 << 16
    return info


def plainly(archive: zipfile.ZipFile) -> None:
    for name in sorted(MEMBERS):
        archive.writestr(entry(name), MEMBERS[name])


def with_first(name: str, data: bytes = b"x") -> bytes:
    """The honest members, and before them one of that name."""

    def write(archive: zipfile.ZipFile) -> None:
        archive.writestr(entry(name), data)
        plainly(archive)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library says that a name is there twice
        return zipped(write)


def compressed(archive: zipfile.ZipFile) -> None:
    for name in sorted(MEMBERS):
        archive.writestr(entry(name), MEMBERS[name], zipfile.ZIP_DEFLATED)


def with_comment(archive: zipfile.ZipFile) -> None:
    for name in sorted(MEMBERS):
        info = entry(name)
        info.comment = b"hidden"
        archive.writestr(info, MEMBERS[name])


def as_link(archive: zipfile.ZipFile) -> None:
    for name in sorted(MEMBERS):
        info = entry(name)
        info.external_attr = 0o120777 << 16
        archive.writestr(info, MEMBERS[name])


def with_64_bits(archive: zipfile.ZipFile) -> None:
    for name in sorted(MEMBERS):
        with archive.open(entry(name), "w", force_zip64=True) as stream:
            stream.write(MEMBERS[name])


class Unseekable(io.RawIOBase):
    """A pipe: the standard library writes sizes behind the content (data descriptors)."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)


def with_descriptors() -> bytes:
    pipe = Unseekable()
    with zipfile.ZipFile(pipe, "w") as archive:
        plainly(archive)
        archive.comment = b" " * COMMENT_SIZE
    return sealed(b"".join(pipe.parts)[:-COMMENT_SIZE])


def on_two_disks() -> bytes:
    body = bytearray(BODY)
    struct.pack_into("<HH", body, len(body) - 22 + 4, 1, 1)
    return sealed(bytes(body))


def overlapping() -> bytes:
    """Two records of the directory for one content."""
    start = BODY.index(b"PK\x01\x02")
    end = BODY.rindex(b"PK\x05\x06")
    first = BODY[start : start + 46 + len("card.json")]
    count = len(MEMBERS) + 1
    size = end - start + len(first)
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, size, start, COMMENT_SIZE)
    return sealed(BODY[:start] + first + BODY[start:end] + tail)


def second_directory() -> bytes:
    """A whole other archive inside the comment's place: programs that read from the end see that one."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("card.json", b"{}")
    return sealed(BODY + other.getvalue())


TRICKS: dict[str, tuple[bytes, str]] = {
    "climbs out": (with_first("../../etc/cron.d/x"), "no bundle has"),
    "absolute": (with_first("/etc/passwd"), "no bundle has"),
    "drive": (with_first("C:\\boot.ini"), "no bundle has"),
    "backslash": (with_first("..\\card.json"), "no bundle has"),
    "climbs in a folder": (with_first("selftest/../../x.png"), "no bundle has"),
    "folder": (with_first("selftest/", b""), "no bundle has"),
    "other case": (with_first("CARD.json"), "no bundle has"),
    "look-alike letter": (with_first("саrd.json"), "no bundle has"),
    "no name": (with_first("", b""), "no bundle has"),
    "code": (with_first("setup.py"), "no bundle has"),
    "pickle": (with_first("data.pkl"), "no bundle has"),
    "weights outside": (with_first("network.onnx.data"), "no bundle has"),
    "duplicate": (with_first("card.json", MEMBERS["card.json"]), "twice, or out of order"),
    "other order": (with_first("selftest/a.json", b"{}\n"), "twice, or out of order"),
    "compressed": (zipped(compressed), "another version of zip|compressed"),
    "64 bits": (zipped(with_64_bits), "another version of zip|extra field"),
    "comment on a member": (zipped(with_comment), "is altered at byte"),
    "link": (zipped(as_link), "is altered at byte"),
    "data descriptors": (with_descriptors(), "another version of zip|encrypted or streamed"),
    "two disks": (on_two_disks(), "is altered at byte"),
    "overlapping": (overlapping(), "is altered at byte"),
    "page before": (sealed(b"<html><script>alert(1)</script>" + BODY), "is altered at byte 0"),
    "program before": (sealed(b"#!/bin/sh\nexit\n" + BODY), "is altered at byte 0"),
    "PDF before": (sealed(b"%PDF-1.7\n" + BODY), "is altered at byte 0"),
    "slack in front of the comment": (sealed(BODY + b"slack"), "is altered at byte"),
    "slack between": (sealed(BODY.replace(b"PK\x03\x04", b"slackPK\x03\x04", 2)[5:]), "is altered at byte"),
    "second directory": (second_directory(), "is altered at byte"),
    "empty archive": (sealed(b"PK\x05\x06" + bytes(16) + struct.pack("<H", COMMENT_SIZE)), "has no member"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_tricks_are_refused_under_a_fitting_digest(name: str) -> None:
    data, words = TRICKS[name]
    with pytest.raises(BundleError, match=words):
        decode_bundle(data)


def test_what_the_standard_library_writes_plainly_passes() -> None:
    """So the tricks above are refused for the trick."""
    assert zipped(plainly) == HONEST


def test_something_behind_the_digest_is_refused() -> None:
    for more in (b"\n", b"x" * 100, HONEST):
        with pytest.raises(BundleError):
            decode_bundle(HONEST + more)


def announcing(size: int, name: str = "network.onnx") -> bytes:
    """A header that promises so many bytes and brings none."""
    header = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 10, 0, 0, 0, 0x21, 0, size, size, len(name), 0
    )  # fmt: skip
    return sealed(header + name.encode())


@pytest.mark.parametrize("size", [4 * 2**20 + 1, 2**30, 1536 * 2**20, 1536 * 2**20 + 1, 2**32 - 1])
def test_announced_sizes_cost_no_memory(size: int) -> None:
    data = announcing(size)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=r"is truncated|at most"):
            decode_bundle(data)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_members_without_end_are_refused_at_the_65th() -> None:
    many = {f"selftest/{number:05}.json": b"{}\n" for number in range(20_000)}
    data = unlisted({**MEMBERS, **many})
    start = time.process_time()  # a neighbour's load is not ours
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match="more than 64 members"):
            decode_bundle(data)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 2


def test_reading_takes_a_member_once_more_than_the_file() -> None:
    """Twice the file at its worst: no copy of a copy."""
    weights = bytes(8 * 2**20)
    members = {**tiny_bundle.members(), "network.onnx": with_weights(weights)}
    data = encode_bundle(members, tiny_bundle.card())
    tracemalloc.start()
    try:
        decode_bundle(data)
        assert tracemalloc.get_traced_memory()[1] < 1.1 * len(data)
    finally:
        tracemalloc.stop()


def with_weights(raw: bytes) -> bytes:
    """The tiny network with so many bytes of weights that nothing uses."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_from_string(tiny_bundle.network_model())
    shape = [len(raw) // 4]
    model.graph.initializer.append(helper.make_tensor("unused", TensorProto.FLOAT, shape, raw, raw=True))
    return model.SerializeToString()


def test_a_large_file_of_another_kind_is_not_taken_into_memory(tmp_path) -> None:
    path = tmp_path / "video.gyrus"
    with path.open("wb") as stream:
        stream.truncate(2**30)  # sparse: takes no room on the disk
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match="does not begin like a bundle"):
            read_bundle(path)
        with path.open("r+b") as stream:
            stream.truncate(2**31 + 1)
            stream.write(b"PK\x03\x04")
        with pytest.raises(BundleError, match="at most 2147483648"):
            read_bundle(path)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_the_digest_is_looked_at_first() -> None:
    """Nothing of a damaged file is unpacked to find out that it is damaged."""
    body = BODY + COMMENT
    wrong = body + hashlib.sha256(body + b"!").hexdigest().encode()
    with pytest.raises(BundleError, match="altered in the digest"):
        decode_bundle(wrong)
