"""Label maps of volumes by themselves: a predicted one beside each true one, without the image.

Two NIfTI files, or two folders whose files have the same names. Each true map is cut into its slices, which
take the places of images; the predicted map is cut in the same way, for it must lie on the true one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gyrus.config.options import DataOptions
from gyrus.data.files import list_files
from gyrus.data.layouts import Arrangement
from gyrus.data.loading import described
from gyrus.data.manifest import SEGMENT, Manifest, Row
from gyrus.data.mask_pairs import bare
from gyrus.data.parallel import ordered_map
from gyrus.data.subjects import check_subject_options
from gyrus.errors import DataError, UsageError
from gyrus.imaging.frames import frames_of
from gyrus.imaging.grids import Grid, difference
from gyrus.imaging.kinds import kind_of_file

# what tools append to the name of a map, of one side or of both
_TAIL = re.compile(r"[_-](masks?|seg(mentation)?|labels?|gt|pred|prediction)$", re.IGNORECASE)
ENDINGS = (".nii", ".nii.gz")
"""Of files that are taken for label maps."""


@dataclass(frozen=True, slots=True)
class LabelMaps:
    """True label maps cut into slices, and the predicted map of each.

    Attributes
    ----------
    manifest : Manifest
        A row per slice; its image is the true map itself, for no other is at hand.
    predicted : mapping of str to Path
        ``path`` of a row -> the predicted map.
    notes : tuple of str
        What was left out, what is taken for a patient.
    """

    manifest: Manifest
    predicted: Mapping[str, Path]
    notes: tuple[str, ...]


def load_label_maps(predicted: Path, true: Path, options: DataOptions) -> LabelMaps:
    """Pair predicted label maps with true ones: two files, or the files of two folders by their names.

    Endings (``.nii``, ``.nii.gz``), upper and lower case, and a final ``_seg``, ``_mask``, ``_label``,
    ``_gt`` or ``_pred`` may differ.

    Parameters
    ----------
    predicted, true : Path
        Two files or two folders.
    options : DataOptions
        In which plane the maps are cut, who their patients are, and (``missing_masks``) whether maps without
        a partner are left out. Every slice is taken, whatever ``slices`` says.

    Raises
    ------
    UsageError
        When one is a file and the other a folder, or both are the same.
    DataError
        When one does not exist, is no NIfTI file, or holds none; when names do not pair; when the two maps of
        a pair differ in shape, spacing or place.
    """
    check_subject_options(options, has_table=False)
    root, pairs, notes = _paired(predicted, true, options)
    _check_places(root, pairs, options)
    rows = tuple(Row(image_id=name, path=name, mask=name) for name in pairs)
    loaded = described(Arrangement("label maps", rows, 0, ()), root, replace(options, slices="all"), SEGMENT)
    return LabelMaps(loaded.manifest, pairs, (*notes, *loaded.notes))


def _paired(
    predicted: Path, true: Path, options: DataOptions
) -> tuple[Path, dict[str, Path], tuple[str, ...]]:
    """Return the folder of the true maps, the predicted map of each name there, and notes."""
    for path in (predicted, true):
        if not path.exists():
            raise DataError("does not exist", path=path, fix="name a NIfTI file, or a folder of such files")
    if predicted.resolve() == true.resolve():
        raise UsageError(
            "is given as predicted and as true", path=true, fix="gyrus evaluate PREDICTED --masks TRUE"
        )
    if predicted.is_dir() != true.is_dir():
        kinds = ["a folder" if path.is_dir() else "a file" for path in (predicted, true)]
        raise UsageError(
            f"is {kinds[0]}, and --masks {true} is {kinds[1]}", path=predicted,
            fix="give two files, or two folders whose files have the same names",
        )  # fmt: skip
    if not true.is_dir():
        return true.parent.absolute(), {true.name: predicted}, ()
    wanted, given = _maps_in(true), _maps_in(predicted)
    by_key = _by_key(given, predicted)
    partner = {name: by_key.get(key) for key, name in _by_key(wanted, true).items()}
    pairs = {name: predicted / found for name, found in partner.items() if found is not None}
    missing = [name for name in wanted if name not in pairs]
    strange = sorted(set(given) - {found for found in partner.values() if found is not None})
    if not missing and not strange:
        return true.absolute(), pairs, ()
    if options.missing_masks == "fail" or not pairs:
        raise DataError(
            f"{len(missing)} of {len(wanted)} true label maps have no predicted one of their name, and "
            f"{len(strange)} of {len(given)} predicted ones no true one",
            path=predicted,
            details=[
                *(f"true, not predicted: {name}" for name in missing),
                *(f"predicted, not true: {name}" for name in strange),
            ],
            fix="name both alike"
            + ("; --missing-masks skip leaves those without a partner out" if pairs else ""),
        )
    note = (
        f"{len(missing)} true label maps without a predicted one and {len(strange)} predicted ones without a "
        "true one are left out."
    )
    return true.absolute(), pairs, (note,)


def _maps_in(folder: Path) -> list[str]:
    names = [name for name in list_files(folder).images if name.lower().endswith(ENDINGS)]
    if not names:
        raise DataError(
            "holds no NIfTI file (.nii, .nii.gz)", path=folder,
            fix="name the folder of label maps; of masks as pictures give the images too: gyrus evaluate "
            "MASKS DATA",
        )  # fmt: skip
    return names


def _by_key(names: Sequence[str], folder: Path) -> dict[str, str]:
    """Return what a name is paired by -> the name."""
    found: dict[str, str] = {}
    doubled = []
    for name in names:
        key = _TAIL.sub("", bare(name)).casefold()
        if key in found:
            doubled.append(f"{found[key]} and {name}")
        found[key] = name
    if doubled:
        raise DataError(
            f"{len(doubled)} label maps are called as another one is, but for the ending", path=folder,
            details=doubled, fix="keep one of each",
        )  # fmt: skip
    return found


def _check_places(root: Path, pairs: Mapping[str, Path], options: DataOptions) -> None:
    """Refuse predicted maps that do not lie on theirs, by the headers."""

    def read(name: str) -> str | None:
        wrong = difference(_grid(pairs[name], options), _grid(root / name, options))
        return None if wrong is None else f"{pairs[name]} {wrong} ({name})"

    problems = [wrong for wrong in ordered_map(read, pairs) if wrong is not None]
    if problems:
        raise DataError(
            f"{len(problems)} of {len(pairs)} predicted label maps do not lie on the true ones",
            path=root, details=problems,
            fix="resample them onto the grid of the true map (nearest neighbour), or give them its header "
            "where only that was lost",
        )  # fmt: skip


def _grid(path: Path, options: DataOptions) -> Grid:
    if path.is_file() and kind_of_file(path) != "nifti":
        raise DataError(
            "is no NIfTI file", path=path,
            fix="store the label map as .nii.gz; of masks as pictures give the images too: gyrus evaluate "
            "MASKS DATA",
        )  # fmt: skip
    grid = frames_of(path, plane=options.plane).grid
    if grid is None or grid.volumes > 1:
        raise DataError("holds several volumes; a label map is one", path=path, fix="store one a file")
    return grid
