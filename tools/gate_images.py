"""Images to train and measure the input gate with: brain MRI, everything else; and what changes their look.

Not a program: ``tools/train_gate.py`` and ``benchmarks/gate.py`` use it.
"""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from gyrus.phantom import Phantom, generate
from gyrus.phantom.foreign import foreign_image
from gyrus.phantom.foreign_objects import darkened_rim

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
GENERATED = (
    "blank",
    "noise",
    "gradient",
    "text",
    "screenshot",
    "chart",
    "objects",
    "leaves",
    "strokes",
    "trunk",
    "organs",
    "fan",
    "cells",
    "grid",
)
Images = list[Image.Image]


def cheng() -> tuple[Images, np.ndarray, np.ndarray]:
    """Return its slices, their patients (repeat exams under one number), and their file numbers."""
    with (SHARED / "cheng" / "patients.csv").open() as file:
        rows = list(csv.DictReader(file))
    images = [_grey(SHARED / "cheng" / "images" / f"{row['file_number']}.jpg") for row in rows]
    return (
        images,
        np.array([row["patient_base_id"] for row in rows]),
        np.array([int(row["file_number"]) for row in rows]),
    )


def folds_of(patients: np.ndarray, count: int = 5, seed: int = 0) -> np.ndarray:
    """Return a fold per image; a patient's images share it."""
    names = np.unique(patients)
    drawn = np.random.default_rng(seed).permutation(len(names)) % count
    return drawn[np.searchsorted(names, patients)]


def folder(name: str, limit: int | None = None, *, rgb: bool = False) -> tuple[Images, list[Path]]:
    """Return the images of a shared folder, or ``limit`` of them drawn evenly; and their paths."""
    paths = sorted(
        path for path in (SHARED / name).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    if limit is not None and limit < len(paths):
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, limit).astype(int)]
    return [Image.open(path).convert("RGB") if rgb else _grey(path) for path in paths], paths


def mnist(limit: int, split: str = "train") -> Images:
    """Return the first ``limit`` digits, white on black as they lie there."""
    with gzip.open(SHARED / "mnist" / f"{split}-images-idx3-ubyte.gz") as file:
        data = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    return [Image.fromarray(digit) for digit in data[:limit]]


def generated(kind: str, count: int, seed: int) -> Images:
    """Return drawn images of a kind of :data:`gyrus.phantom.foreign.FOREIGN`."""
    return [Image.fromarray(foreign_image(kind, seed, number)).convert("L") for number in range(count)]


def phantom(subjects: int, seed: int) -> Images:
    """Return one slice of each synthetic subject."""
    cohort = Phantom(subjects=subjects, slices_per_subject=1, image_size=144, seed=seed)
    return [Image.fromarray(item.pixels) for item in generate(cohort)]


def _grey(path: Path) -> Image.Image:
    image = Image.open(path)
    return image if image.mode == "L" else image.convert("RGB").convert("L")


def changed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change an image's look as other scanners, viewers and collectors do; what it shows stays what it is."""
    steps: list[tuple[float, Callable]] = [
        (0.6, _recontrasted), (0.7, _moved), (0.1, _stripped), (0.2, _cropped), (0.1, _lifted),
        (0.15, _labelled), (0.1, _on_frame), (0.25, _blurred), (0.3, _noisy), (0.3, _flipped),
    ]  # fmt: skip
    for chance, step in steps:
        if rng.random() < chance:
            image = step(image, rng)
    return image


def _recontrasted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Map the grey values by a drawn curve: black stays black, tissues may change places."""
    if rng.random() < 0.35:
        curve = 255.0 * (np.arange(256) / 255.0) ** rng.uniform(0.5, 1.8)
    else:
        knots = np.sort(rng.uniform(20, 255, 4))
        heights = rng.uniform(30, 255, 5)
        if rng.random() < 0.4:
            heights = np.sort(heights)
        curve = np.interp(np.arange(256), [0, *knots, 256], [0, *heights])
    return image.point(np.clip(curve * rng.uniform(0.6, 1.0), 0, 255).astype(np.uint8).tolist())


def _moved(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Scale, stretch, turn and shift; what comes in from outside is black."""
    width, height = image.size
    scale, stretch = np.exp(rng.normal(0, 0.13)), np.exp(rng.normal(0, 0.13))
    angle = np.deg2rad(rng.normal(0, 8.0))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn / scale @ np.diag([stretch, 1.0 / stretch])
    middle = np.array([width, height]) / 2
    shift = middle - matrix @ (middle + rng.normal(0, 0.04, 2) * (width, height))
    data = (*matrix[0].tolist(), float(shift[0]), *matrix[1].tolist(), float(shift[1]))
    return image.transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)


def _cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut tightly around what is bright, as collectors do."""
    bright = np.asarray(image) > np.asarray(image).max() // 6
    rows, columns = np.flatnonzero(bright.mean(1) > 0.02), np.flatnonzero(bright.mean(0) > 0.02)
    if len(rows) < 16 or len(columns) < 16:
        return image
    pad = rng.uniform(-0.03, 0.06, 4) * np.tile(image.size, 2)
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) + pad * (-1, -1, 1, 1)
    return image.crop([round(value) for value in box.tolist()])


def _stripped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Take away the outer layer of what is bright, as programs do that keep the brain alone."""
    small = image.resize((96, 96), Image.Resampling.BILINEAR)
    outline = np.asarray(small.filter(ImageFilter.BoxBlur(2))) > max(12, np.asarray(small).max() // 8)
    rows = np.maximum.accumulate(outline, 1) & np.maximum.accumulate(outline[:, ::-1], 1)[:, ::-1]
    kept = Image.fromarray((rows * 255).astype(np.uint8)).filter(
        ImageFilter.MinFilter(int(rng.choice([7, 11, 15])))
    )
    mask = np.asarray(kept.filter(ImageFilter.GaussianBlur(1)).resize(image.size, Image.Resampling.BILINEAR))
    return Image.fromarray((np.asarray(image) * (mask / 255.0)).astype(np.uint8))


def _lifted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Make black a dark grey, as screenshots and old prints do."""
    floor = rng.uniform(5, 60)
    return image.point((floor + np.arange(256) * (255 - floor) / 255).astype(np.uint8).tolist())


def _labelled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Write on it: a name, a side, a scale."""
    image = image.copy()
    draw, size = ImageDraw.Draw(image), max(7, int(image.height * rng.uniform(0.04, 0.12)))
    for _ in range(int(rng.integers(1, 6))):
        at = rng.uniform(0, 0.9, 2) * image.size
        at[int(rng.integers(2))] *= rng.choice([0.05, 1.0])
        words = "".join(rng.choice(list("ABCRLT1 234:mm"), int(rng.integers(1, 14))).tolist())
        draw.text(
            at.tolist(), words, fill=int(rng.integers(120, 256)), font=ImageFont.load_default(size=size)
        )
    return image


def _on_frame(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Set it on a frame, mostly black."""
    grow = rng.uniform(0.0, 0.25, 4) * np.tile(image.size, 2)
    left, top, right, bottom = grow.astype(int).tolist()
    frame = Image.new(
        "L", (image.width + left + right, image.height + top + bottom), int(rng.choice([0, 0, 0, 255]))
    )
    frame.paste(image, (left, top))
    return frame


def _blurred(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.015 * max(image.size) + 0.3)))


def _noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    return Image.fromarray(
        np.clip(values + rng.normal(0, rng.uniform(2, 18), values.shape), 0, 255).astype(np.uint8)
    )


def _flipped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    turns = [
        Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180,
        Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270,
    ]  # fmt: skip
    return image.transpose(turns[int(rng.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1]))])


def disguised(image: Image.Image, head: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Give something foreign a head's outline, or a dark rim: what is black around tells nothing then."""
    if rng.random() < 0.35:
        return darkened_rim(rng, image)
    size = head.size
    outline = np.asarray(head.filter(ImageFilter.BoxBlur(4))) > 20
    filled = np.maximum.accumulate(outline, 1) & np.maximum.accumulate(outline[:, ::-1], 1)[:, ::-1]
    content = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    return Image.fromarray(np.where(filled, content, 0).astype(np.uint8))


def shuffled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut into tiles and lay them anew: a head's grey values and edges, and no head."""
    count = int(rng.integers(3, 7))
    side = 24 * count
    tiles = (
        np.asarray(image.resize((side, side)))
        .reshape(count, 24, count, 24)
        .swapaxes(1, 2)
        .reshape(-1, 24, 24)
    )
    order = rng.permutation(len(tiles))
    laid = tiles[order].reshape(count, count, 24, 24).swapaxes(1, 2).reshape(side, side)
    return Image.fromarray(np.ascontiguousarray(laid))
