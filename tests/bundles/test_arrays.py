"""Arrays in a member: NumPy reads what we write; pickles, bombs and lies are refused before they are made."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import tiny_bundle
from gyrus.bundles import canonical_zip, decode_arrays, decode_bundle, encode_arrays, encode_bundle
from gyrus.bundles.arrays import inspect_arrays
from gyrus.errors import BundleError

TYPES = ["|b1", "|u1", "|i1", "<u2", ">u4", "<u8", ">i2", "<i4", "<i8", "<f2", "<f4", ">f8"]


@settings(max_examples=80)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
        st.sampled_from(TYPES).flatmap(
            lambda kind: arrays_of.arrays(
                kind, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
                elements={"allow_nan": False, "allow_infinity": False} if "f" in kind else None,
            )
        ),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_numpy_reads_what_we_write_and_so_do_we(given_arrays: dict[str, Any]) -> None:
    data = encode_arrays(given_arrays)
    theirs = np.load(io.BytesIO(data), allow_pickle=False)
    ours = decode_arrays(data, name="gate.npz")
    facts = inspect_arrays(data, name="gate.npz")
    assert list(ours) == sorted(given_arrays)
    for key, array in given_arrays.items():
        for read in (theirs[key], ours[key]):
            assert read.dtype == array.dtype.newbyteorder("<")
            assert read.shape == array.shape
            assert np.array_equal(read, array)
        assert (facts[key].shape, facts[key].nbytes) == (array.shape, array.nbytes)
        assert not ours[key].flags.writeable


def test_our_header_is_numpys() -> None:
    for array in (np.zeros(3), np.zeros((2, 1)), np.array(1), np.array(["ü"]), np.zeros((0, 7), np.uint8)):
        buffer = io.BytesIO()
        np.save(buffer, array)
        assert buffer.getvalue() in encode_arrays({"a": array})


def test_columns_become_rows() -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    assert np.array_equal(decode_arrays(encode_arrays({"a": array}), name="gate.npz")["a"], array)


@pytest.mark.parametrize(
    "array",
    [np.array([{}], dtype=object), np.array([1j]), np.array(["2026-01-01"], "M8[D]"), np.array([b"x"]),
     np.zeros(2, [("a", "f4")]), np.zeros(1, np.longdouble)],
    ids=lambda array: str(array.dtype),
)  # fmt: skip
def test_other_types_are_not_written(array: Any) -> None:
    with pytest.raises(BundleError, match="expected numbers, truth values or text"):
        encode_arrays({"a": array})


@pytest.mark.parametrize("name", ["A", "a b", "../a", "a.npy", "", "ä", "a" * 49])
def test_other_names_are_not_written(name: str) -> None:
    with pytest.raises((BundleError, UnicodeEncodeError)):
        encode_arrays({name: np.zeros(1)})


def test_none_and_too_many_are_refused() -> None:
    with pytest.raises(BundleError, match="no arrays"):
        encode_arrays({})
    with pytest.raises(BundleError, match="more than 64"):
        encode_arrays({f"a{number}": np.zeros(1) for number in range(65)})


def refused(member: bytes, words: str) -> None:
    """Refused from the headers, by whoever reads; and nothing larger than the member is made on the way."""
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=words):
            inspect_arrays(member, name="gate.npz")
        with pytest.raises(BundleError, match=words):
            decode_arrays(member, name="gate.npz")
        assert tracemalloc.get_traced_memory()[1] < 100_000 + 4 * len(member)
    finally:
        tracemalloc.stop()


def npy(
    descr: str, shape: str, values: bytes = b"", order: str = "False", version: bytes = b"\x01\x00"
) -> bytes:
    """An array file with a header of that content, as NumPy would pad it."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    first = shape.strip("()").split(",")[0]
    text += " " * (21 - len(first)) if first else ""
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode() + values


def member(content: bytes, name: str = "a.npy") -> bytes:
    return canonical_zip.encode({name: content}, 0)


def test_the_forger_can_write_honest_ones() -> None:
    data = member(npy("'<f4'", "(2,)", bytes(8)))
    assert np.array_equal(decode_arrays(data, name="gate.npz")["a"], np.zeros(2))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("'|O'", "(1,)", b"\x80\x04N."), "holds '.O'"),
        (npy("'<O8'", "(1,)", bytes(8)), "holds '<O8'"),
        (npy("[('a', '|O')]", "(1,)", b"\x80\x04N."), "no array in NumPy's format"),
        (npy("'<c16'", "(1,)", bytes(16)), "holds '<c16'"),
        (npy("'>f4'", "(1,)", bytes(4)), "holds '>f4'"),
        (npy("'<f4'", "(1,)", bytes(4), order="True"), "no array in NumPy's format"),
        (npy("'<f4'", "(1,)", bytes(4), version=b"\x02\x00"), "no array in NumPy's format"),
        (npy("'<f4'", "(1000000000,)", bytes(4)), "has 4 bytes, its header says 4000000000"),
        (npy("'<U9999'", "(99999999,)", bytes(4)), "its header says"),
        (npy("'<f4'", "(1,)", bytes(8)), "has 8 bytes, its header says 4"),
        (npy("'<f4'", "(0, 99999999999)"), "a shape that no array has"),
        (npy("'|u1'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", bytes(1)), "a shape that no array has"),
        (npy("'<f4'", "(-1,)", bytes(4)), "no array in NumPy's format"),
        (npy("'<f4'", "(01,)", bytes(4)), "another header than NumPy writes"),
        (npy("'<f4'", "(1 ,)", bytes(4)), "another header than NumPy writes"),
        (npy("'<f4'", "(__import__('os').abort(),)", bytes(4)), "no array in NumPy's format"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "no array in NumPy's format"),
        (b"\x93NUMPY\x01\x00", "no array in NumPy's format"),
        (b"", "no array in NumPy's format"),
        (b"\x80\x04\x95cos\nsystem\n", "no array in NumPy's format"),
    ],
)
def test_pickles_bombs_and_lies_are_refused_from_the_header(content: bytes, words: str) -> None:
    refused(member(content), words)


def test_archives_of_another_form_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(10**6))  # a thousandfold bomb
    refused(buffer.getvalue(), "cannot be used: ")
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    refused(buffer.getvalue(), "cannot be used: ")
    refused(member(npy("'<f4'", "(1,)", bytes(4)), name="a.pkl"), "no bundle has")
    honest = member(npy("'<f4'", "(1,)", bytes(4)))
    refused(honest + b"slack", "is altered at byte")
    refused(honest[:-1], "truncated")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("'<f4'", "(1,)", np.float32("nan").tobytes()), "holds what is no number"),
        (npy("'<f2'", "(1,)", np.float16("inf").tobytes()), "holds what is no number"),
        (npy("'|b1'", "(2,)", b"\x01\x02"), "neither true nor false"),
        (npy("'<U1'", "(1,)", b"\x00\x00\x11\x00"), "holds what is no text"),
        (npy("'<U1'", "(1,)", b"\x00\xd8\x00\x00"), "holds what is no text"),
    ],
)
def test_values_that_are_none_are_refused_when_they_are_read(content: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        decode_arrays(member(content), name="gate.npz")


CASES = {
    "embedding": np.zeros((2, 6), np.float16), "label": np.array([0, 1], np.int32),
    "image_id": np.array(["a", "b"]), "subject_id": np.array(["", ""]),
}  # fmt: skip
FIELD = {"count": 2, "features": 6, "thumbnails": False, "hashes": False, "others": 0, "apart": None}


def bundle(arrays: dict[str, Any], **field: Any) -> bytes:
    members = {**tiny_bundle.members(), "neighbours.npz": encode_arrays(arrays)}
    return encode_bundle(members, {**tiny_bundle.card(), "neighbours": {**FIELD, **field}})


def test_nearest_cases_go_with_the_card() -> None:
    card = decode_bundle(bundle(CASES)).card
    assert card["neighbours"] == FIELD


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({}, {"count": 3}, r"embedding: expected <f2 \(3, 6\), got <f2 \(2, 6\)"),
        ({}, {"features": 5}, r"embedding: expected <f2 \(2, 5\)"),
        ({}, {"hashes": True}, "sha256: is missing"),
        ({}, {"thumbnails": True}, "thumbnails: is missing"),
        ({"sha256": np.zeros((2, 32), np.uint8)}, {}, "sha256: is not known"),
        ({"label": np.array([0, 1])}, {}, r"label: expected <i4 \(2,\), got <i8"),
        ({"embedding": np.zeros((2, 6), np.float32)}, {}, "embedding: expected <f2"),
    ],
)
def test_arrays_that_do_not_go_with_the_card_are_named(change: Any, field: Any, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        bundle({**CASES, **change}, **field)


def test_a_private_bundle_has_no_cases() -> None:
    members = {**tiny_bundle.members(), "neighbours.npz": encode_arrays(CASES)}
    with pytest.raises(BundleError, match="a private bundle holds no training cases"):
        encode_bundle(members, {**tiny_bundle.card(private=True), "neighbours": FIELD})
