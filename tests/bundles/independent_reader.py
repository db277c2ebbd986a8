"""A reader of bundles written from docs/reference/bundle.md alone: nothing of gyrus is imported here."""

import ast
import hashlib
import json
import re
import struct
import zlib

MIB = 2**20
LIMITS = {
    "card.json": 4 * MIB, "members.json": MIB, "preprocess.onnx": 16 * MIB, "network.onnx": 1536 * MIB,
    "gate.npz": 128 * MIB, "neighbours.npz": 512 * MIB,
}  # fmt: skip
SELFTEST = re.compile(r"selftest/[a-z0-9][a-z0-9_-]{0,47}\.(png|json)")
ARRAY = re.compile(r"[a-z][a-z0-9_]{0,47}\.npy")
TYPES = re.compile(r"\|b1|\|u1|\|i1|<u[248]|<i[248]|<f[248]|<U[1-9][0-9]{0,3}")


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


def read(data):
    """Return card, members, digest and version of a bundle, or raise Refused."""
    need(len(data) <= 2048 * MIB and data[:4] == b"PK\x03\x04", "size or beginning")
    need(hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:], "digest")
    comment = re.fullmatch(rb"gyrus-bundle/([0-9]+) sha256:[0-9a-f]{64}", data[-86:])
    need(comment and comment[1] in (b"1", b"2"), "version")
    version = int(comment[1])
    members = unzip(data[:-86], 86, 64, limit_of)
    need({"card.json", "members.json", "preprocess.onnx", "network.onnx"} <= members.keys(), "member missing")
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in members.items() if name != "members.json"
    }  # fmt: skip
    need(parse(members["members.json"]) == {"format_version": version, "members": listed}, "listing")
    card = parse(members["card.json"])
    need(type(card["format_version"]) is int and card["format_version"] == version, "version of the card")
    for name in ("gate", "neighbours"):
        need((f"{name}.npz" in members) == (card.get(name) is not None), f"{name}.npz and the card")
        if f"{name}.npz" in members:
            arrays(members[f"{name}.npz"])
    return card, members, data[-64:].decode(), version


def limit_of(name):
    return 4 * MIB if SELFTEST.fullmatch(name) else LIMITS.get(name)


def unzip(data, comment_size, most, limit):
    """Return the members of an archive of the one form, up to its comment."""
    members, directory, at, previous = {}, b"", 0, ""
    while data[at : at + 4] == b"PK\x03\x04":
        need(len(data) >= at + 30 and len(members) < most, "header cut off, or too many")
        *fixed, crc, size, again, length, extra = struct.unpack("<HHHHHIIIHH", data[at + 4 : at + 30])
        need(fixed == [10, 0, 0, 0, 0x21] and size == again and extra == 0, "header")
        raw = data[at + 30 : at + 30 + length]
        need(len(raw) == length and raw.isascii(), "name")
        name, start = raw.decode(), at + 30 + length
        need(name > previous and limit(name) is not None and size <= limit(name), f"member {name}")
        content = data[start : start + size]
        need(len(content) == size and zlib.crc32(content) == crc, f"content of {name}")
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 0x030A, 10, 0, 0, 0, 0x21, crc, size, size,
            length, 0, 0, 0, 0, 0o100644 << 16, at,
        ) + raw  # fmt: skip
        members[name], previous, at = content, name, start + size
    count = len(members)
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, comment_size
    )  # fmt: skip
    need(data[at:] == directory + end, "central directory")
    return members


def parse(data):
    """Return JSON of the one form."""
    try:
        value = json.loads(data.decode("utf-8"))
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        need(text.encode() == data, "JSON in another form")
    except (ValueError, RecursionError) as error:
        raise Refused(f"JSON: {error}") from error
    return value


def arrays(data):
    """Return {name: (type, shape, bytes)} of an .npz member."""
    found = {}
    members = unzip(data, 0, 64, lambda name: len(data) if ARRAY.fullmatch(name) else None)
    need(members, "no arrays")
    for name, content in members.items():
        need(content[:8] == b"\x93NUMPY\x01\x00" and len(content) >= 10, "array")
        (length,) = struct.unpack("<H", content[8:10])
        header, values = content[10 : 10 + length], content[10 + length :]
        try:
            facts = ast.literal_eval(header.decode("ascii").rstrip())
            kind, shape = facts["descr"], facts["shape"]
        except (ValueError, SyntaxError, KeyError, TypeError) as error:
            raise Refused("header of an array") from error
        need(isinstance(kind, str) and TYPES.fullmatch(kind) and isinstance(shape, tuple), "type of an array")
        need(len(shape) <= 8 and all(type(side) is int and 0 <= side < 2**31 for side in shape), "shape")
        text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape!r}, }}"
        text += " " * (21 - len(str(shape[0]))) if shape else ""
        text += " " * (-(10 + len(text) + 1) % 64) + "\n"
        need(text.encode() == header, "header of an array in another form")
        size = int(kind[2:]) * (4 if kind[1] == "U" else 1)
        for side in shape:
            size *= side
        need(size == len(values), "length of an array")
        found[name[:-4]] = (kind, shape, values)
    return found
