"""Public sets that an image may come from: whose slice it is, and in which sets it also stands.

The index lies in ``known_sets/`` and is built by ``tools/build_known_sets.py``.

Cheng J. (2017), brain tumor dataset, Figshare 1512427, CC BY 4.0: a 16 x 16 thumbnail, class and patient
number of each of its 3064 slices. Of the sets of Bhuvaji (here called Sartaj) and Chakrabarty (yes/no) only
hashes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.auditing.pair_search import best_products, find_pairs
from gyrus.auditing.screening import Indices
from gyrus.imaging.look import HASH_FREQUENCIES, Looks, firm_signs

SLICE_CORRELATION = 0.985
"""Correlation at 16 x 16 from which an image is a known slice.

The 2345 Sartaj images that are Cheng slices have at least 0.9996 here, its 919 others at most 0.976.
"""
_SLICE_CANDIDATE = 0.975  # of 12 x 12 of the 16 x 16 frequencies: most of what the pixels hold
FIRM_SIGNS = 160
MAX_DIFFERENT_SIGNS = 8
"""Of an image's 160 firmest signs of 256, so many may differ from the hash of a picture that is the same.

So the hashes find the 102 yes/no images that are Sartaj's, none of the Cheng slices in yes/no, and none of
700 chest X-rays in either. They also find neighbouring slices of one exam.
"""

_BLOCK = 512

SETS = {
    "cheng": "Cheng (Figshare 1512427)",
    "sartaj": "Sartaj (Kaggle, Brain Tumor Classification)",
    "yesno": "yes/no (Kaggle, Brain MRI Images for Brain Tumor Detection)",
}


@dataclass(frozen=True, slots=True)
class RecoveredSlices:
    """Images that are slices of the Cheng set.

    Attributes
    ----------
    image : ndarray of int64, shape (n,)
        Position in the looks that were asked about; each once.
    file_number : ndarray of int64, shape (n,)
        Number of the slice in the published set.
    patient : tuple of str
        (n,) patient numbers, repeat exams under one number.
    label : tuple of str
        (n,) classes in the published set.
    correlation : ndarray of float32, shape (n,)
        Of the 16 x 16 pixels.
    orientation : ndarray of int64, shape (n,)
        How the published slice must be moved to look like the image.
    """

    image: Indices
    file_number: Indices
    patient: tuple[str, ...]
    label: tuple[str, ...]
    correlation: npt.NDArray[np.float32]
    orientation: Indices

    def __len__(self) -> int:
        return len(self.image)


def recover_slices(looks: Looks) -> RecoveredSlices:
    """Find the images that are slices of the Cheng set, in any orientation.

    Parameters
    ----------
    looks : ndarray of uint8
        (n, 64, 64); see :func:`gyrus.imaging.look.look`.
    """
    index = _load("cheng")
    pairs = find_pairs(
        _shrink(looks),
        index["thumbnails"],
        min_correlation=SLICE_CORRELATION,
        candidate_correlation=_SLICE_CANDIDATE,
    )
    # Neighbouring slices look alike: the best match is the slice.
    order = np.lexsort((pairs.second, -pairs.correlation, pairs.first))
    image, best = np.unique(pairs.first[order], return_index=True)
    chosen = order[best]
    slices = pairs.second[chosen]
    return RecoveredSlices(
        image=image,
        file_number=index["file_number"][slices].astype(np.int64),
        patient=tuple(name.decode() for name in index["patient"][slices].tolist()),
        label=tuple(name.decode() for name in index["label"][slices].tolist()),
        correlation=pairs.correlation[chosen],
        orientation=pairs.orientation[chosen],
    )


def overlaps(
    looks: Looks, pixel_hashes: list[str], *, by_look: bool = True
) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell which images also stand in the public sets of which only hashes are known.

    Parameters
    ----------
    looks : ndarray of uint8
        (n, 64, 64).
    pixel_hashes : list of str
        (n,) see :func:`gyrus.imaging.pixel_hash`.
    by_look : bool
        Also find images that look like one of the set, in any orientation; False: only equal pixels.

    Returns
    -------
    dict
        ``sartaj`` and ``yesno`` -> (n,) True where the image, in some orientation, stands in the set.
    """
    whole = np.array([bytes.fromhex(value)[:8] for value in pixel_hashes], dtype="S8")
    found = {}
    for name in ("sartaj", "yesno"):
        index = _load(name)
        same_pixels = np.isin(_as_words(whole), _as_words(index["pixel_hash"]))
        found[name] = same_pixels
        if by_look:
            found[name] = same_pixels | _near(looks, np.unpackbits(index["look_hash"], axis=1))
    return found


def _near(looks: Looks, bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether any orientation of a look agrees with any of the hashes (m, 256)."""
    signs = (bits.astype(np.float32) * 2 - 1).reshape(len(bits), HASH_FREQUENCIES, HASH_FREQUENCIES)
    near = np.zeros(len(looks), bool)
    for start in range(0, len(looks), _BLOCK):
        mine = firm_signs(looks[start : start + _BLOCK], FIRM_SIGNS)
        firm = np.abs(mine).sum(axis=(1, 2))
        agreement = best_products(mine, signs).max(axis=1)
        # a blank picture has no firm sign and is like nothing; it must not agree with everything
        near[start : start + _BLOCK] = (firm >= FIRM_SIGNS) & (agreement >= firm - 2 * MAX_DIFFERENT_SIGNS)
    return near


def _as_words(hashes: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(np.ascontiguousarray(hashes).tobytes(), np.uint64)


def _shrink(looks: Looks, side: int = 16) -> Looks:
    factor = looks.shape[1] // side
    blocks = looks.reshape(len(looks), side, factor, side, factor)
    small: Looks = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
    return small


@functools.cache
def _load(name: str) -> dict[str, npt.NDArray[Any]]:
    with (resources.files("gyrus.auditing") / "known_sets" / f"{name}.npz").open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        return {key: archive[key] for key in archive.files}
