"""Numbers that do not exist: 0/0 is NaN, said once, never zero."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class UndefinedMetricWarning(UserWarning):
    """A figure has no value for these data (a class is absent, or was never answered); it is NaN."""


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> FloatArray:
    """Divide; NaN where the denominator is 0.

    Parameters
    ----------
    numerator, denominator : array_like
        Of shapes that broadcast.
    """
    above, below = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def warn_undefined(what: list[str]) -> None:
    """Warn about undefined figures, all in one warning."""
    if what:
        warnings.warn(f"undefined, therefore NaN: {'; '.join(what)}", UndefinedMetricWarning, stacklevel=3)
