"""Matrix products on one thread.

OpenBLAS shares out a product from 262,144 multiplications on, and one with a vector from 9,216 on. Its
threads then spin beside those of the network's runtime, which on a busy machine takes longer than the whole
answer. Products of the gate are small enough for one thread.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
_MOST = 200_000  # multiplications, below what OpenBLAS shares out


def product(rows: npt.NDArray[np.float32], columns: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return ``rows @ columns``, (n, k) by (k, m), in blocks of rows."""
    step = max(2, _MOST // (columns.shape[0] * columns.shape[1]))
    if len(rows) <= step:
        return cast("npt.NDArray[np.float32]", rows @ columns)
    out = np.empty((len(rows), columns.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), step):
        np.matmul(rows[start : start + step], columns, out=out[start : start + step])
    return out


def projected(rows: Floats, onto: Floats) -> Floats:
    """Return ``rows @ onto.T``, (n, d) by (m, d), for few rows and long ones: without BLAS."""
    return cast("Floats", np.einsum("nd,md->nm", rows, onto))
