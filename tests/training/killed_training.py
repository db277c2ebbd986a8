"""A small training in a process of its own, to be killed: ``python killed_training.py RUN OPTIONS``.

OPTIONS is JSON: options of the training, and ``resume``. It tells on stdout when its first step begins.
"""

import json
import sys
from pathlib import Path

import torch
from conftest import CLASSES, Arrays, bars

from gyrus.config.train import TrainConfig
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import GyrusError
from gyrus.runs import RunFolder
from gyrus.training import fit

IMAGES, TRAIN = 60, 48


def main() -> int:
    """Train, and return the exit code that the command line would."""
    torch.set_num_threads(1)
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    resume = options.pop("resume")
    labels = [number % 3 for number in range(IMAGES)]
    rows = tuple(
        Row(
            image_id=f"i{number}",
            path=f"i{number}.png",
            label=CLASSES[label],
            split="train" if number < TRAIN else "val",
        )
        for number, label in enumerate(labels)
    )
    pixels = Arrays(bars(labels, side=16), {f"i{number}": number for number in range(IMAGES)})
    if options.get("weights"):
        options["weights"] = Path(options["weights"])
    config = TrainConfig(
        source=Path("data"), image_size=16, precision="float32", device="cpu", dropout=0.3, **options
    )
    run = RunFolder(folder) if resume else RunFolder(folder).create()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        fit(Manifest(rows=rows, root=Path()), pixels, config, run, progress=False, resume=resume)
    except GyrusError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
