"""Small data sets in the forms that publishers use, for the tests."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

CHENG_NUMBERS = {"meningioma": 1, "glioma": 2, "pituitary": 3}


def slice_of_a_head(seed: int, side: int = 48) -> np.ndarray:
    """Return an int16 picture (side, side) of an ellipse with texture; wider than high, so turning shows."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    head = ((x / 0.45) ** 2 + (y / 0.32) ** 2) < 1
    texture = rng.normal(0, 60, (side // 8, side // 8)).repeat(8, 0).repeat(8, 1)
    return (head * (900 + 300 * np.sin(7 * x + seed) + texture)).clip(0).astype(np.int16)


def tumour_mask(side: int = 48, top: int = 12, left: int = 20, height: int = 6, width: int = 9) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def write_cheng(
    path: Path,
    *,
    label: float = 1,
    patient: str = "100360",
    image: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    leave_out: tuple[str, ...] = (),
) -> Path:
    """Write one file as MATLAB's v7.3 does: HDF5 behind a block of 512 bytes, columns first."""
    import h5py

    image = slice_of_a_head(0) if image is None else image
    mask = tumour_mask(len(image)) if mask is None else mask
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("cjdata")
        values = {
            "label": np.array([[label]], np.float64),
            "PID": np.array([[ord(letter)] for letter in patient], np.uint16),
            "image": image.T,
            "tumorBorder": np.array([[20.0, 12.0, 29.0, 12.0, 29.0, 18.0, 20.0, 18.0]]),
            "tumorMask": mask.T,
        }
        for name, value in values.items():
            if name not in leave_out:
                group.create_dataset(name, data=value)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


def write_cheng_set(folder: Path, patients: int = 12, slices: int = 2, side: int = 48) -> Path:
    """Write a folder of files numbered from 1: ``patients`` of each class, ``slices`` of each patient."""
    number = 0
    for name, label in CHENG_NUMBERS.items():
        for patient in range(patients):
            for part in range(slices):
                number += 1
                head = slice_of_a_head(1000 * label + patient, side)
                image = np.where(head > 0, head + 40 * label + 7 * part, 0).astype(np.int16)
                mask = tumour_mask(side, top=8 + 6 * label)
                image[mask > 0] += 400 * label
                write_cheng(
                    folder / f"{number}.mat",
                    label=label,
                    patient=f"1{CHENG_NUMBERS[name]}{patient:04d}",
                    image=image,
                    mask=mask,
                )
    return folder


def write_png(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_lgg(folder: Path, patients: int = 3, slices: int = 2) -> Path:
    """Write a folder as ``kaggle_3m``; the last slice of a patient has an empty mask."""
    rng = np.random.default_rng(0)
    for patient in range(patients):
        name = f"TCGA_CS_{4941 + patient}_19960909"
        for part in range(1, slices + 1):
            pixels = rng.integers(0, 255, (32, 32, 3), np.uint8)
            mask = tumour_mask(32) * 255 if part < slices else np.zeros((32, 32), np.uint8)
            write_png(folder / name / f"{name}_{part}.tif", pixels)
            write_png(folder / name / f"{name}_{part}_mask.tif", mask)
    lines = ["Patient,RNASeqCluster,neoplasm_histologic_grade,gender,age_at_initial_pathologic"]
    lines += [f"TCGA_CS_{4941 + patient},{patient},2,1,{30 + patient}" for patient in range(patients)]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_carvana(folder: Path, cars: int = 2, angles: int = 2) -> Path:
    rng = np.random.default_rng(0)
    for car in range(cars):
        for angle in range(1, angles + 1):
            stem = f"{car:012x}_{angle:02d}"
            write_png(folder / "train" / f"{stem}.jpg", rng.integers(0, 255, (20, 30, 3), np.uint8))
            mask = np.zeros((20, 30), np.uint8)
            mask[5:15, 4:25] = 255
            write_png(folder / "train_masks" / f"{stem}_mask.gif", mask)
    return folder


def write_cifar10(folder: Path, images: int = 4, protocol: int = 2) -> dict[str, np.ndarray]:
    """Write batches as Python's pickle does and return their arrays."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "batches.meta").write_bytes(
        pickle.dumps({b"label_names": [b"airplane", b"cat"], b"num_vis": 3072}, protocol)
    )
    written = {}
    for batch in ("data_batch_1", "data_batch_2", "test_batch"):
        data = rng.integers(0, 256, (images, 3072), np.uint8)
        labels = [number % 2 for number in range(images)]
        content = {b"data": data, b"labels": labels, b"batch_label": b"x", b"filenames": [b"f"] * images}
        (folder / batch).write_bytes(pickle.dumps(content, protocol))
        written[batch] = data
    return written


def write_volume(path: Path, voxels: np.ndarray) -> Path:
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 1.0, 1.0])), path)
    return path


def write_brats(folder: Path, cases: int = 2, grades: bool = False) -> Path:
    rng = np.random.default_rng(0)
    for case in range(cases):
        name = f"BraTS20_Training_{case:03d}"
        inside = folder / ("HGG" if case % 2 else "LGG") / name if grades else folder / name
        for ending in ("t1ce", "flair"):
            write_volume(
                inside / f"{name}_{ending}.nii.gz", rng.integers(0, 900, (20, 18, 12)).astype(np.int16)
            )
        mask = np.zeros((20, 18, 12), np.uint8)
        mask[5:9, 6:10, 6:] = 4
        write_volume(inside / f"{name}_seg.nii.gz", mask)
    return folder


def write_coco(folder: Path, **changes: object) -> Path:
    """Write three images and their table; ``changes`` replace parts of it."""
    rng = np.random.default_rng(0)
    for number in range(3):
        write_png(folder / "images" / f"{number}.png", rng.integers(0, 255, (40, 60), np.uint8))
    content = {
        "images": [
            {"id": 10 + number, "file_name": f"{number}.png", "width": 60, "height": 40}
            for number in range(3)
        ],
        "categories": [{"id": 1, "name": "mass"}, {"id": 7, "name": "edema"}],
        "annotations": [
            {"id": 1, "image_id": 10, "category_id": 1, "bbox": [2, 3, 10, 20.5], "iscrowd": 0},
            {"id": 2, "image_id": 10, "category_id": 7, "bbox": [0, 0, 60, 40]},
            {"id": 3, "image_id": 11, "category_id": 1, "bbox": [5, 5, 5, 5]},
            {"id": 4, "image_id": 11, "category_id": 1, "bbox": [5, 5, 5, 5], "iscrowd": 1},
        ],
        **changes,
    }
    table = folder / "annotations.json"
    table.write_text(json.dumps(content))
    return table


def png_bytes(pixels: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(path: Path, images: int = 4) -> list[bytes]:
    """Write a file as data hubs do, with the names of classes in its metadata; return the images' bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    files = [png_bytes(rng.integers(0, 255, (12, 14), np.uint8)) for _ in range(images)]
    table = pa.table(
        {
            "image": [{"bytes": data, "path": f"scan {number}.png"} for number, data in enumerate(files)],
            "label": [number % 2 for number in range(images)],
            "who": [f"p{number // 2}" for number in range(images)],
        }
    )
    info = {"info": {"features": {"label": {"names": ["glioma", "none"], "_type": "ClassLabel"}}}}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return files
