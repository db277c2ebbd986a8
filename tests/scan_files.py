"""Small DICOM and NIfTI files, sound and otherwise."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

PLANTED = "DOE^JANE"  # what must be found nowhere


def dicom_dataset(pixels: np.ndarray, **changes: Any) -> Dataset:
    """Return an MR slice of these pixels; ``changes`` by keyword, None removes an element."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Modality = "MR"
    dataset.PatientName, dataset.PatientID = PLANTED, "MRN-0815"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [0, 0, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.75], 5
    dataset.InstanceNumber = 1
    frames = pixels.shape[0] if pixels.ndim == 3 and pixels.shape[2] != 3 else None
    dataset.Rows, dataset.Columns = pixels.shape[1:3] if frames else pixels.shape[:2]
    if frames:
        dataset.NumberOfFrames = frames
    colour = pixels.ndim == 3 and not frames
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB" if "PixelData" in dataset else ""
    return dataset


def dicom_bytes(pixels: np.ndarray, **changes: Any) -> bytes:
    """Return such a file's bytes."""
    without_pixels = changes.pop("PixelData", "") is None
    syntax = changes.pop("TransferSyntaxUID", None)
    dataset = dicom_dataset(pixels, **changes)
    if without_pixels:
        del dataset.PixelData
    if syntax is not None:
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([b"\xff\xd8 no such stream \xff\xd9"])
        dataset["PixelData"].VR = "OB"
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def with_syntax(data: bytes, syntax: str) -> bytes:
    """Return a file of the common syntax that claims another, of at most as many letters."""
    plain = ExplicitVRLittleEndian.encode()  # 19 letters and a zero byte
    return data.replace(plain + b"\0", syntax.encode().ljust(len(plain) + 1, b"\0"))


def write_dicom(path: Path, pixels: np.ndarray, **changes: Any) -> Path:
    """Write such a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom_bytes(pixels, **changes))
    return path


def write_nifti(path: Path, numbers: np.ndarray, affine: np.ndarray | None = None, **header: Any) -> Path:
    """Write a NIfTI file as its numbers lie; ``header`` by field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(numbers, np.eye(4) if affine is None else affine)
    nibabel.save(image, path)
    if header:
        data = bytearray(path.read_bytes())
        start = nibabel.Nifti1Header(bytes(data[:348]))
        for field, value in header.items():
            start[field] = value
        data[:348] = start.binaryblock
        path.write_bytes(bytes(data))
    return path


def ramp(height: int = 24, width: int = 32, top: int = 4000) -> np.ndarray:
    """(height, width) of uint16 rising from left to right and a little downwards."""
    across = np.linspace(0, top - height, width)
    return (across[np.newaxis] + np.arange(height)[:, np.newaxis]).astype(np.uint16)
