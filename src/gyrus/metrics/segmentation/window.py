"""The part of an image where anything is marked: most of a slice is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def marked_window(*masks: npt.NDArray[np.generic]) -> tuple[slice, ...] | None:
    """Return the box around all that the masks mark; None where they mark nothing.

    Beside the box every mask is empty, so that borders, distances, parts and counts within it are those of
    the whole image.

    Parameters
    ----------
    *masks : ndarray
        Of one shape; any number but 0 is set.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    shapes = {mask.shape for mask in masks}
    if len(shapes) > 1:
        raise ValueError(
            f"the masks have the shapes {', '.join(map(str, sorted(shapes)))}; expected the same"
        )
    marked = np.zeros(masks[0].shape, dtype=bool)
    for mask in masks:
        marked |= mask != 0
    if not marked.any():
        return None
    found = []
    for axis in range(marked.ndim):
        others = tuple(other for other in range(marked.ndim) if other != axis)
        places = np.flatnonzero(marked.any(axis=others))
        found.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(found)
