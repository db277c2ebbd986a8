"""A figure as files that stand alone: PNG and SVG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from gyrus.runs.atomic import write_bytes

_DPI = 200


def write_pictures(figure: Any, folder: Path, stem: str) -> tuple[Path, Path]:
    """Write ``STEM.png`` and ``STEM.svg``; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn within :func:`gyrus.pages.svg.paper_style`, which must still be on.
    folder : Path
    stem : str

    Raises
    ------
    StorageError
        When a file cannot be written; a former one survives.
    """
    paths = folder / f"{stem}.png", folder / f"{stem}.svg"
    for path in paths:
        buffer = io.BytesIO()
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(buffer, format=path.suffix[1:], dpi=_DPI, facecolor="white", metadata=metadata)
        write_bytes(path, buffer.getvalue())
    return paths
