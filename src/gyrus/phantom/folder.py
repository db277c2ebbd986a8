"""Write a cohort as a folder of images, as a data set would come."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from gyrus.data.manifest import Manifest, Row, write_manifest
from gyrus.errors import StorageError, UsageError
from gyrus.phantom.cohort import Phantom, generate
from gyrus.phantom.faults import Faults, Planned, plan_faults

SplitKind = Literal["subject", "slice"]
TEST_SHARE = 0.25
_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def write_cohort(
    folder: Path,
    phantom: Phantom,
    faults: Faults | None = None,
    split: SplitKind | None = None,
    *,
    anonymous: bool = False,
) -> Manifest:
    """Write the images, masks and manifest of a phantom.

    The folder holds ``CLASS/SUBJECT_SLICE.png``, ``masks/SUBJECT_SLICE.png`` (0 and 255; all 0 where there is
    no tumour), ``manifest.csv``. With faults, the manifest has the columns ``fault`` and ``fault_of``, the
    truth to test a finder against.

    Parameters
    ----------
    folder : Path
        Must be new or empty.
    phantom : Phantom
    faults : Faults, optional
        None: a sound cohort.
    split : {"subject", "slice"}, optional
        Put a quarter into ``test`` and the rest into ``train``: whole subjects, or slices at random as the
        leaking public sets have it. None: no split.
    anonymous : bool
        Write what public sets give: class folders (under ``Training`` and ``Testing`` with a split), files
        numbered in random order, no masks, no manifest file. The manifest returned still has the subjects in
        its fact column ``subject``.

    Returns
    -------
    Manifest

    Raises
    ------
    UsageError
        When the folder is not empty, or the faults do not fit the cohort.
    StorageError
        When writing fails.
    """
    faults = faults or Faults()
    planned = plan_faults(_plan(phantom, split), phantom, faults)
    names = _anonymous_names(planned, phantom.seed) if anonymous else [item.name for item in planned]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("is not empty", path=folder, fix="name a new folder for the phantom")
        rows = [
            _write_image(folder, item, name, number, faults, anonymous=anonymous)
            for number, (item, name) in enumerate(zip(planned, names, strict=True))
        ]
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"the phantom could not be written: {error.strerror}", path=folder) from error
    image_ids = {item.name: row.image_id for item, row in zip(planned, rows, strict=True)}
    manifest = Manifest(rows=tuple(_with_origin(row, image_ids) for row in rows), root=folder)
    if not anonymous:
        write_manifest(manifest, folder / "manifest.csv")
    return manifest


def _plan(phantom: Phantom, split: SplitKind | None) -> list[Planned]:
    """Draw the cohort and say where each image stands."""
    if split not in (None, "subject", "slice"):
        raise UsageError(f"split is {split!r}; expected 'subject', 'slice' or None")
    images = list(generate(phantom))
    rng = np.random.default_rng([phantom.seed, 0x5917])
    test: set[int] = set()
    if split == "subject":
        test = _test_subjects(phantom, rng)
        in_test = [int(image.subject_id[1:]) in test for image in images]
    else:
        test = set(rng.permutation(len(images))[: round(TEST_SHARE * len(images))].tolist())
        in_test = [number in test for number in range(len(images))]
    return [
        Planned(
            image=image,
            name=f"{image.subject_id}_{image.index}",
            label=image.label,
            subject_id=image.subject_id,
            split="" if split is None else "test" if tested else "train",
        )
        for image, tested in zip(images, in_test, strict=True)
    ]


def _test_subjects(phantom: Phantom, rng: np.random.Generator) -> set[int]:
    """Return a quarter of the subjects of each class (at least one)."""
    chosen: set[int] = set()
    for turn in range(len(phantom.classes)):
        of_class = np.arange(turn, phantom.subjects, len(phantom.classes))
        if len(of_class) > 1:
            chosen |= set(rng.permutation(of_class)[: max(1, round(TEST_SHARE * len(of_class)))].tolist())
    return chosen


def _anonymous_names(planned: list[Planned], seed: int) -> list[str]:
    order = np.random.default_rng([seed, 0xA707]).permutation(len(planned))
    return [f"image_{number:05d}" for number in order]


def _write_image(
    folder: Path, item: Planned, name: str, number: int, faults: Faults, *, anonymous: bool
) -> Row:
    """Write one image (and its mask) and return its row."""
    part = {"train": "Training", "test": "Testing"}.get(item.split, "") if anonymous else ""
    suffix = ".jpg" if item.fault == "reencoded_copy" else ".png"
    path = Path(part) / item.label / (name + suffix)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(_encode(item, number, faults))
    mask = ""
    if not anonymous:  # where nothing grows too: its mask says so
        mask = f"masks/{name}.png"
        (folder / "masks").mkdir(exist_ok=True)
        drawn = _moved(Image.fromarray(item.image.mask.astype(np.uint8) * 255), item.fault, number)
        drawn.save(folder / mask)
    facts = {"fault": item.fault, "fault_of": item.fault_of} if faults.any else {}
    row = Row(
        image_id=path.as_posix(),
        path=path.as_posix(),
        label=item.label,
        split=item.split,
        plane="axial",
        mask=mask,
        boxes="" if anonymous else _boxes(item, number),
        facts=facts,
    )
    if anonymous:
        return replace(row, facts={**facts, "subject": item.subject_id})
    return replace(row, subject_id=item.subject_id, subject_source="phantom")


def _with_origin(row: Row, image_ids: dict[str, str]) -> Row:
    """Name the original of a copy by its image_id."""
    origin = row.facts.get("fault_of", "")
    return replace(row, facts={**row.facts, "fault_of": image_ids[origin]}) if origin in image_ids else row


def _encode(item: Planned, number: int, faults: Faults) -> bytes:
    pixels = item.image.pixels
    if faults.border_class == item.image.label:
        pixels = pixels.copy()
        for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
            pixels[edge] = 230
    picture = _moved(Image.fromarray(pixels), item.fault, number)
    buffer = io.BytesIO()
    if item.fault == "reencoded_copy":
        picture.save(buffer, "JPEG", quality=85)
    elif item.fault == "pixel_copy":
        (picture.convert("RGB") if number % 2 else picture).save(buffer, "PNG", compress_level=9)
    else:
        picture.save(buffer, "PNG", compress_level=1)
    data = buffer.getvalue()
    return data[: len(data) // 2] if item.fault == "corrupt" else data


def _moved(picture: Image.Image, fault: str, number: int) -> Image.Image:
    if fault == "mirrored_copy":
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if fault == "rotated_copy":
        return picture.transpose(_TURNS[number % 3])
    return picture


def _boxes(item: Planned, number: int) -> str:
    """Return the boxes as the manifest writes them, moved with a mirrored or turned copy."""
    mask = np.asarray(_moved(Image.fromarray(item.image.mask.astype(np.uint8)), item.fault, number))
    if not mask.any():
        return ""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}"
