"""Where things that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(asked: Path | None) -> Path:
    """Return the folder asked for, else that of GYRUS_CACHE, else the user's cache folder."""
    if asked is not None:
        return asked
    if os.environ.get("GYRUS_CACHE"):
        return Path(os.environ["GYRUS_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".cache")
    return Path(base) / "gyrus"
