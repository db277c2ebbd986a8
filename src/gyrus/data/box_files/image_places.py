"""Where the images of a file of boxes lie."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from gyrus.imaging.source import Source


def image_source(name: str, *folders: Path | None) -> Source | None:
    """Return the image of a name, or None.

    Parameters
    ----------
    name : str
        A path below one of the folders, or below ``images`` there, or the image's file name. It cannot lead
        out of them.
    *folders : Path or None
        Looked through in order.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    if not name or pure.is_absolute() or ".." in pure.parts or Path(name).is_absolute():
        return None
    for folder in folders:
        if folder is None:
            continue
        for candidate in (folder / pure, folder / "images" / pure, folder / pure.name):
            if candidate.is_file():
                return Source(candidate)
    return None
