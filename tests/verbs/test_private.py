"""A private bundle holds nothing by which a training image could be recognised: looked for in its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gyrus
from gyrus.bundles import decode_arrays, encode_arrays, read_bundle, rewrite_bundle
from gyrus.bundles.private import private_changes, private_copy
from gyrus.config.packing import BundleOptions
from gyrus.data import read_manifest
from gyrus.errors import BundleError, UsageError
from gyrus.runs import RunFolder
from gyrus.verbs.neighbours import bring_cases


@pytest.fixture(scope="module")
def open_run(run: Any) -> Iterator[Any]:
    """The run, whose bundle brings its training cases; put back afterwards."""
    before = run.bundle.read_bytes()
    bring_cases(run, read_manifest(run.manifest), BundleOptions())
    yield run
    run.bundle.write_bytes(before)


def traces(bundle: Path, of: Path, manifest: Any) -> list[str]:
    """Return what the bytes of a bundle hold of the training images, whose cases another bundle brings."""
    data = bundle.read_bytes()
    arrays = decode_arrays(read_bundle(of).members["neighbours.npz"], name="neighbours.npz")
    rows = manifest.select("train")
    wanted: dict[str, set[bytes]] = {
        "name": {form for row in rows for form in spelled(row.image_id)},
        "patient": {form for row in rows for form in spelled(row.subject_id)},
        "file name": {Path(row.path).name.encode() for row in rows},
        "hash": {form for row in rows for text in (row.sha256, row.pixel_hash) for form in hashed(text)},
        "thumbnail": {picture[24].tobytes() for picture in arrays["thumbnails"] if picture[24].any()},
        "embedding": {
            row.astype(kind).tobytes() for row in arrays["embedding"] for kind in ("<f2", "<f4", "<f8")
        },
    }  # fmt: skip
    return sorted(kind for kind, forms in wanted.items() if any(form in data for form in forms))


def spelled(text: str) -> tuple[bytes, ...]:
    """A name as text and as NumPy's array of characters."""
    return (text.encode(), text.encode("utf-32-le")) if text else ()


def hashed(text: str) -> tuple[bytes, ...]:
    return text.encode(), bytes.fromhex(text)


def test_the_search_finds_what_an_open_bundle_tells(open_run: Any) -> None:
    found = traces(open_run.bundle, open_run.bundle, read_manifest(open_run.manifest))
    assert {"name", "patient", "hash", "thumbnail", "embedding"} <= set(found)


def test_no_trace_of_a_training_image_is_in_a_private_run(open_run: Any, tmp_path: Path) -> None:
    """As ``gyrus train --private`` packs: the bundle is made private and no cases are brought."""
    manifest, folder = read_manifest(open_run.manifest), RunFolder(tmp_path / "run").create()
    bare = private_copy(read_bundle(open_run.bundle))
    folder.bundle.write_bytes(bare)
    bring_cases(folder, manifest, BundleOptions(private=True))
    assert folder.bundle.read_bytes() == bare
    assert traces(folder.bundle, open_run.bundle, manifest) == []


def test_a_private_copy_says_so_and_names_its_source(open_run: Any, tmp_path: Path) -> None:
    source = read_bundle(open_run.bundle)
    path = tmp_path / "private.gyrus"
    path.write_bytes(private_copy(source))
    copy = read_bundle(path)
    assert (copy.card["private"], copy.card["neighbours"]) == (True, None)
    assert copy.card["lineage"] == [source.digest]
    assert copy.model_digest == source.model_digest
    assert traces(path, open_run.bundle, read_manifest(open_run.manifest)) == []
    assert "private: no hash, embedding or thumbnail" in gyrus.bundle("info", path).to_text()
    difference = gyrus.bundle("diff", open_run.bundle, path).difference
    assert difference.same_answers
    assert [item.member for item in difference.members] == ["neighbours.npz"]


def test_a_gate_that_keeps_training_images_cannot_be_private(open_run: Any, tmp_path: Path) -> None:
    gate = {"version": 1, "brain_mri": None, "distribution": {"method": "knn"}}
    arrays = encode_arrays({"neighbours": np.zeros((3, 6), np.float32)})
    path = tmp_path / "gated.gyrus"
    rewrite_bundle(open_run.bundle, to=path, members={"gate.npz": arrays}, gate=gate)
    with pytest.raises(BundleError, match="keeps embeddings of training images"):
        private_changes(read_bundle(path).card)
    with pytest.raises(BundleError, match=r"gate\.distribution: a private bundle holds no training cases"):
        rewrite_bundle(path, members={"neighbours.npz": None}, neighbours=None, private=True)


def test_calibrate_and_export_take_the_option(open_run: Any, tmp_path: Path) -> None:
    from gyrus.config import CalibrateConfig, ExportConfig

    assert CalibrateConfig(source=Path("a"), data=Path("b"), out=tmp_path / "c.gyrus", private=True).private
    with pytest.raises(UsageError, match="private is about bundles"):
        ExportConfig(source=Path("a"), to="onnx", private=True)
    path = tmp_path / "private.gyrus"
    gyrus.export(open_run.bundle, out=path, private=True)
    assert read_bundle(path).card["private"]
    assert traces(path, open_run.bundle, read_manifest(open_run.manifest)) == []
