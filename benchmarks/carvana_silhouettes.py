"""Claim: on silhouettes of known truth in Carvana's layout, one line reaches a mean IoU over 0.97.

    python benchmarks/carvana_silhouettes.py --out benchmarks/results/DATE_carvana_silhouettes

Drawn are cars before a grey studio, some nearly of its colour, with shadows that are no car:
``train/CAR_ANGLE.jpg`` and ``train_masks/CAR_ANGLE_mask.gif``. The line is what anybody would type for the
real set; the cars of the test set are others than those of the training, and the figures are those of the
bundle on the raw files. Some minutes on two cores.

For the real set (``gyrus import FOLDER --download carvana`` says where it is), its two folders in one::

    gyrus train carvana --task segment --mask-name car --color rgb --augmentation natural \\
        --image-size 512 --test
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
from keeping import PROJECT, QUIET, WORK, default_folder, machine
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 288, 192
TARGET = 0.97
FINE = 4  # drawn so many times larger for the picture, whose borders are smooth


def main() -> None:
    """Draw, train, measure, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("carvana_silhouettes"))
    parser.add_argument("--cars", type=int, default=48)
    parser.add_argument("--angles", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    os.environ.update(QUIET)
    place = WORK / "carvana_silhouettes"
    shutil.rmtree(place, ignore_errors=True)
    draw_set(place / "data", arguments.cars, arguments.angles)
    options = {
        "task": "segment", "mask_name": "car", "color": "rgb", "augmentation": "natural",
        "image_size": arguments.image_size, "epochs": arguments.epochs, "batch_size": 8, "test": True,
    }  # fmt: skip
    import gyrus
    from gyrus.runs.atomic import write_json

    done = gyrus.train(place / "data", out=place / "run", **options)
    tested = done.evaluations["test"]
    iou = tested["mean"]["iou"]
    result = {
        "claim": __doc__.splitlines()[0], "machine": machine(), "options": options,
        "images": arguments.cars * arguments.angles, "cars": arguments.cars,
        "test": {"images": tested["n_images"], "cars": tested["n_subjects"], **tested["mean"]},
        "seconds": done.seconds, "holds": iou["value"] > TARGET,
    }  # fmt: skip
    write_json(arguments.out / "result.json", result)
    (arguments.out / "README.md").write_text(readme(result), encoding="utf-8")
    shutil.copy(done.run.report, place / "report.html")
    print(json.dumps(result["test"], indent=1, default=str))
    print(f"mean IoU {iou['value']:.4f} on {tested['n_subjects']} unseen cars: {result['holds']=}")


def readme(result: dict) -> str:
    """Return the page for people."""
    tested, told = result["test"], result["machine"]
    packages = ", ".join(f"{name} {told['packages'][name]}" for name in ("gyrus", "torch", "onnxruntime"))
    flags = " ".join(f"{name}={value}" for name, value in result["options"].items())
    lines = [
        "# Silhouettes in Carvana's layout", "",
        "```", "python benchmarks/carvana_silhouettes.py", "```", "",
        f"{told['processor']}, {told['cores']} cores; Python {told['python']}, {packages}. "
        f"{result['images']} drawn pictures of {result['cars']} cars, {WIDTH} x {HEIGHT} px; `{flags}`. "
        "The bundle's masks of "
        f"{tested['images']} pictures of {tested['cars']} cars that it has not seen:", "",
        *(f"- {name}: {told_share(tested[key])}" for key, name in
          (("iou", "mean IoU"), ("dice", "mean Dice"), ("surface_dice", "borders within 2 px"))), "",
        f"Asked: mean IoU over {100 * TARGET:.0f} %. Intervals: 95 %, over cars.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def told_share(figure: dict) -> str:
    """Return ``97.6 % (96.9 to 98.1)``."""
    return f"{100 * figure['value']:.1f} % ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def draw_set(folder: Path, cars: int, angles: int) -> None:
    """Write ``train/`` and ``train_masks/``."""
    for name in ("train", "train_masks"):
        (folder / name).mkdir(parents=True)
    for car in range(cars):
        rng = np.random.default_rng([2017, car])
        name = "".join(rng.choice(list("0123456789abcdef"), 12))
        body = rng.integers(30, 240, 3)
        if car % 4 == 0:  # nearly the studio's grey
            body = np.full(3, rng.integers(150, 190)) + rng.integers(-8, 8, 3)
        shape = rng.uniform(0.8, 1.2, 6)
        for angle in range(angles):
            picture, mask = draw_car(rng, body, shape, angle / angles)
            picture.save(folder / "train" / f"{name}_{angle + 1:02d}.jpg", quality=92)
            mask.save(folder / "train_masks" / f"{name}_{angle + 1:02d}_mask.gif")


def draw_car(
    rng: np.random.Generator, body: np.ndarray, shape: np.ndarray, turn: float
) -> tuple[Image.Image, Image.Image]:
    """Return a picture and its mask (0 and 255); ``turn`` makes the car shorter, as seen from its end."""
    large = (WIDTH * FINE, HEIGHT * FINE)
    across = np.linspace(0, 1, large[0])[None, :]
    down = np.linspace(0, 1, large[1])[:, None]
    wall = 165 + 25 * down + 12 * np.sin(3 * across + rng.uniform(0, 6))
    floor = down > 0.72
    studio = np.repeat(np.where(floor, wall - 30, wall)[:, :, None], 3, axis=2)
    studio += rng.normal(0, 3, studio.shape)
    picture = Image.fromarray(studio.clip(0, 255).astype(np.uint8))
    length = WIDTH * FINE * (0.30 + 0.34 * abs(np.cos(np.pi * turn))) * shape[0]
    middle, ground = large[0] * rng.uniform(0.45, 0.55), large[1] * rng.uniform(0.76, 0.80)
    height, wheel = large[1] * 0.20 * shape[1], large[1] * 0.075 * shape[2]
    left, right = middle - length / 2, middle + length / 2
    shadow = Image.new("L", large, 0)
    ImageDraw.Draw(shadow).ellipse(
        (left - length * 0.06, ground - wheel * 0.5, right + length * 0.1, ground + wheel * 0.9), fill=110
    )
    picture.paste((70, 70, 75), mask=shadow.filter(ImageFilter.GaussianBlur(float(wheel * 0.35))))
    mask = Image.new("L", large, 0)
    top = ground - wheel - height
    cabin = (length * 0.22 * shape[3], length * 0.18 * shape[4], height * 0.85 * shape[5])
    outline = [
        (left, ground - wheel * 0.7), (left, top + height * 0.45), (left + length * 0.12, top + height * 0.1),
        (left + cabin[0], top), (left + cabin[0] + length * 0.1, top - cabin[2]),
        (right - cabin[1] - length * 0.12, top - cabin[2]), (right - cabin[1], top),
        (right, top + height * 0.4), (right, ground - wheel * 0.7),
    ]  # fmt: skip
    wheels = [(left + length * 0.2, ground - wheel), (right - length * 0.2, ground - wheel)]
    for target, colours in (
        (picture, (tuple(map(int, body)), (25, 25, 28), (90, 110, 125))),
        (mask, (255, 255, 255)),
    ):
        pen = ImageDraw.Draw(target)
        pen.polygon(outline, fill=colours[0])
        for x, y in wheels:
            pen.ellipse((x - wheel, y - wheel, x + wheel, y + wheel), fill=colours[1])
        inner = [(x + (middle - x) * 0.25, y + height * 0.06) for x, y in outline[3:7]]
        pen.polygon(inner, fill=colours[2])
    size = (WIDTH, HEIGHT)
    small = np.asarray(mask.resize(size, Image.Resampling.BOX)) >= 128
    return picture.resize(size, Image.Resampling.LANCZOS), Image.fromarray(small.astype(np.uint8) * 255)


if __name__ == "__main__":
    main()
