"""One predictions file a fold: found among what was given, read, and pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gyrus.config import EvaluateConfig
from gyrus.errors import UsageError
from gyrus.evaluation import Predictions, pool_folds, read_predictions
from gyrus.evaluation.predictions import PROBABILITY_PREFIX

_GRAMMAR = "gyrus evaluate fold0.csv fold1.csv … [DATA]"


def sort_out(config: EvaluateConfig) -> tuple[tuple[Path, ...], EvaluateConfig]:
    """Tell predictions files from DATA, which may stand last.

    Returns
    -------
    files : tuple of Path
        One, or one a fold.
    config : EvaluateConfig
        With the data as ``data``.

    Raises
    ------
    UsageError
        When something between the files is no predictions file.
    """
    given = [path for path in (config.data, *config.more) if path is not None]
    data = given.pop() if given and not is_predictions(given[-1]) else None
    strange = [path for path in given if not is_predictions(path)]
    if strange:
        raise UsageError(
            f"is no predictions file: it has no columns {PROBABILITY_PREFIX}CLASS",
            path=strange[0],
            fix=f"of several files each is a fold's predictions, and DATA stands last: {_GRAMMAR}",
        )
    return (config.source, *given), replace(config, data=data, more=())


def is_predictions(path: Path) -> bool:
    """Tell a predictions file by its header."""
    if not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig") as stream:
            header = stream.readline(65_536)
    except (OSError, UnicodeDecodeError):
        return False
    return any(cell.strip().strip('"').startswith(PROBABILITY_PREFIX) for cell in header.split(","))


def read_pooled(files: Sequence[Path]) -> Predictions:
    """Read one file as it is; of several each is a fold, named by what tells its path from the others'.

    Raises
    ------
    UsageError
        When a file is given twice, or one of several holds several folds itself.
    PredictionsError, LeakageError
        See :func:`gyrus.evaluation.pool_folds`.
    """
    if len(files) == 1:
        return read_predictions(files[0])
    doubled = [path for number, path in enumerate(files) if path in files[:number]]
    if doubled:
        raise UsageError("is given twice", path=doubled[0], fix="name each fold's file once")
    folds = [read_predictions(path) for path in files]
    for path, fold in zip(files, folds, strict=True):
        if len(set(fold.folds)) > 1:
            raise UsageError(
                "holds several folds (column fold), and stands among several files",
                path=path,
                fix="give one file with all folds, or one file a fold",
            )
    return pool_folds(folds, fold_names(files))


def fold_names(files: Sequence[Path]) -> list[str]:
    """Name each of several paths by the parts that differ.

    >>> fold_names([Path("runs/fold0/test.csv"), Path("runs/fold1/test.csv")])
    ['fold0', 'fold1']
    """
    parts = [path.with_suffix("").parts for path in files]
    while all(len(one) > 1 for one in parts) and len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    while all(len(one) > 1 for one in parts) and len({one[0] for one in parts}) == 1:
        parts = [one[1:] for one in parts]
    names = ["/".join(one) for one in parts]
    return names if len(set(names)) == len(names) else [str(path) for path in files]
