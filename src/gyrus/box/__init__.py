"""The model in the box: a bundle that comes with the package, so that ``gyrus predict scan.jpg`` answers.

Trained by ``tools/train_box.py`` on the Cheng set (Figshare 1512427, CC BY 4.0): glioma, meningioma and
pituitary tumour on T1 slices with contrast agent. Its card tells how well it does, on whom, and where it must
not be used.
"""

from __future__ import annotations

from pathlib import Path

from gyrus.errors import UsageError

NAME = "cheng-3-classes.gyrus"


def path() -> Path:
    """Return the bundle's file.

    Raises
    ------
    UsageError
        When the package was built without it.
    """
    file = Path(__file__).with_name(NAME)
    if not file.is_file():
        raise UsageError(
            "no model was given, and this gyrus was built without the model in the box",
            fix="--model model.gyrus; or make box, in a checkout",
        )
    return file
