"""Where the voxels of a volume lie in the body, and whether those of two volumes lie on each other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SAME_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Grid:
    """The places of a volume's voxels.

    Attributes
    ----------
    shape : tuple of int
        Along the stored axes, always three.
    volumes : int
        How many such the file holds.
    affine : tuple of float
        The twelve numbers, row by row, that lead from stored places to millimetres in the body.
    stated : bool
        Whether the file states them; else they are only as large as the spacing says.
    """

    shape: tuple[int, int, int]
    volumes: int
    affine: tuple[float, ...]
    stated: bool

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The affine, (3, 4)."""
        return np.array(self.affine, np.float64).reshape(3, 4)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbours along the stored axes."""
        first, second, third = np.sqrt((self.matrix[:, :3] ** 2).sum(axis=0)).tolist()
        return first, second, third


def difference(one: Grid, other: Grid) -> str | None:
    """Say in what two grids differ, the other being the one that is right; None where they are the same.

    Places that differ by less than a tenth of a voxel are the same: affines are stored in single precision,
    and some programs write them anew from a direction and a spacing.

    >>> near = Grid((4, 4, 2), 1, (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0), True)
    >>> difference(Grid((4, 4, 2), 1, (1, 0, 0, 5, 0, 1, 0, 0, 0, 0, 3, 0), True), near)
    'lies elsewhere: its affine puts voxels up to 5 mm from where they should be'
    """
    if (one.shape, one.volumes) != (other.shape, other.volumes):
        return f"has {_sizes(one)} voxels, not {_sizes(other)}"
    least = min(other.spacing_mm)
    apart = np.abs(np.subtract(one.spacing_mm, other.spacing_mm)) * np.maximum(1, np.array(one.shape) - 1)
    if (apart > _SAME_SHARE * least).any():  # at the far end of an axis
        return f"has voxels of {_millimetres(one)}, not of {_millimetres(other)} (spacing)"
    if one.stated != other.stated:
        which = ("states", "the other does not") if one.stated else ("does not state", "the other does")
        return f"{which[0]} where it lies in the body (sform or qform), and {which[1]}"
    corners = np.array(
        [(*corner, 1.0) for corner in itertools.product(*((0, size - 1) for size in one.shape))]
    )
    moved = float(np.linalg.norm(corners @ (one.matrix - other.matrix).T, axis=1).max())
    if moved > _SAME_SHARE * least:
        return f"lies elsewhere: its affine puts voxels up to {moved:.3g} mm from where they should be"
    return None


def _sizes(grid: Grid) -> str:
    return " x ".join(map(str, (*grid.shape, *([grid.volumes] if grid.volumes > 1 else []))))


def _millimetres(grid: Grid) -> str:
    return f"{' x '.join(f'{size:.6g}' for size in grid.spacing_mm)} mm"
