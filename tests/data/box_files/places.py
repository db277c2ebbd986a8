"""Small files of boxes, for tests."""

import json

import numpy as np
from PIL import Image

SIDE = 64
TRUTH = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": SIDE, "height": SIDE, "subject_id": "P1"},
        {"id": 2, "file_name": "b.png", "width": SIDE, "height": SIDE, "subject_id": "P1"},
        {"id": 3, "file_name": "c.png", "width": SIDE, "height": SIDE, "subject_id": "P2"},
    ],
    "annotations": [
        {"image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 10]},
        {"image_id": 2, "category_id": 8, "bbox": [5, 5, 10, 10], "iscrowd": 0},
        {"image_id": 2, "category_id": 8, "bbox": [30, 30, 10, 10]},
    ],
    "categories": [{"id": 7, "name": "glioma"}, {"id": 8, "name": "meningioma"}],
}
RESULTS = [
    {"image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 10], "score": 0.9},
    {"image_id": 2, "category_id": 8, "bbox": [5, 5, 10, 12], "score": 0.8},
    {"image_id": 3, "category_id": 8, "bbox": [5, 5, 10, 12], "score": 0.7},
]
CORNERS = [(10, 10, 30, 20), (5, 5, 15, 15), (30, 30, 40, 40)]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def write_images(folder, names=("a", "b", "c")):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in names:
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def write_masks(folder, values=255):
    """Write the masks of the truth above; b's second lesion touches nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {"a": CORNERS[:1], "b": CORNERS[1:], "c": []}
    for name, corners in boxes.items():
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for x0, y0, x1, y1 in corners:
            mask[y0:y1, x0:x1] = values
        Image.fromarray(mask).save(folder / f"{name}.png")
    return folder
