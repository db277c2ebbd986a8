"""Targets of images that show any number of classes: ``a|b`` in the label column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyrus.data.label_names import names_of
from gyrus.errors import DataError


def classes_of_sets(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the names that occur in any of the labels, in their one order: by name.

    Parameters
    ----------
    labels : sequence of str
        ``a``, ``a|b``, or ``|`` for an image that shows none; as in predictions of the task ``multilabel``.
    """
    return tuple(sorted({name for label in labels for name in names_of(label)}))


def encode_sets(labels: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return targets for :class:`gyrus.training.losses.MultilabelLoss`.

    Parameters
    ----------
    labels : sequence of str
        A label an image.
    classes : sequence of str
        Names, in the order of the logits.

    Returns
    -------
    ndarray of float32
        (n, num_classes): 1 where the image shows the class.

    Raises
    ------
    DataError
        For a name that is no class.
    """
    place = {name: number for number, name in enumerate(classes)}
    targets = np.zeros((len(labels), len(classes)), dtype=np.float32)
    for row, label in enumerate(labels):
        for name in names_of(label):
            if name not in place:
                raise DataError(
                    f"label {label!r} names {name!r}, which is no class",
                    fix=f"the classes are: {', '.join(classes)}",
                )
            targets[row, place[name]] = 1.0
    return targets


def positive_weights(targets: npt.NDArray[np.float32], classes: Sequence[str]) -> tuple[float, ...]:
    """Return images without each class over images with it: the balanced ``pos_weight`` of its question.

    Raises
    ------
    DataError
        When a class is in no image, or in every one: its question has one answer.
    """
    shown = targets.sum(axis=0)
    if len(targets) == 0:
        raise DataError("there are no labels to weigh")
    idle = [name for name, count in zip(classes, shown, strict=True) if count in (0, len(targets))]
    if idle:
        raise DataError(
            f"no training image, or every one, shows: {', '.join(idle)}", fix="divide the images anew"
        )
    return tuple(((len(targets) - shown) / shown).tolist())
