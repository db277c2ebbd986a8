"""Predictions of a split from the raw files through the bundle's graphs: what is measured is what ships."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gyrus.errors import DataError
from gyrus.evaluation.joining import cluster_of
from gyrus.evaluation.predictions import Predictions
from gyrus.inference.outputs import Outputs
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import BATCH_SIZE, Predictor

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest, Row


def predict_rows(
    predictor: Predictor,
    manifest: Manifest,
    split: str,
    *,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
) -> tuple[Predictions, Outputs]:
    """Answer every image of one split.

    Parameters
    ----------
    predictor : Predictor
        The bundle.
    manifest : Manifest
        Rows with splits; images without a label are answered too.
    split : str
        ``train``, ``val``, ``cal`` or ``test``.
    batch_size : int
        Images a step.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    DataError
        When the split is empty, an image cannot be read or is not the one that the manifest was made from,
        or a label is unknown to the model.
    """
    rows = manifest.select(split).rows
    if not rows:
        raise DataError(f"no image is in the split {split!r}", fix="split the data: gyrus split DATA")
    _check_labels(manifest, rows, predictor)
    stream = predictor.stream((manifest.source_of(row) for row in rows), batch_size)
    answers: list[Prediction] = []
    failures: list[Failure] = []
    for answer in with_progress(stream, len(rows), split) if progress else stream:
        if isinstance(answer, Failure):
            failures.append(answer)
        else:
            answers.append(answer)
    if failures:
        raise DataError(
            f"{len(failures)} of {len(rows)} images of the split {split!r} cannot be read",
            details=[str(failure.error).splitlines()[0] for failure in failures],
            fix="mend or remove the files, or train again with --on-bad-file skip"
            if answers
            else "the manifest tells where the images lie as seen from its own folder; move them back",
        )
    _check_same_files(rows, answers, split)
    return _predictions(rows, answers, predictor), outputs_of(rows, answers, predictor.model_digest)


def _check_labels(manifest: Manifest, rows: tuple[Row, ...], predictor: Predictor) -> None:
    labelled = [row for row in rows if row.label]
    if labelled and manifest.task != predictor.task:
        raise DataError(
            f"the model's task is {predictor.task}, that of the labels {manifest.task}",
            fix=f"--task {predictor.task}, if the labels are meant so",
        )
    unknown = sorted({name for row in labelled for name in manifest.names_of(row)} - set(predictor.classes))
    if unknown:
        raise DataError(
            f"the model knows {', '.join(predictor.classes)}; the data also have {', '.join(unknown)}",
            fix="rename the classes (--join-classes NAME=VARIANT) or leave those images out",
        )


def _check_same_files(rows: tuple[Row, ...], answers: list[Prediction], split: str) -> None:
    """Refuse files that were exchanged: neither the audit nor the labels of the manifest are about them."""
    changed = [
        row.image_id
        for row, answer in zip(rows, answers, strict=True)
        if row.sha256 and row.sha256 != answer.sha256
    ]
    if changed:
        raise DataError(
            f"{len(changed)} of {len(rows)} files of the split {split!r} are not those that the manifest was "
            "made from",
            details=changed,
            fix="put the former files back, or audit and train anew",
        )


def check_same_file(row: Row, answer: Prediction, split: str) -> None:
    """Refuse a file that was exchanged; see :func:`predict_rows`.

    Raises
    ------
    DataError
        Naming it.
    """
    _check_same_files((row,), [answer], split)


def with_progress(
    stream: Iterator[Prediction | Failure], total: int, split: str
) -> Iterator[Prediction | Failure]:
    """Show a bar on stderr while the answers of a split come."""
    from tqdm import tqdm

    yield from tqdm(
        stream, total=total, desc=f"predict {split}", unit="img", file=sys.stderr, mininterval=0.5
    )


def _predictions(rows: tuple[Row, ...], answers: list[Prediction], predictor: Predictor) -> Predictions:
    return Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=tuple(row.subject_id for row in rows),
        labels=tuple(row.label for row in rows),
        classes=predictor.classes,
        task=predictor.task,
        y_prob=np.stack([answer.probabilities for answer in answers]),
        group_ids=tuple(cluster_of(row) for row in rows),
    )


def outputs_of(rows: Sequence[Row], answers: Sequence[Prediction], model_digest: str) -> Outputs:
    """Return what the network gave for rows, in their order."""
    return Outputs(
        image_ids=tuple(row.image_id for row in rows),
        logits=np.stack([answer.logits for answer in answers]),
        embedding=_stacked([answer.embedding for answer in answers]),
        maps=_stacked([answer.maps for answer in answers]),
        model_digest=model_digest,
    )


def _stacked(values: list[npt.NDArray[np.float32] | None]) -> npt.NDArray[np.float32] | None:
    present = [value for value in values if value is not None]
    return np.stack(present) if present else None
