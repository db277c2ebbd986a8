"""Where a NIfTI header says that the voxels lie: its sform, else its qform, else its spacing alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header
from nibabel.orientations import io_orientation
from nibabel.spatialimages import HeaderDataError

from gyrus.errors import ImageError

# no "NaN": of a label map that word in a note says that its numbers were changed
NO_SPACING = "its pixdim holds what is no distance; its spacing is that of its affine"


@dataclass(frozen=True, slots=True)
class Place:
    """What a header tells of the places of voxels; see :class:`gyrus.imaging.nifti.volume.Volume`."""

    affine: npt.NDArray[np.float64]
    orientation: npt.NDArray[np.int64]
    zooms_mm: tuple[float, ...]
    stated: bool
    remarks: tuple[str, ...]


def place_in(header: Nifti1Header) -> Place:
    """Return the first affine that the header states and that can be used.

    The sform holds all its numbers itself; the qform and what is left without either need the spacing in
    ``pixdim``, so that with NaN there only a file with an sform can be read.

    Raises
    ------
    ImageError
        When no affine is stated that can be used, or none is stated and ``pixdim`` tells no spacing.
    """
    ways: list[tuple[str, Callable[[], Any]]] = []
    if int(header["sform_code"]) > 0:
        ways.append(("sform", header.get_sform))
    if int(header["qform_code"]) > 0:
        ways.append(("qform", lambda: _qform(header)))
    axes = min(3, int(header["dim"][0]))
    spaced = bool(np.isfinite(np.asarray(header["pixdim"], np.float64)[1 : axes + 1]).all())
    problems: list[tuple[str, str]] = []
    for name, affine_of in ways or [("pixdim", header.get_base_affine)]:
        try:
            affine = np.asarray(affine_of(), np.float64)
        except (HeaderDataError, ValueError):
            problems.append((name, "cannot be made of its quaternion and its pixdim"))
            continue
        found = _orientation(affine)
        if isinstance(found, str):
            problems.append((name, found))
            continue
        remarks = [f"its {bad} cannot be used; its {name} is" for bad, _ in problems]
        if not spaced:
            remarks.append(NO_SPACING)
        zooms = tuple(float(size) for size in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
        return Place(affine, found, zooms, bool(ways), tuple(remarks))
    fix = "mend its sform or qform" if spaced else "state an sform: its pixdim holds what is no distance"
    raise ImageError(f"is a NIfTI file whose affine {problems[0][1]}", fix=fix)


def _qform(header: Nifti1Header) -> Any:
    """Return the affine of the quaternion; a handedness of 0 counts as 1, as the standard has it."""
    if float(header["pixdim"][0]) == 0:
        header["pixdim"][0] = 1
    return header.get_qform()


def _orientation(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.int64] | str:
    """Return the body's axis and direction of each stored axis, or what is wrong with the affine."""
    if not np.isfinite(affine).all():
        return "holds NaN or infinite numbers"
    orientation = io_orientation(affine)
    if not np.isfinite(orientation).all() or sorted(orientation[:, 0]) != [0, 1, 2]:
        return "lays two axes on one"
    places: npt.NDArray[np.int64] = orientation.astype(np.int64)
    return places
