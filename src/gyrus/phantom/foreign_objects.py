"""Things on a dark ground that are no head: balls, rings, limbs, and heaps of shapes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Box = tuple[float, float, float, float]


def draw_objects(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """One to six round or edged things on black: plain, shaded like a ball, ringed, or textured."""
    image = Image.new("L", (width, height), int(rng.integers(0, 20)))
    for _ in range(int(rng.integers(1, 7)) if rng.random() < 0.5 else 1):
        middle = rng.uniform(0.3, 0.7, 2) * (width, height)
        half = rng.uniform(0.06, 0.5, 2) * (width, height)
        box = (*(middle - half).tolist(), *(middle + half).tolist())
        mask = Image.new("L", (width, height), 0)
        _outline(ImageDraw.Draw(mask), rng, box)
        image.paste(_filling(rng, height, width, middle, half), mask=mask)
    return image.filter(ImageFilter.GaussianBlur(float(rng.choice([0.0, 0.8, 2.0]))))


def _outline(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: Box) -> None:
    style = rng.integers(5)
    if style <= 1:
        draw.ellipse(box, fill=255)
    elif style == 2:
        draw.ellipse(box, outline=255, width=int(rng.integers(2, 24)))
    elif style == 3:
        draw.rectangle(box, fill=255)
    else:
        left, top, right, bottom = box
        corners = rng.uniform(0, 1, (int(rng.integers(3, 8)), 2)) * (right - left, bottom - top) + (left, top)
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=255)


def _filling(
    rng: np.random.Generator,
    height: int,
    width: int,
    middle: npt.NDArray[np.float64],
    half: npt.NDArray[np.float64],
) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    style, level = rng.integers(4), rng.uniform(60, 255)
    if style == 0:
        values = np.full((height, width), level)
    elif style == 1:  # a lit ball
        far = ((x - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2
        values = level * np.sqrt(np.clip(1.0 - far * rng.uniform(0.5, 1.0), 0.0, 1.0))
    elif style == 2:
        values = level + rng.normal(0, rng.uniform(5, 60), (height, width))
    else:
        values = level * (0.5 + 0.5 * np.sin((x * rng.normal() + y * rng.normal()) * rng.uniform(0.05, 0.6)))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def draw_leaves(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Shapes of all sizes that hide one another, as things in photos do; now and then darkened at the rim."""
    image = Image.new("L", (width, height), int(rng.integers(0, 256)))
    draw = ImageDraw.Draw(image)
    side = min(height, width)
    for radius in np.sort(side * 0.5 * rng.pareto(1.5, int(rng.integers(15, 160))).clip(0.03, 1.0))[::-1]:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        stretch, shade = rng.uniform(0.4, 1.6), int(rng.integers(0, 256))
        box = (x - radius, y - radius * stretch, x + radius, y + radius * stretch)
        (draw.ellipse if rng.random() < 0.6 else draw.rectangle)(box, fill=shade)
    if rng.random() < 0.5:  # light from a side, and a grain
        rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = 1.0 + rng.uniform(0, 0.7) * (rows * rng.normal() + columns * rng.normal())
        values = np.asarray(image) * light + rng.normal(0, rng.uniform(0, 25), (height, width))
        image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.choice([0.0, 1.0, 3.0]))))
    return image if rng.random() < 0.6 else darkened_rim(rng, image)


def draw_strokes(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """One to five curves of a thick pen, as in signs, scribbles and sketches."""
    paper, ink = int(rng.integers(0, 40)), int(rng.integers(140, 256))
    image = Image.new("L", (width, height), paper)
    draw, thick = ImageDraw.Draw(image), int(rng.uniform(0.02, 0.14) * min(height, width)) + 1
    for _ in range(int(rng.integers(1, 6))):
        corners = rng.uniform(0.1, 0.9, (4, 2)) * (width, height)
        t = np.linspace(0, 1, 40)[:, None]
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3  # Bezier, of degree 3
        curve = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
        for x, y in np.asarray(curve).tolist():
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=ink)
    image = image.filter(ImageFilter.GaussianBlur(float(rng.choice([0.0, 1.0, 0.03 * min(height, width)]))))
    return image if rng.random() < 0.75 else image.point([255 - value for value in range(256)])


def darkened_rim(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Darken an image towards its rim, as a lens or an endoscope does."""
    pixels = np.asarray(image.convert("L"), dtype=np.float64)
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j]
    far = np.hypot(x / rng.uniform(0.7, 1.1), y / rng.uniform(0.7, 1.1))
    edge = 1.0 / (1.0 + np.exp((far - rng.uniform(0.7, 1.0)) * rng.uniform(4.0, 40.0)))
    return Image.fromarray((pixels * edge).astype(np.uint8))


def draw_trunk(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A coarse X-ray of a body part: a bright trunk with two dark fields and stripes, a joint, or a limb."""
    image = Image.new("L", (width, height), int(rng.integers(0, 60)))
    draw = ImageDraw.Draw(image)
    (_chest if rng.random() < 0.6 else _joint)(draw, rng, height, width)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.03) * min(height, width)))
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(0, 8), (height, width))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _chest(draw: ImageDraw.ImageDraw, rng: np.random.Generator, height: int, width: int) -> None:
    body, field = int(rng.integers(120, 220)), int(rng.integers(10, 100))
    draw.rounded_rectangle(
        (
            rng.uniform(-0.1, 0.1) * width,
            rng.uniform(-0.1, 0.15) * height,
            width * rng.uniform(0.9, 1.1),
            height * 1.1,
        ),
        radius=0.2 * width,
        fill=body,
    )
    top, bottom = rng.uniform(0.08, 0.2) * height, rng.uniform(0.65, 0.9) * height
    for left, right in ((0.12, 0.45), (0.55, 0.88)):
        shift = rng.uniform(-0.04, 0.04, 2)
        draw.ellipse(((left + shift[0]) * width, top, (right + shift[1]) * width, bottom), fill=field)
    for y in np.linspace(top, bottom, int(rng.integers(5, 10))):
        box = (0.08 * width, y, 0.92 * width, y + rng.uniform(0.15, 0.3) * height)
        draw.arc(box, 180, 360, fill=int((body + field) / 2), width=max(1, int(0.015 * height)))
    draw.rectangle((0.47 * width, 0, 0.53 * width, height), fill=min(255, body + 30))
    draw.ellipse((0.42 * width, 0.45 * height, 0.72 * width, 0.8 * height), fill=body)


def _joint(draw: ImageDraw.ImageDraw, rng: np.random.Generator, height: int, width: int) -> None:
    flesh, bone = int(rng.integers(40, 120)), int(rng.integers(140, 250))
    for count, reach, shade in ((1, rng.uniform(0.28, 0.48), flesh), (int(rng.integers(1, 5)), 0.12, bone)):
        for number in range(count):
            middle = width * (number + 1) / (count + 1)
            half = reach * width / max(1.0, count / 1.5)
            draw.rectangle((middle - half, 0, middle + half, height), fill=shade)
            if shade == bone:
                gap = height * rng.uniform(0.4, 0.6)
                draw.rectangle((middle - half, gap, middle + half, gap + 0.03 * height), fill=flesh)
                box = (middle - 1.6 * half, gap - 0.15 * height, middle + 1.6 * half, gap)
                draw.ellipse(box, fill=shade)
