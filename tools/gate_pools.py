"""Thumbnails by source, as the gate's network is trained on them; drawn once and kept.

Not a program: ``tools/train_gate.py`` and ``benchmarks/gate.py`` use it.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from gate_images import (
    GENERATED,
    Images,
    changed,
    cheng,
    disguised,
    folder,
    folds_of,
    generated,
    mnist,
    phantom,
    shuffled,
)  # fmt: skip
from PIL import Image

from gyrus.decision.brain_mri import thumbnail

FOLDS = 5
VARIANTS = 5  # of a Cheng slice, the first as it is
_REAL: dict[str, Callable[[], Images]] = {
    "cifar10": lambda: folder("cifar10/train", 2500)[0],
    "mnist": lambda: mnist(1500),
    "chest_xray": lambda: folder("chest_xray")[0],
}
FOREIGN = (*_REAL, *GENERATED)
_SOURCES = ("phantom", *(f"cheng{fold}" for fold in range(FOLDS)), *FOREIGN)
_VARIANTS = {"cifar10": 2, "chest_xray": 4, "blank": 1}  # else 2
_GENERATED_COUNT = 900
_DISGUISED_SHARE = 0.4


@dataclass(frozen=True)
class Pools:
    """Thumbnails (n, 48, 48), 0 to 1.

    Attributes
    ----------
    cheng : dict of int to array
        By fold of patients: (images, variants, 48, 48).
    phantom : array
    foreign : dict of str to array
        By source; disguised ones (in a head's outline, rim darkened) among them.
    shuffled : dict of int to array
        Cheng slices cut and laid anew, by fold.
    """

    cheng: dict[int, np.ndarray]
    phantom: np.ndarray
    foreign: dict[str, np.ndarray]
    shuffled: dict[int, np.ndarray]


def thumbnails(images: Images) -> np.ndarray:
    """Return what the network sees of images, (n, 48, 48)."""
    return np.stack([thumbnail(np.asarray(image)) for image in images])


def pools(cache: Path) -> Pools:
    """Return all thumbnails; from ``cache`` where they were drawn before."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    kept = dict(np.load(cache)) if cache.is_file() else {}
    missing = [name for name in _SOURCES if name not in kept]
    if missing:
        drawn = _drawn(missing)
        kept |= {name: (255 * value).round().astype(np.uint8) for name, value in drawn.items()}
        np.savez(cache, **kept)
    stored = {name: value.astype(np.float32) / 255.0 for name, value in kept.items()}
    return Pools(
        cheng={fold: stored[f"cheng{fold}"] for fold in range(FOLDS)},
        phantom=stored["phantom"],
        foreign={name: stored[name] for name in FOREIGN},
        shuffled={fold: stored[f"shuffled{fold}"] for fold in range(FOLDS)},
    )


def _drawn(sources: list[str]) -> dict[str, np.ndarray]:
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as workers:
        parts = workers.map(_source, sources)
        return {name: array for part in parts for name, array in part.items()}


def _source(name: str) -> dict[str, np.ndarray]:
    """Draw one source, the same whatever else is drawn."""
    rng = np.random.default_rng([0, *name.encode()])
    if name == "phantom":
        heads = phantom(500, seed=1)
        return {name: thumbnails([seen for head in heads for seen in _varied(head, 3, rng)])}
    if name.startswith("cheng"):
        slices, patients, _ = cheng()
        mine = np.flatnonzero(folds_of(patients, FOLDS) == int(name[-1]))
        return {
            name: np.stack([thumbnails(_varied(slices[i], VARIANTS, rng)) for i in mine]),
            f"shuffled{name[-1]}": thumbnails([shuffled(slices[i], rng) for i in mine]),
        }
    images = _REAL[name]() if name in _REAL else generated(name, _GENERATED_COUNT, seed=1)
    seen = [variant for image in images for variant in _varied(image, _VARIANTS.get(name, 2), rng)]
    if name != "blank":
        outlines = phantom(100, seed=2)
        chosen = [image for image in images if rng.random() < _DISGUISED_SHARE]
        seen += [disguised(image, outlines[int(rng.integers(len(outlines)))], rng) for image in chosen]
    return {name: thumbnails(seen)}


def _varied(image: Image.Image, count: int, rng: np.random.Generator) -> Images:
    return [image, *(changed(image, rng) for _ in range(count - 1))]
