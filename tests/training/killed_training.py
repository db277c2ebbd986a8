"""A small training in a process of its own, to be killed.

It is forked from a server that has imported torch and gyrus already: a real process, there in a moment.
"""

import os
import signal
from pathlib import Path

import numpy as np
import torch

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import GyrusError
from gyrus.models import build
from gyrus.runs import RunFolder
from gyrus.training import fit

CLASSES = ("low", "middle", "top")
IMAGES, TRAIN, SIDE = 42, 33, 16


class Arrays:
    """Pixels in memory, with the face of a pixel cache: the class is the height of a bright bar."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.pixels = rng.integers(0, 60, (IMAGES, SIDE, SIDE, 1)).astype(np.uint8)
        for number, image in enumerate(self.pixels):
            top = 1 + 5 * (number % 3)
            image[top : top + 4, 4:12] += 150

    def rows_of(self, image_ids):
        return np.array([int(image_id) for image_id in image_ids], dtype=np.int64)


def write_weights(path):
    """Write starting weights, for recipes that freeze."""
    torch.manual_seed(5)
    torch.save(build("improved_cnn", num_classes=3, image_size=SIDE).state_dict(), path)


def run_training(folder, options, kill_at_write=None, end_after=None):
    """Train, and end with the exit code that the command line would.

    Parameters
    ----------
    folder : Path
        Of the run; it goes on where it holds one.
    options : dict
        Of the training.
    kill_at_write : int, optional
        Kill this process, as ``kill -9`` does, when a file is put into its place for this time.
    end_after : str, optional
        Ask this process to end, as ``kill`` does, when a file of this name lies in its place: by itself, for
        whoever looked for the file from outside might come when all is over.
    """
    torch.set_num_threads(1)
    rows = tuple(
        Row(image_id=str(n), path=f"{n}.png", label=CLASSES[n % 3], split="train" if n < TRAIN else "val")
        for n in range(IMAGES)
    )
    options = {"device": "cpu", **options}
    config = TrainConfig(
        source=Path("data"), architecture="improved_cnn", image_size=SIDE, batch_size=8, dropout=0.3,
        precision="float32", **options,
    )  # fmt: skip
    if kill_at_write is not None:
        _kill_at(kill_at_write)
    if end_after is not None:
        _end_after(end_after)
    resume = (folder / "checkpoints").is_dir()
    run = RunFolder(folder) if resume else RunFolder(folder).create()
    try:
        fit(Manifest(rows=rows, root=Path()), Arrays(), config, run, progress=False, resume=resume)
    except GyrusError as error:
        (folder / "error.txt").write_text(str(error))
        os._exit(error.exit_code)
    os._exit(0)


def _kill_at(number):
    """Kill at the ``number``-th renaming: odd ones before it, even ones right after it."""
    whole = Path.replace
    count = 0

    def replace(self, target):
        nonlocal count
        count += 1
        if count == number and number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(self, target)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Path.replace = replace


def _end_after(name):
    """Send SIGTERM once, when a file of this name was renamed into its place."""
    whole = Path.replace

    def replace(self, target):
        result = whole(self, target)
        if Path(target).name == name:
            Path.replace = whole
            os.kill(os.getpid(), signal.SIGTERM)
        return result

    Path.replace = replace
