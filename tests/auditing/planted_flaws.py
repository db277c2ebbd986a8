"""A sound folder of images, and the flaws that can be put into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from scan_files import dicom_bytes

CLASSES = ("glioma", "meningioma", "no_tumor")


def brain(seed: int, side: int = 96) -> npt.NDArray[np.uint8]:
    """Return a textured ellipse on black."""
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    texture = np.random.default_rng(seed).normal(110, 25, (side, side)).clip(20, 250)
    return np.where((rows / 0.8) ** 2 + (columns / 0.7) ** 2 < 1, texture, 0).astype(np.uint8)


def sound_folder(root: Path, per_class: int = 5) -> Path:
    """Write Training and Testing with three classes of plain images, all of them sound."""
    seed = 0
    for split in ("Training", "Testing"):
        for label in CLASSES:
            (root / split / label).mkdir(parents=True)
            for _ in range(per_class):
                seed += 1
                Image.fromarray(brain(seed)).save(root / split / label / f"im{seed}.png")
    return root


@dataclass(frozen=True)
class Plant:
    """A flaw: how it is put into a sound folder, what is found, and whether --fix leaves it out."""

    kind: str
    put: Callable[[Path], None]
    files: tuple[str, ...]
    left_out: bool = False


A = "Training/glioma"
FIRST = f"{A}/im1.png"


def altered(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def put(root: Path) -> None:
        (root / FIRST).write_bytes(change((root / FIRST).read_bytes()))

    return put


def stored(name: str, pixels: Callable[[], npt.NDArray[Any]], mode: str | None = None, **how: Any):
    def put(root: Path) -> None:
        picture = Image.fromarray(pixels())
        (picture.convert(mode) if mode else picture).save(root / name, **how)

    return put


def file(name: str, data: bytes = b"x") -> Callable[[Path], None]:
    def put(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    return put


def framed() -> npt.NDArray[np.uint8]:
    pixels = brain(900)
    for edge in (np.s_[:7], np.s_[-7:], np.s_[:, :7], np.s_[:, -7:]):
        pixels[edge] = 252
    return pixels


def one_side() -> npt.NDArray[np.uint8]:
    pixels = brain(901)
    pixels[:, -5:] = 255
    return pixels


def banner() -> npt.NDArray[np.uint8]:
    pixels = np.repeat(brain(902)[:, :, np.newaxis], 3, axis=2)
    pixels[:8] = (20, 60, 170)
    return pixels


def see_through() -> npt.NDArray[np.uint8]:
    grey = brain(903)
    return np.dstack([grey, grey, grey, np.where(grey > 0, 255, 0).astype(np.uint8)])


def deep() -> npt.NDArray[np.uint16]:
    return brain(904).astype(np.uint16) * 30


def turned_white() -> npt.NDArray[np.uint8]:
    return np.minimum(deep(), 255).astype(np.uint8)


def remove_class(root: Path) -> None:
    for path in (root / "Testing" / "no_tumor").iterdir():
        path.unlink()
    (root / "Testing" / "no_tumor").rmdir()


def circle(root: Path) -> None:
    (root / A / "again").symlink_to(root / "Training", target_is_directory=True)


PLANTS = (
    Plant("truncated", altered(lambda data: data[: len(data) // 2]), (FIRST,), True),
    Plant("corrupt", altered(lambda data: data[:100] + bytes(60) + data[160:]), (FIRST,), True),
    Plant("empty", altered(lambda data: b""), (FIRST,), True),
    Plant("not_an_image", altered(lambda data: b"<html>404</html>"), (FIRST,), True),
    Plant("not_an_image", file(f"{A}/scan.jpg", b"\0" * 128 + b"DICM" + b"\0" * 9), (f"{A}/scan.jpg",), True),
    Plant("wrong_ending", stored(f"{A}/p.jpg", lambda: brain(910), format="PNG"), (f"{A}/p.jpg",)),
    Plant("no_image_ending", stored(f"{A}/slice.dat", lambda: brain(911), format="PNG"), (f"{A}/slice.dat",)),
    Plant("no_image_ending", stored(f"{A}/slice7", lambda: brain(912), format="JPEG"), (f"{A}/slice7",)),
    Plant("sixteen_bit", stored(f"{A}/deep.png", deep), (f"{A}/deep.png",)),
    Plant("turned_white", stored(f"{A}/cut.png", turned_white), (f"{A}/cut.png",), True),
    Plant("transparent", stored(f"{A}/rgba.png", see_through), (f"{A}/rgba.png",)),
    Plant("cmyk", stored(f"{A}/print.jpg", lambda: brain(913), "CMYK"), (f"{A}/print.jpg",)),
    Plant("blank", stored(f"{A}/black.png", lambda: np.zeros((90, 90), np.uint8)), (f"{A}/black.png",), True),
    Plant("blank", stored(f"{A}/grey.jpg", lambda: np.full((9, 8), 130, np.uint8)), (f"{A}/grey.jpg",), True),
    Plant("duplicate_name", stored("Training/no_tumor/im1.png", lambda: brain(914)),
          (FIRST, "Training/no_tumor/im1.png")),
    Plant("duplicate_name", stored(f"{A}/im1.bmp", lambda: brain(915)), (f"{A}/im1.bmp", FIRST)),
    Plant("name_clash", stored(f"{A}/IM1.png", lambda: brain(916)), (f"{A}/IM1.png", FIRST)),
    Plant("class_spelling", stored("Training/No Tumor/k.png", lambda: brain(917)), ("No Tumor",)),
    Plant("class_variant", stored("Training/menigioma/k.png", lambda: brain(918)),
          ("menigioma", "meningioma")),
    Plant("class_in_one_split", remove_class, ("no_tumor",)),
    Plant("empty_class", lambda root: (root / "Training" / "pituitary").mkdir(), ("Training/pituitary",)),
    Plant("empty_class", file("Training/pituitary/.DS_Store"), ("Training/pituitary",)),
    Plant("empty_class", file("Training/pituitary/list.txt"), ("Training/pituitary",)),
    Plant("system_file", file(f"{A}/.DS_Store"), (f"{A}/.DS_Store",)),
    Plant("system_file", file(f"{A}/Thumbs.db"), (f"{A}/Thumbs.db",)),
    Plant("system_file", file(f"{A}/._im1.png"), (f"{A}/._im1.png",)),
    Plant("hidden_file", file(f"{A}/.secret.png"), (f"{A}/.secret.png",)),
    Plant("white_border", stored(f"{A}/framed.png", framed), (f"{A}/framed.png",)),
    Plant("white_border", stored(f"{A}/side.jpg", one_side), (f"{A}/side.jpg",)),
    Plant("burnt_in", file(f"{A}/b.dcm", dicom_bytes(brain(924), BurnedInAnnotation="YES")), (f"{A}/b.dcm",)),
    Plant("mosaic", file(f"{A}/m.dcm", dicom_bytes(brain(925), ImageType=["ORIGINAL", "MOSAIC"])),
          (f"{A}/m.dcm",)),
    Plant("screenshot", stored(f"{A}/Screenshot 2024-01-05 at 10.11.12.png", lambda: brain(919)),
          (f"{A}/Screenshot 2024-01-05 at 10.11.12.png",)),
    Plant("screenshot", stored(f"{A}/Bildschirmfoto.png", lambda: brain(920)), (f"{A}/Bildschirmfoto.png",)),
    Plant("screenshot", stored(f"{A}/s.png", lambda: np.resize(brain(921), (720, 1280))), (f"{A}/s.png",)),
    Plant("screenshot", stored(f"{A}/web.png", banner), (f"{A}/web.png",)),
    Plant("out_of_place", stored("Training/loose.png", lambda: brain(922)), ("Training/loose.png",)),
    Plant("out_of_place", stored("cover.png", lambda: brain(923)), ("cover.png",)),
    Plant("link_loop", circle, (f"{A}/again",)),
)  # fmt: skip


def mkdirs(root: Path, plant: Plant) -> None:
    for name in plant.files:
        if "/" in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
    for name in ("Training/No Tumor", "Training/menigioma"):
        if plant.kind in ("class_spelling", "class_variant") and name.endswith(plant.files[0]):
            (root / name).mkdir(parents=True, exist_ok=True)
