"""What is wrong with a file: each kind of damage is told from the others."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gyrus.errors import ImageError
from gyrus.imaging import Limits, decode
from gyrus.imaging.damage import damage_of, image_format
from scan_files import dicom_bytes, ramp, write_nifti

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")


def stored(kind: str, seed: int = 0, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "image.png"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sound_file(kind: str, file: Path) -> None:
    file.write_bytes(stored(kind))
    assert damage_of(file) is None
    assert image_format(file.read_bytes()[:16]) == kind


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_file_without_its_end(kind: str, share: float, file: Path) -> None:
    data = stored(kind)
    file.write_bytes(data[: int(share * len(data))])
    assert damage_of(file) == "truncated"


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_in_strips_without_its_end(compression: str, file: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (300, 400), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", compression=compression, tiffinfo={278: 16})
    data = buffer.getvalue()
    for share in (0.01, 0.4, 0.8):
        file.write_bytes(data[: int(share * len(data))])
        assert damage_of(file) == "truncated"


def test_a_progressive_jpeg_with_a_thumbnail_without_its_end(file: Path) -> None:
    thumbnail = stored("JPEG", 1)
    exif = Image.Exif()
    exif[0x927C] = thumbnail  # its marks of scan and end stand in the header
    data = stored("JPEG", exif=exif, progressive=True)
    assert data.count(b"\xff\xd9") >= 2
    file.write_bytes(data[: data.rfind(b"\xff\xda") + 40])
    assert damage_of(file) == "truncated"


def test_altered_bytes(file: Path) -> None:
    data = bytearray(stored("PNG"))
    data[60:80] = bytes(20)
    file.write_bytes(bytes(data))
    assert damage_of(file) == "corrupt"
    file.write_bytes(stored("JPEG")[:4] + b"\0" * 300 + b"\xff\xda\xff\xd9")
    assert damage_of(file) == "corrupt"


@pytest.mark.parametrize(
    "data", [b"<html>no access</html>", b"GIF89a" + b"\0" * 40, b"\0" * 100, b"BMI,age\n22,41\n", b"%PDF-1.7"]
)
def test_another_kind_of_file(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    assert damage_of(file) == "not_an_image"
    assert image_format(data) == ""


def test_no_bytes_no_file_no_regular_file(file: Path, tmp_path: Path) -> None:
    assert damage_of(file) == "missing"
    file.write_bytes(b"")
    assert damage_of(file) == "empty"
    (tmp_path / "folder.png").mkdir()
    assert damage_of(tmp_path / "folder.png") == "unreadable"
    os.mkfifo(tmp_path / "pipe.png")
    assert damage_of(tmp_path / "pipe.png") == "unreadable"


def test_outside_the_limits(file: Path) -> None:
    file.write_bytes(stored("PNG"))
    assert damage_of(file, limits=Limits(max_pixels=100)) == "too_large"
    assert damage_of(file, limits=Limits(max_file_bytes=100)) == "too_large"


@pytest.mark.parametrize("kind", FORMATS)
def test_any_damage_has_a_name(kind: str, file: Path) -> None:
    """Bytes flipped at random: whatever the decoder refuses is named, whatever it takes is sound."""
    data = stored(kind)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        altered = bytearray(data)
        for place in rng.integers(0, len(data), 6).tolist():
            altered[place] = int(rng.integers(0, 256))
        file.write_bytes(bytes(altered[: int(rng.integers(1, len(data) + 1))]))
        try:
            decode(file.read_bytes(), name="x")
        except ImageError:
            assert damage_of(file) in ("truncated", "corrupt", "not_an_image", "too_large")
        else:
            assert damage_of(file) is None


def test_damage_of_scans(tmp_path: Path) -> None:
    sound = dicom_bytes(ramp())
    volume = write_nifti(tmp_path / "a.nii", ramp()[:, :, None]).read_bytes()
    assert image_format(sound[:352]) == "DICOM"
    assert image_format(volume[:352]) == "NIFTI"
    cases = {
        "sound": (sound, None),
        "cut": (sound[:-30], "truncated"),
        "report": (dicom_bytes(ramp(), PixelData=None), "not_an_image"),
        "volume": (volume, None),
        "cut-volume": (volume[:-30], "truncated"),
        "program": (b"MZ" + sound[2:], "corrupt"),
        "gzip": (gzip.compress(b"text" * 200), "not_an_image"),
    }
    for name, (data, damage) in cases.items():
        path = tmp_path / f"{name}.bin"
        path.write_bytes(data)
        assert damage_of(path) == damage, name
