"""Small image files for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeImages = Callable[[Path, Mapping[str, int] | Iterable[str]], Path]


def picture(seed: int, height: int = 10, width: int = 12) -> np.ndarray:
    """Return noise that the seed determines, uint8 (height, width)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.fixture
def make_images() -> MakeImages:
    """Return a function that writes images: names, or names with seeds (equal seeds give equal pixels)."""

    def make(folder: Path, names: Mapping[str, int] | Iterable[str]) -> Path:
        seeds = names if isinstance(names, Mapping) else {name: seed for seed, name in enumerate(names)}
        for name, seed in seeds.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(seed)).save(path)
        return folder

    return make


@pytest.fixture(autouse=True)
def cache_in_tmp(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GYRUS_CACHE", str(folder))
    return folder
