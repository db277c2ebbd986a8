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
    need((card["task"] == "segment") == (card.get("segmentation") is not None), "segmentation and the task")
    if card["task"] == "segment":
        check_masks(card)
    return card, members, data[-64:].decode(), version


def number(value, low, high):
    return type(value) in (int, float) and low <= value <= high


def check_masks(card):
    """Refuse a card of a segmentation that says what the page does not allow."""
    told, classes = card["segmentation"], card["classes"]
    need(1 <= len(classes) <= 254 and classes == sorted(set(classes)), "classes of masks")
    for name in ("calibration", "operating_points", "conformal", "neighbours"):
        need(card.get(name) is None, f"{name} of a segmentation")
    within = (card.get("gate") or {}).get("distribution") or {}
    need(within.get("method") != "energy", "gate.distribution.method of a segmentation")
    need(card["outputs"]["maps"] == "none" and card["input"]["dynamic_size"] is False, "maps or dynamic size")
    need(card["outputs"]["activation"] == ("sigmoid" if len(classes) == 1 else "softmax"), "activation")
    fields = {"kind", "values", "picture_classes", "windows", "postprocess"}
    need(set(told) - {"mirrored"} == fields, "fields of the masks")
    need(type(told.get("mirrored", False)) is bool, "mirrored")
    need(told["kind"] in ("binary", "label", "values"), "kind of the masks")
    need((told["values"] is not None) == (told["kind"] == "values"), "values of the masks")
    if told["values"] is not None:
        need(sorted(set(told["values"].values())) == classes, "values and classes")
    pictures = told["picture_classes"]
    need(pictures is None or (len(pictures) > 1 and pictures == sorted(set(pictures))), "classes of pictures")
    windows = told["windows"]
    need(windows is None or (number(windows, 0, 1) and windows < 1), "windows")
    rule = told["postprocess"]
    need(
        set(rule) == {"threshold", "fill_holes", "largest", "min_size", "unit", "chosen_on"}
        and number(rule["threshold"], 0, 1) and 0 < rule["threshold"] < 1
        and type(rule["fill_holes"]) is bool and type(rule["largest"]) is bool
        and number(rule["min_size"], 0, float("inf")) and rule["unit"] in ("px", "mm2")
        and (rule["chosen_on"] is None or isinstance(rule["chosen_on"], dict)),
        "postprocess",
    )  # fmt: skip


def mask_of(planes, rule, pixel_mm2=None):
    """Return the mask, rows of numbers, that the rule makes of probabilities [class][row][column]."""
    height, width = len(planes[0]), len(planes[0][0])
    mask = [[0] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            values = [plane[y][x] for plane in planes]
            if sum(values) >= rule["threshold"]:
                mask[y][x] = 1 + values.index(max(values))
    least = rule["min_size"]
    if rule["unit"] == "mm2":
        least = 0 if pixel_mm2 is None else least / pixel_mm2
    for one in range(1, len(planes) + 1) if rule["fill_holes"] else ():
        own = [[value == one for value in row] for row in mask]
        framed = [[False] * (width + 2), *([False, *row, False] for row in own), [False] * (width + 2)]
        around = parts(framed, False, SIDES)[0]
        for y in range(height):
            for x in range(width):
                if mask[y][x] == 0 and (y + 1, x + 1) not in around:
                    mask[y][x] = one
    for one in range(1, len(planes) + 1):
        found = parts(mask, one, SIDES + CORNERS)
        largest = max(map(len, found), default=0)
        first = next((place for place, part in enumerate(found) if len(part) == largest), None)
        for place, part in enumerate(found):
            if len(part) < least or (rule["largest"] and place != first):
                for y, x in part:
                    mask[y][x] = 0
    return mask


SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def parts(grid, value, ways):
    """Return the parts of a grid that hold a value, as sets of places, in reading order of their first."""
    found, seen = [], set()
    for y, row in enumerate(grid):
        for x, held in enumerate(row):
            if held != value or (y, x) in seen:
                continue
            part, open_ends = {(y, x)}, [(y, x)]
            while open_ends:
                at_y, at_x = open_ends.pop()
                for down, right in ways:
                    place = at_y + down, at_x + right
                    inside = 0 <= place[0] < len(grid) and 0 <= place[1] < len(row)
                    if inside and grid[place[0]][place[1]] == value and place not in part:
                        part.add(place)
                        open_ends.append(place)
            seen |= part
            found.append(part)
    return found


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
        need(len(header) == length, "length of an array's header")
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
