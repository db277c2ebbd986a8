"""Build the index of public brain MRI sets that travels inside the package.

    python tools/build_known_sets.py DATA_FOLDER

DATA_FOLDER holds ``cheng/`` (images/N.jpg, patients.csv), ``sartaj/`` and ``yesno/``. Of the Cheng set
(CC BY 4.0) the index keeps a 16 x 16 thumbnail, class and patient number of every slice; of the two others,
whose licences are not stated, nothing but hashes. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import zipfile
from pathlib import Path

import numpy as np

from gyrus.imaging import IMAGE_SUFFIXES, pixel_hash
from gyrus.imaging.decoding import decode
from gyrus.imaging.look import look, look_hash
from gyrus.imaging.reading import as_uint8

TARGET = Path(__file__).resolve().parents[1] / "src" / "gyrus" / "auditing" / "known_sets"
THUMBNAIL_PX = 16


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    TARGET.mkdir(parents=True, exist_ok=True)
    with (data / "cheng" / "patients.csv").open(newline="") as stream:
        table = sorted(csv.DictReader(stream), key=lambda row: int(row["file_number"]))
    looks = np.stack([read(data / "cheng" / "images" / f"{row['file_number']}.jpg")[0] for row in table])
    save(
        TARGET / "cheng.npz",
        thumbnails=shrink(looks),
        file_number=np.array([int(row["file_number"]) for row in table], np.uint16),
        patient=np.array([row["patient_base_id"].encode() for row in table]),
        label=np.array([row["class"].encode() for row in table]),
    )
    for name in ("sartaj", "yesno"):
        files = sorted(path for path in (data / name).rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        facts = [read(path) for path in files]
        save(
            TARGET / f"{name}.npz",
            look_hash=look_hash(np.stack([small for small, _ in facts])),
            pixel_hash=np.array([np.frombuffer(bytes.fromhex(whole)[:8], np.uint8) for _, whole in facts]),
        )
    for path in sorted(TARGET.glob("*.npz")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def read(path: Path) -> tuple[np.ndarray, str]:
    """Return the look (64, 64) and the pixel hash of an image."""
    decoded = decode(path.read_bytes(), name=str(path))
    return look(as_uint8(decoded, "grey")), pixel_hash(decoded.pixels)


def shrink(looks: np.ndarray) -> np.ndarray:
    """Return thumbnails (n, 16, 16) uint8: means of 4 x 4 pixels."""
    side = looks.shape[1] // THUMBNAIL_PX
    blocks = looks.reshape(len(looks), THUMBNAIL_PX, side, THUMBNAIL_PX, side)
    return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)


def save(path: Path, **arrays: np.ndarray) -> None:
    """Write an npz with fixed dates, so that the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in sorted(arrays.items()):
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


if __name__ == "__main__":
    main()
