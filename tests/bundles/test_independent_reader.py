"""Somebody else's reader, written from the reference page, agrees with ours on good files and on bad ones."""

from __future__ import annotations

import ast
import functools
import json
import random
import struct
from pathlib import Path

import independent_reader
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tiny_bundle
import tiny_masks
from gyrus.bundles import canonical_zip, decode_arrays, decode_bundle, encode_arrays, encode_bundle
from gyrus.bundles.arrays import inspect_arrays
from gyrus.decision.mask_rule import MaskRule
from gyrus.errors import BundleError
from hostile import former_card, sealed, with_card

NEIGHBOURS = {"count": 3, "features": 6, "thumbnails": True, "hashes": True, "others": 2, "apart": 0.25}


def cases() -> dict[str, np.ndarray]:
    """Arrays that go with NEIGHBOURS."""
    draw = np.random.default_rng(0)
    hashes = {
        name: draw.integers(0, 256, (rows, 32), dtype=np.uint8)
        for name, rows in {"sha256": 3, "pixel_hash": 3, "other_sha256": 2, "other_pixel_hash": 2}.items()
    }
    return {
        "embedding": draw.normal(size=(3, 6)).astype(np.float16),
        "label": np.array([0, 3, 1], dtype=np.int32),
        "image_id": np.array(["a/ü.png", "b", "c"]),
        "subject_id": np.array(["", "p1", "p1"]),
        "thumbnails": draw.integers(0, 256, (3, 48, 48), dtype=np.uint8),
        **hashes,
    }


@pytest.fixture(scope="module")
def full() -> bytes:
    """A bundle with every kind of member."""
    gate = encode_arrays({"centre": np.linspace(0, 1, 6), "count": np.array(7), "on": np.array([True])})
    members = {
        **tiny_bundle.members(), "neighbours.npz": encode_arrays(cases()), "gate.npz": gate,
        "selftest/expected.json": b"{}\n",
    }  # fmt: skip
    card = {
        **tiny_bundle.card(notes=["für “alle”\n\t\x01"]), "neighbours": NEIGHBOURS,
        "gate": {"version": 1, "brain_mri": None, "distribution": {"threshold": 1e-5, "other": 1.5e16}},
    }  # fmt: skip
    return encode_bundle(members, card)


def test_it_imports_nothing_of_ours() -> None:
    tree = list(ast.walk(ast.parse(Path(independent_reader.__file__).read_text(encoding="utf-8"))))
    modules = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    assert modules == {"ast", "hashlib", "json", "re", "struct", "zlib"}
    assert not any(isinstance(node, ast.ImportFrom) for node in tree)


def test_both_readers_see_the_same(full: bytes) -> None:
    ours = decode_bundle(full)
    card, members, digest, version = independent_reader.read(full)
    assert (card, members, digest, version) == (ours.card, dict(ours.members), ours.digest, 2)


def test_both_read_the_same_arrays(full: bytes) -> None:
    members = decode_bundle(full).members
    for name in ("neighbours.npz", "gate.npz"):
        theirs = independent_reader.arrays(members[name])
        ours = decode_arrays(members[name], name=name)
        assert theirs.keys() == ours.keys()
        for key, (kind, shape, values) in theirs.items():
            assert (kind, shape, values) == (ours[key].dtype.str, ours[key].shape, ours[key].tobytes())


def test_format_1_is_read_by_both() -> None:
    card = former_card(tiny_bundle.card())
    data = with_card(tiny_bundle.members(), card, 1)
    theirs, _, digest, version = independent_reader.read(data)
    ours = decode_bundle(data)
    assert (theirs, digest, version) == (card, ours.digest, ours.format_version)


def disagree(data: bytes) -> str:
    """Say how the two readers differ about a file; empty when both refuse or both read it."""
    outcomes = []
    readers = {decode_bundle: BundleError, independent_reader.read: independent_reader.Refused}
    for read, refusal in readers.items():
        try:
            read(data)
            outcomes.append("reads")
        except refusal:
            outcomes.append("refuses")
    return "" if len(set(outcomes)) == 1 else f"gyrus {outcomes[0]}, the other {outcomes[1]}"


def test_both_refuse_each_edit_of_the_records_under_a_fitting_digest(full: bytes) -> None:
    """Headers, names, directory and end record; contents are covered by the next test."""
    body = full[:-86]
    places, at = set(), 0
    while body[at : at + 4] == b"PK\x03\x04":
        size, length = struct.unpack_from("<I4xH", body, at + 18)
        places |= set(range(at, at + 30 + length))
        at += 30 + length + size
    for place in sorted(places | set(range(at, len(body)))):
        edited = bytearray(body)
        edited[place] ^= 0x11
        data = sealed(bytes(edited))
        assert not disagree(data), place
        with pytest.raises(BundleError):
            decode_bundle(data)


def test_both_refuse_edits_of_contents_under_a_fitting_digest(full: bytes) -> None:
    body, draw = full[:-86], random.Random(0)
    for place in draw.sample(range(len(body)), 300):
        edited = bytearray(body)
        edited[place] ^= 1 << draw.randrange(8)
        assert not disagree(sealed(bytes(edited))), place


HONEST = {
    "a.npy": np.arange(3), "b.npy": np.array(["x", "yy"]), "c.npy": np.zeros((2, 0, 3), np.float16),
    "d.npy": np.array(1, np.uint8),
}  # fmt: skip


def npy(name: str) -> bytes:
    """One of these arrays as it lies in a member."""
    stem = name.removesuffix(".npy")
    archive = encode_arrays({stem: HONEST[name]})
    return archive[30 + len(name) : archive.index(b"PK\x01\x02")]


@settings(max_examples=300)
@example("c.npy", 8, 1, b"w")  # a header said to be longer than the file, of an array without values
@given(st.sampled_from(sorted(HONEST)), st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3))
def test_both_agree_about_arrays_that_were_edited(name: str, place: int, cut: int, put: bytes) -> None:
    """With checksums that fit, so that headers are looked at."""
    data = npy(name)
    place %= len(data) + 1
    archive = canonical_zip.encode({name: data[:place] + put + data[place + cut :]}, 0)
    outcomes = []
    for read in (functools.partial(inspect_arrays, name="gate.npz"), independent_reader.arrays):
        try:
            outcomes.append(sorted(read(archive)))
        except (BundleError, independent_reader.Refused):
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


def segmenting(card: dict[str, object], **changes: object) -> dict[str, object]:
    """The card with other values in its field of masks; ``postprocess`` is altered, not replaced."""
    told = dict(card["segmentation"])  # type: ignore[call-overload]
    rule = {**told["postprocess"], **changes.pop("postprocess", {})}  # type: ignore[dict-item]
    return {**card, "segmentation": {**told, "postprocess": rule, **changes}}


@pytest.mark.parametrize(("several", "joint"), [(False, False), (True, False), (False, True), (True, True)])
def test_both_read_a_bundle_of_masks(several: bool, joint: bool) -> None:
    data = tiny_masks.bundle_bytes(several=several, joint=joint, rule={"largest": True, "min_size": 3})
    ours = decode_bundle(data)
    card, members, _, _ = independent_reader.read(data)
    assert (card, members) == (ours.card, dict(ours.members))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "colours"}, {"kind": "binary"}, {"values": None}, {"picture_classes": ["only"]},
        {"picture_classes": ["b", "a"]}, {"windows": 1.0}, {"windows": -0.1},
        {"postprocess": {"threshold": 0.0}}, {"postprocess": {"threshold": 1.0}},
        {"postprocess": {"threshold": True}}, {"postprocess": {"min_size": -1}},
        {"postprocess": {"unit": "cm"}}, {"postprocess": {"largest": 1}},
        {"postprocess": {"fill_holes": "no"}}, {"postprocess": {"chosen_on": "val"}},
        {"postprocess": {"smooth": True}},
    ],
)  # fmt: skip
def test_both_refuse_cards_of_masks_that_say_otherwise(changes: dict[str, object]) -> None:
    members = dict(decode_bundle(tiny_masks.bundle_bytes(several=True, joint=True)).members)
    card = json.loads(members["card.json"])
    for read in (decode_bundle, independent_reader.read):
        read(with_card(members, segmenting(card)))
    data = with_card(members, segmenting(card, **changes))
    for read, error in ((decode_bundle, BundleError), (independent_reader.read, independent_reader.Refused)):
        with pytest.raises(error):
            read(data)


@given(
    seed=st.integers(0, 2**16), planes=st.integers(1, 3), threshold=st.sampled_from([0.3, 0.5, 0.7]),
    holes=st.booleans(), largest=st.booleans(), least=st.sampled_from([0, 2, 6.5]),
    unit=st.sampled_from(["px", "mm2"]), pixel=st.sampled_from([None, 0.5, 2.0]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_page_s_rule_gives_the_masks_that_ours_gives(
    seed: int, planes: int, threshold: float, holes: bool, largest: bool, least: float, unit: str,
    pixel: float | None,
) -> None:  # fmt: skip
    """Eighths, so that sums are exact and ties come often."""
    draw = np.random.default_rng(seed)
    probabilities = draw.integers(0, 9, (planes, 9, 12)) / 8 / planes
    rule = MaskRule(threshold, holes, largest, least, unit)  # type: ignore[arg-type]
    theirs = independent_reader.mask_of(probabilities.tolist(), rule.to_card(), pixel)
    assert theirs == rule.apply(probabilities, pixel).tolist()
