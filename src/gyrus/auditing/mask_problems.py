"""Problems of masks: those that cannot be used, each with its reason, and data in which nothing is marked."""

from __future__ import annotations

from collections import defaultdict

from gyrus.auditing.problems import Commands, Problem, counted
from gyrus.config.masking import MaskOptions
from gyrus.data import Manifest, Row
from gyrus.data.manifest import SEGMENT
from gyrus.data.mask_classes import classes_of
from gyrus.data.masks import read_mask
from gyrus.data.parallel import ordered_map
from gyrus.data.spacing import spacing_of
from gyrus.errors import DataError


def mask_problems(manifest: Manifest, options: MaskOptions, commands: Commands) -> list[Problem]:
    """Read every mask of a scanned manifest as a training would; none of other tasks.

    Parameters
    ----------
    manifest : Manifest
        With the sizes of its images.
    options : MaskOptions
        What the values of masks mean.
    commands : Commands
        Named as what goes on without them.

    Raises
    ------
    DataError
        When nothing tells the classes of the masks.
    """
    if manifest.task != SEGMENT or not manifest.rows:
        return []
    classes = classes_of(manifest, options)

    def judge(row: Row) -> DataError | bool:
        try:
            spacing_of(row)
            return bool(read_mask(row, manifest, classes).any())
        except DataError as error:
            return error

    bad: dict[str, list[tuple[Row, DataError]]] = defaultdict(list)
    marked = 0
    for row, found in zip(manifest.rows, ordered_map(judge, manifest.rows), strict=True):
        if isinstance(found, DataError):
            bad[found.fix or ""].append((row, found))
        else:
            marked += found
    problems = [_unusable(fix, held, commands) for fix, held in bad.items()]
    if not marked and not problems:
        message = f"Nothing is marked in any of the {len(manifest)} masks: a value other than 0 marks."
        problems.append(Problem("nothing_marked", message, (str(manifest.root),)))
    return problems


def _unusable(fix: str, held: list[tuple[Row, DataError]], commands: Commands) -> Problem:
    """Return those that are mended alike as one problem, with the reason of the first."""
    first = held[0][1]
    what = counted(len(held), "mask cannot be used", "masks cannot be used")
    such = ":" if len(held) == 1 else ", such as"
    remedy = f" ({fix})" if fix else ""
    return Problem(
        "bad_mask",
        f"{what}{such} {first.path}: {first.message}{remedy}.",
        tuple(row.image_id for row, _ in held),
        (commands.fix(),),
    )
