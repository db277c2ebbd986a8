"""Write hostile image files into a folder: small files that unpack to gigabytes, lie, nest or loop.

    python tools/make_bombs.py FOLDER [--scale 16]

Each is made by rule from a few bytes, so none has to be kept. ``--scale 16`` unpacks to the sizes that were
reported against other readers (1.6 GB from a deflated DICOM file); 1 is enough to find a missing limit. The
files harm nobody who does not open them with a reader that has no limits. tests/hostile and
benchmarks/nasty_files.py read every one of them with gyrus.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bombs.pictures import jpeg_bombs, other_bombs, png_bombs, polyglots, tiff_bombs
from bombs.scans import dicom_bombs, nifti_bombs


def all_bombs(scale: int) -> dict[str, dict[str, bytes]]:
    """Return the files by kind and name.

    Parameters
    ----------
    scale : int
        How much the largest unpack to, in units of about 100 MiB.
    """
    return {
        "dicom": dicom_bombs(scale),
        "nifti": nifti_bombs(scale),
        "png": png_bombs(scale),
        "jpeg": jpeg_bombs(scale),
        "tiff": tiff_bombs(scale),
        "other": other_bombs(scale),
        "polyglot": polyglots(),
    }


def write_bombs(folder: Path, scale: int = 16) -> list[Path]:
    """Write all files into ``folder/KIND/`` and return their paths."""
    paths = []
    for kind, files in all_bombs(scale).items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path = folder / kind / name
            path.write_bytes(data)
            paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=int, default=16)
    given = parser.parse_args()
    paths = write_bombs(given.folder, given.scale)
    print(f"{len(paths)} files, {sum(path.stat().st_size for path in paths):,} bytes, in {given.folder}")


if __name__ == "__main__":
    main()
