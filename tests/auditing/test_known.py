"""Public sets that are known by hashes: by their pixels alone, and of nothing."""

import numpy as np

from gyrus.auditing import known


def test_without_looks_only_equal_pixels_overlap() -> None:
    index = known._load("sartaj")
    looks = np.zeros((2, 64, 64), np.uint8)
    hashes = [bytes(index["pixel_hash"][0]).hex().ljust(64, "0"), "f" * 64]
    found = known.overlaps(looks, hashes, by_look=False)
    assert found["sartaj"].tolist() == [True, False]


def test_no_picture_is_no_slice() -> None:
    assert len(known.recover_slices(np.zeros((0, 64, 64), np.uint8))) == 0
