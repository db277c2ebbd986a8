"""What the bundle's own graphs give for training images: one pass that several members are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gyrus.inference import Failure, Outputs, Prediction, Predictor
from gyrus.inference.rows import outputs_of, with_progress

if TYPE_CHECKING:
    from gyrus.data import Manifest
    from gyrus.data.manifest import Row

MOST = 1000
"""Training images that are asked: enough for statistics and for look-alikes, seconds even of a large set."""


def training_outputs(
    predictor: Predictor,
    manifest: Manifest,
    *,
    most: int = MOST,
    each: Callable[[Row, Prediction], None] | None = None,
    progress: bool = True,
    split: str = "train",
) -> Outputs:
    """Ask the bundle about images that it was trained on.

    Parameters
    ----------
    predictor : Predictor
        The bundle.
    manifest : Manifest
        With the split.
    most : int
        Of a larger training set as many as that: see :func:`spread_over`.
    each : callable, optional
        Called with every row and its answer, whose pixels are there (:attr:`Prediction.pixels`).
    progress : bool
        Show a bar on stderr.
    split : str
        ``train``, or images held out of the training.

    Returns
    -------
    Outputs
        Logits and embedding of the images asked, in the order of the manifest; no maps. Write them with
        :func:`gyrus.inference.write_outputs` to ``outputs-train.npz`` of the run.

    Raises
    ------
    ImageError
        When an image cannot be read any more.
    """
    rows = spread_over(manifest.select(split).rows, most)
    stream = predictor.stream((manifest.source_of(row) for row in rows), keep_pixels=each is not None)
    answers = []
    for row, answer in zip(
        rows, with_progress(stream, len(rows), split) if progress else stream, strict=True
    ):
        if isinstance(answer, Failure):
            raise answer.error
        if each is not None:
            each(row, answer)
        answers.append(answer.slim())
    return outputs_of(rows, answers, predictor.model_digest)


def spread_over(rows: Iterable[Row], most: int) -> tuple[Row, ...]:
    """Return at most ``most`` rows, in their order: classes in turn, of a class its patients in turn.

    A rare class is there with all of its images before a frequent one gets more, and a patient with many
    slices does not push out the others. Rows without a patient count as patients of their own; generated
    images are left out.
    """
    kept = [row for row in rows if not row.synthetic]
    if len(kept) <= most:
        return tuple(kept)
    waiting: dict[str, dict[str, deque[int]]] = {}
    for number, row in enumerate(kept):
        patient = row.subject_id or f"\n{number}"
        waiting.setdefault(row.label, {}).setdefault(patient, deque()).append(number)
    chosen: set[int] = set()
    queues = {label: deque(patients.values()) for label, patients in sorted(waiting.items())}
    while len(chosen) < most:
        for patients in queues.values():
            if not patients or len(chosen) == most:
                continue
            slices = patients.popleft()
            chosen.add(slices.popleft())
            if slices:
                patients.append(slices)
    return tuple(kept[number] for number in sorted(chosen))
