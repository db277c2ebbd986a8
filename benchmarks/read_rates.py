"""What reading costs within limits and child processes, beside pydicom, nibabel and Pillow alone.

    python benchmarks/read_rates.py [--images 60] [--turns 7] [--out FOLDER]

The same slices (phantom heads, 12 bits) as PNG, JPEG, TIFF, DICOM and NIfTI. Beside gyrus stands what the
library alone needs to give the pixels of the file: no limits, no child process, no window, no 8 bits. All in
turns; a turn reads all images once, and one before the first is not counted.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from keeping import Kept, default_folder, told_machine
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)

from gyrus.imaging import read_image
from gyrus.imaging.source import Source
from gyrus.phantom import Phantom, write_cohort

SIDE = 256
Read = Callable[[Source], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=Path, default=default_folder("read_rates"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    settings = {"images": given.images, "turns": given.turns, "side": SIDE}
    kept = Kept(given.out, __doc__.splitlines()[0], settings)
    with tempfile.TemporaryDirectory() as folder:
        slices = heads(Path(folder) / "heads", given.images)
        for name, (sources, alone) in kinds(Path(folder), slices).items():
            kept.once(name, lambda s=sources, a=alone: compared(s, a, given.turns))
    rows = [
        f"| {name} | {1e3 * run['gyrus_s']:.2f} | {1e3 * run['alone_s']:.2f} | {run['ratio']:.2f} "
        f"[{run['low']:.2f}, {run['high']:.2f}] | {1 / run['gyrus_s']:,.0f} |"
        for name, run in kept.runs.items()
    ]
    page = [
        "# Read rates by format", "", told_machine(kept), "",
        f"{given.images} slices of {SIDE} x {SIDE}; milliseconds of the clock an image, medians of "
        f"{given.turns} turns; in brackets the central half of the turns' ratios.", "",
        "| format | gyrus, ms | library alone, ms | ratio | gyrus, images/s |", "|---|---|---|---|---|",
        *rows, "",
    ]  # fmt: skip
    kept.conclude({name: run["ratio"] for name, run in kept.runs.items()}, "\n".join(page))


def heads(folder: Path, count: int) -> list[np.ndarray]:
    """Return slices of phantom heads as uint16 of 12 bits."""
    write_cohort(folder, Phantom(subjects=count, slices_per_subject=1, image_size=SIDE))
    paths = sorted(folder.rglob("*.png"))[:count]
    noise = np.random.default_rng(0)
    return [
        np.asarray(Image.open(path).convert("L")).astype(np.uint16) * 16
        + noise.integers(0, 16, (SIDE, SIDE), np.uint16)
        for path in paths
    ]


def kinds(folder: Path, slices: Sequence[np.ndarray]) -> dict[str, tuple[list[Source], Read]]:
    """Write the slices in every format; return sources and what reads them without gyrus."""
    found = {}
    for name, ending, bits, options in (
        ("PNG, 8 bits", ".png", 8, {}),
        ("PNG, 16 bits", ".png", 16, {}),
        ("JPEG", ".jpg", 8, {"quality": 90}),
        ("TIFF, 16 bits", ".tif", 16, {}),
    ):
        found[name] = (pictures(folder / name, slices, ending, bits, options), with_pillow)
    for name, syntax in (
        ("DICOM", ExplicitVRLittleEndian),
        ("DICOM, deflated", DeflatedExplicitVRLittleEndian),
        ("DICOM, RLE", RLELossless),
        ("DICOM, JPEG 2000", JPEG2000Lossless),
    ):
        found[name] = (scans(folder / name, slices, syntax), with_pydicom)
    volume = np.stack(slices, axis=2).astype(np.int16)
    for name, ending in (("NIfTI, slice by slice", ".nii"), ("NIfTI gzipped, slice by slice", ".nii.gz")):
        path = folder / f"volume{ending}"
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)
        found[name] = ([Source(path, f"axial:{number}") for number in range(len(slices))], with_nibabel)
    return found


def pictures(
    folder: Path, slices: Sequence[np.ndarray], ending: str, bits: int, options: dict
) -> list[Source]:
    folder.mkdir()
    sources = []
    for number, pixels in enumerate(slices):
        path = folder / f"{number}{ending}"
        Image.fromarray((pixels >> 4).astype(np.uint8) if bits == 8 else pixels).save(path, **options)
        sources.append(Source(path))
    return sources


def scans(folder: Path, slices: Sequence[np.ndarray], syntax: str) -> list[Source]:
    folder.mkdir()
    sources = []
    for number, pixels in enumerate(slices):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        dataset.Modality, dataset.PatientID = "MR", str(number)
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OW"
        if syntax == RLELossless:
            dataset.compress(RLELossless)
        elif syntax == JPEG2000Lossless:
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG2000", no_jp2=True)
            dataset.PixelData = encapsulate([buffer.getvalue()])
            dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        path = folder / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        sources.append(Source(path))
    return sources


def with_pillow(source: Source) -> object:
    with Image.open(source.path) as image:
        return np.asarray(image)


def with_pydicom(source: Source) -> object:
    return pydicom.dcmread(source.path).pixel_array


def with_nibabel(source: Source) -> object:
    return np.asarray(nibabel.load(source.path).dataobj[:, :, int(source.frame.rpartition(":")[2])])


def compared(sources: Sequence[Source], alone: Read, turns: int) -> dict:
    """Return seconds an image of both, turn about."""
    sides: tuple[Read, Read] = (read_image, alone)
    for read in sides:
        seconds(read, sources)
    times = np.zeros((turns, 2))
    for turn in range(turns):
        for side in (0, 1) if turn % 2 else (1, 0):
            times[turn, side] = seconds(sides[side], sources) / len(sources)
    ratios = times[:, 0] / times[:, 1]
    low, high = np.quantile(ratios, [0.25, 0.75])
    return {
        "gyrus_s": float(np.median(times[:, 0])), "alone_s": float(np.median(times[:, 1])),
        "ratio": float(np.median(ratios)), "low": float(low), "high": float(high), "times": times.tolist(),
    }  # fmt: skip


def seconds(read: Read, sources: Sequence[Source]) -> float:
    start = time.perf_counter()
    for source in sources:
        read(source)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
