"""Bundles of format 1 are read as what they meant, and as nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_bundle
from gyrus.bundles import decode_bundle, encode_arrays, read_bundle, rewrite_bundle, rewrite_card
from gyrus.errors import BundleError
from hostile import former_card, with_card

CARD = tiny_bundle.card(notes=["old"])
OLD = former_card(CARD)


def test_an_old_bundle_reads_as_todays_card() -> None:
    bundle = decode_bundle(with_card(tiny_bundle.members(), OLD, 1))
    assert bundle.format_version == 1
    assert bundle.card == CARD
    assert bundle.card["private"] is False
    assert bundle.card["neighbours"] is None


def test_an_old_card_that_says_how_keeps_its_word() -> None:
    card = copy.deepcopy(OLD)
    card["input"] |= {"resize": "pad", "brain_crop": True, "normalize": "half"}
    read = decode_bundle(with_card(tiny_bundle.members(), card, 1)).card
    assert (read["input"]["resize"], read["input"]["brain_crop"], read["input"]["normalize"]) == (
        "pad", True, "half",
    )  # fmt: skip


def test_rewriting_raises_it_and_keeps_the_graphs(tmp_path: Path) -> None:
    path = tmp_path / "old.gyrus"
    path.write_bytes(with_card(tiny_bundle.members(), OLD, 1))
    before = read_bundle(path)
    rewrite_card(path, notes=["new"])
    after = read_bundle(path)
    assert (after.format_version, after.model_digest) == (2, before.model_digest)
    assert after.card == {**CARD, "notes": ["new"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("neighbours", None), ("private", False), ("calibration", {"method": "temperature"}), ("gate", {}),
     ("conformal", {}), ("operating_points", [])],
)  # fmt: skip
def test_what_format_1_had_not_is_refused_in_it(field: str, value: Any) -> None:
    with pytest.raises(BundleError, match=f"{field}: format 1 has no such value"):
        decode_bundle(with_card(tiny_bundle.members(), {**OLD, field: value}, 1))


def test_maps_of_format_2_are_refused_in_format_1() -> None:
    card = {**OLD, "outputs": {"maps": "gradient", "embedding": True}}
    with pytest.raises(BundleError, match=r"outputs\.maps: format 1"):
        decode_bundle(with_card(tiny_bundle.members(), card, 1))


def test_what_an_old_card_must_have_is_still_asked_for() -> None:
    card = {key: value for key, value in OLD.items() if key != "licence"}
    with pytest.raises(BundleError, match="licence: is missing"):
        decode_bundle(with_card(tiny_bundle.members(), card, 1))


def test_arrays_that_its_card_cannot_mention_are_refused() -> None:
    members = {**tiny_bundle.members(), "gate.npz": encode_arrays({"a": np.zeros(2)})}
    with pytest.raises(BundleError, match=r"member gate\.npz is there, and the card's gate is null"):
        decode_bundle(with_card(members, OLD, 1))


@pytest.mark.parametrize(("card", "file"), [(CARD, 1), (OLD, 2)])
def test_card_and_file_must_be_of_one_format(card: dict[str, Any], file: int) -> None:
    with pytest.raises(BundleError, match=rf"the file {file}"):
        decode_bundle(with_card(tiny_bundle.members(), card, file))


@pytest.mark.parametrize("version", [True, 1.0, "1", None, 0, -1])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    with pytest.raises(BundleError):
        decode_bundle(with_card(tiny_bundle.members(), {**OLD, "format_version": version}, 1))


def test_a_bundle_written_elsewhere_names_its_source(tmp_path: Path) -> None:
    source, child, grandchild = (tmp_path / name for name in ("a.gyrus", "b.gyrus", "c.gyrus"))
    source.write_bytes(with_card(tiny_bundle.members(), OLD, 1))
    digests = [read_bundle(source).digest, rewrite_bundle(source, to=child, notes=["tuned"])]
    rewrite_bundle(child, to=grandchild)
    rewrite_bundle(grandchild, notes=["in place"])
    assert read_bundle(child).card["lineage"] == digests[:1]
    assert read_bundle(grandchild).card["lineage"] == digests
    assert read_bundle(source).digest == digests[0]


def test_members_come_and_go_with_their_fields(tmp_path: Path) -> None:
    path = tmp_path / "model.gyrus"
    path.write_bytes(with_card(tiny_bundle.members(), CARD))
    gate = {"version": 1, "brain_mri": None, "distribution": {"threshold": 3.0}}
    arrays = encode_arrays({"centre": np.zeros(6)})
    rewrite_bundle(path, members={"gate.npz": arrays}, gate=gate)
    assert read_bundle(path).members["gate.npz"] == arrays
    for members, fields in (({}, {"gate": None}), ({"gate.npz": None}, {})):
        with pytest.raises(BundleError, match=r"gate\.npz is"):
            rewrite_bundle(path, members=members, **fields)
    rewrite_bundle(path, members={"gate.npz": None}, gate=None)
    assert read_bundle(path).content == tiny_bundle.members()
    with pytest.raises(BundleError, match="another model"):
        rewrite_bundle(path, members={"network.onnx": tiny_bundle.network_model(seed=1)})
