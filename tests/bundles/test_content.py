"""Graphs that are not what the card says, test images that are more than images, JSON that is a bomb."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image, PngImagePlugin

import tiny_bundle
from gyrus.bundles import canonical_json, decode_bundle, encode_bundle
from gyrus.errors import BundleError
from hostile import forged


def edited(member: str, edit: Callable[[Any], None]) -> dict[str, bytes]:
    """The tiny bundle's members with one graph changed."""
    members = tiny_bundle.members()
    model = onnx.load_from_string(members[member])
    edit(model.graph)
    return {**members, member: model.SerializeToString()}


def test_swapped_graphs_are_named() -> None:
    members = tiny_bundle.members()
    members["preprocess.onnx"], members["network.onnx"] = members["network.onnx"], members["preprocess.onnx"]
    with pytest.raises(BundleError) as caught:
        encode_bundle(members, tiny_bundle.card())
    assert caught.value.details[:2] == [
        "preprocess.onnx: takes pixels; expected image", "preprocess.onnx: has no pixels",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ("a", "b")}, r"logits is float32 \(any, 4\); expected float32 \(any, 2\)"),
        ({"image_size_px": 48}, r"pixels is float32 \(1, 1, 32, 32\); expected float32 \(any, 1, 48, 48\)"),
        ({"color": "rgb", "reading_policy": "rgb8/1"}, r"image is uint8 \(any, any, 1\); expected .*3\)"),
        ({"mean": [0.1] * 3, "std": [1.0] * 3}, r"network.onnx: pixels is .*; expected float32 \(any, 3"),
    ],
)
def test_a_card_that_describes_other_graphs_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BundleError, match=words):
        encode_bundle(tiny_bundle.members(), tiny_bundle.card(**changes))


def without(name: str) -> Callable[[Any], None]:
    def edit(graph: Any) -> None:
        kept = [value for value in graph.output if value.name != name]
        del graph.output[:]
        graph.output.extend(kept)

    return edit


@pytest.mark.parametrize(
    ("name", "changes"), [("maps", {"maps": "occlusion"}), ("maps", {"maps": "none"}),
                          ("embedding", {"embedding": False})]
)  # fmt: skip
def test_an_output_is_asked_for_when_the_card_promises_it(name: str, changes: dict[str, Any]) -> None:
    members = edited("network.onnx", without(name))
    with pytest.raises(BundleError, match=f"has no {name}"):
        encode_bundle(members, tiny_bundle.card())
    assert decode_bundle(encode_bundle(members, tiny_bundle.card(**changes))).content == members


def test_an_input_more_is_refused() -> None:
    def edit(graph: Any) -> None:
        graph.input.append(onnx.helper.make_tensor_value_info("secret", onnx.TensorProto.FLOAT, [1]))

    with pytest.raises(BundleError, match=r"takes pixels, secret; expected pixels"):
        encode_bundle(edited("network.onnx", edit), tiny_bundle.card())


def test_undeclared_types_and_shapes_are_refused() -> None:
    def shapeless(graph: Any) -> None:
        graph.output[0].type.tensor_type.ClearField("shape")

    def typeless(graph: Any) -> None:
        graph.output[0].ClearField("type")

    for edit in (shapeless, typeless):
        with pytest.raises(BundleError, match=r"logits is .* of unknown shape"):
            encode_bundle(edited("network.onnx", edit), tiny_bundle.card())


def png(**options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sized(width: int, height: int, depth: int = 8, kind: int = 0, interlace: int = 0) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "hello")
    return png(pnginfo=text)


def test_pillows_images_pass() -> None:
    members = {**tiny_bundle.members(), "selftest/a.png": png(), "selftest/b.png": sized(4096, 1)}
    assert decode_bundle(encode_bundle(members, tiny_bundle.card())).content == members


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (b"", "no PNG"),
        (b"GIF89a", "no PNG"),
        (with_text(), "tEXt"),
        (png(dpi=(72, 72)), "pHYs"),
        (png() + b"<script>", "where only pixels belong"),
        (png() + png(), "where only pixels belong"),
        (png()[:-1], "cut off"),
        (png()[:40], "cut off"),
        (png()[:33], "cut off"),
        (png().replace(b"IDAT", b"IDAU"), "wrong checksum"),
        (sized(4097, 1), "4097 x 1 pixels"),
        (sized(2**31 - 1, 2**31 - 1), "at most 4096"),
        (sized(0, 1), "0 x 1"),
        (sized(8, 8, depth=16), "8 bits"),
        (sized(8, 8, kind=3), "grey or RGB"),
        (sized(8, 8, interlace=1), "without interlace"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "IEND"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**31) + b"IHDR" + bytes(30), "cut off"),
    ],
)
def test_images_that_are_more_than_pixels_are_refused(image: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        decode_bundle(forged({**encoded(), "selftest/a.png": image}))


def encoded() -> dict[str, bytes]:
    return dict(decode_bundle(encode_bundle(tiny_bundle.members(), tiny_bundle.card())).members)


def test_expected_answers_have_the_one_form() -> None:
    with pytest.raises(
        BundleError, match=r"selftest/expected\.json cannot be used: is not in canonical form"
    ):
        decode_bundle(forged({**encoded(), "selftest/expected.json": b'{"a":1}'}))


BOMBS = {
    "nested without end": b"[" * 2_000_000,
    "nested and wide": b"[" * 900 + b"1," * 200_000 + b"1" + b"]" * 900,
    "many small": b"[" + b"[]," * 200_000 + b"[]]",
    "a number of a million digits": b"1" * 1_000_000,
    "infinity": b'{\n  "a": 1e999\n}\n',
    "half a character": b'"\\ud800"\n',
    "one key twice": b'{\n  "a": 1,\n  "a": 1\n}\n',
    "bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_json_bombs_cost_little(name: str) -> None:
    start = time.process_time()  # a neighbour's load is not ours
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=r"member card\.json cannot be read"):
            decode_bundle(forged({**encoded(), "card.json": BOMBS[name]}))
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10


def test_json_is_written_as_the_page_says() -> None:
    value = {"n": [1e-5, 1e-4, 0.1, 123456.0, 10**16, 1.5e16], "l": [], "o": {}, "t": 'ü\x01\t\x7f/\\"'}
    numbers = ["1e-05", "0.0001", "0.1", "123456.0", "10000000000000000", "1.5e+16"]
    text = "\n".join(
        ["{", '  "l": [],', '  "n": [', ",\n".join(f"    {number}" for number in numbers), "  ],",
         '  "o": {},', '  "t": "ü\\u0001\\t\x7f/\\\\\\""', "}", ""]
    )  # fmt: skip
    assert canonical_json.dump(value).decode() == text
    assert canonical_json.load(text.encode()) == value == json.loads(text)
