"""What an image of each class counts in the loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gyrus.config.balancing import BalanceOptions
from gyrus.config.build import nearest
from gyrus.errors import UsageError


def class_weights(
    options: BalanceOptions, counts: Sequence[int], classes: Sequence[str]
) -> tuple[float, ...] | None:
    """Return the weight of each class as the options ask, None for none.

    Weights by a rule have mean 1 over the images, so that the loss keeps its size; numbers are used as given.

    Parameters
    ----------
    options : BalanceOptions
        ``class_weights`` and ``effective_beta``.
    counts : sequence of int
        (num_classes,) images of each class that an epoch shows, each at least 1.
    classes : sequence of str
        Names, in the same order.

    Raises
    ------
    UsageError
        For numbers of a wrong length, and for names that are not, or not all, the classes.
    """
    given = options.given_weights
    if isinstance(given, dict):
        return _by_name(given, classes)
    if given is not None:
        return _in_order(given, classes)
    if options.class_weights.strip() == "none":
        return None
    images = np.asarray(counts, dtype=np.float64)
    amount = (
        effective_number(images, options.effective_beta) if "effective" in options.class_weights else images
    )
    weights = images.sum() / (images / amount).sum() / amount
    return tuple(weights.tolist())


def effective_number(counts: npt.NDArray[np.float64], beta: float) -> npt.NDArray[np.float64]:
    """Return (1 - beta^n) / (1 - beta) (Cui et al. 2019, Class-Balanced Loss, equation 2).

    It is the number of images that differ, where each new one repeats what is known with a chance that grows
    with their number.
    """
    numbers: npt.NDArray[np.float64] = (1.0 - beta**counts) / (1.0 - beta)
    return numbers


def _in_order(given: tuple[float, ...], classes: Sequence[str]) -> tuple[float, ...]:
    if len(given) != len(classes):
        raise UsageError(
            f"class_weights has {len(given)} numbers; there are {len(classes)} classes: {', '.join(classes)}",
            fix="give a number for each, in this order, or NAME=WEIGHT,NAME=WEIGHT",
        )
    return given


def _by_name(given: dict[str, float], classes: Sequence[str]) -> tuple[float, ...]:
    for name in given:
        if name not in classes:
            raise UsageError(
                f"class_weights names {name!r}, which is no class{nearest(name, list(classes))}",
                fix=f"the classes are: {', '.join(classes)}",
            )
    missing = [name for name in classes if name not in given]
    if missing:
        raise UsageError(
            f"class_weights has no weight for: {', '.join(missing)}",
            fix=f"add it, for example {missing[0]}=1",
        )
    return tuple(given[name] for name in classes)
