"""Masks of a split from the raw files through the bundle's graphs: what is measured is what ships."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.data.spacing import spacing_of
from gyrus.errors import DataError
from gyrus.evaluation.joining import cluster_of
from gyrus.evaluation.mask_predictions import MaskPredictions, mask_file_name, write_mask_predictions
from gyrus.evaluation.predictions import Predictions, write_predictions
from gyrus.inference.prediction import Failure, Prediction
from gyrus.inference.predictor import BATCH_SIZE
from gyrus.inference.rows import check_same_file, with_progress
from gyrus.inference.segmented import PictureClass, Segmented
from gyrus.inference.segmenting import MaskPredictor
from gyrus.runs.atomic import write_bytes

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest, Row


def predict_masks(
    predictor: MaskPredictor,
    manifest: Manifest,
    folder: Path,
    split: str | None,
    *,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
    each: Callable[[Row, Prediction], None] | None = None,
) -> Path:
    """Draw the mask of every image of one split.

    Written into ``folder``: ``masks-SPLIT/NAME.png`` (the name:
    :func:`gyrus.evaluation.mask_predictions.mask_file_name`), ``predictions-SPLIT.csv`` that lists them, and
    of a joint network ``class-predictions-SPLIT.csv``, a predictions file of the pictures' classes. Without a
    split the names end before ``-SPLIT``.

    Parameters
    ----------
    predictor : MaskPredictor
        The bundle.
    manifest : Manifest
        Rows with splits; images without a mask are answered too.
    folder : Path
        Made where it is not there.
    split : str or None
        ``train``, ``val``, ``cal`` or ``test``; None: all images, of whatever split.
    batch_size : int
        Images a step.
    progress : bool
        Show a bar on stderr.
    each : callable, optional
        Called with every row and its answer.

    Returns
    -------
    Path
        Of ``predictions-SPLIT.csv``.

    Raises
    ------
    DataError
        When the split is empty, an image cannot be read or is not the one that the manifest was made from.
    StorageError
        When a file cannot be written.
    """
    rows: list[Row] = []
    masks: list[Path] = []
    pictures: list[PictureClass] = []
    of_split = "" if split is None else f"-{split}"
    place = folder / f"masks{of_split}"
    place.mkdir(parents=True, exist_ok=True)
    for row, segmented in segmented_rows(
        predictor, manifest, split, batch_size, progress=progress, each=each
    ):
        path = place / mask_file_name(row.image_id)
        write_bytes(path, mask_png(segmented.mask))
        rows.append(row)
        masks.append(path)
        if segmented.picture is not None:
            pictures.append(segmented.picture)
    listed = folder / f"predictions{of_split}.csv"
    write_mask_predictions(
        MaskPredictions(
            image_ids=tuple(row.image_id for row in rows),
            subject_ids=tuple(row.subject_id for row in rows),
            masks=tuple(masks),
            classes=predictor.classes,
            group_ids=tuple(cluster_of(row) for row in rows),
        ),
        listed,
    )
    if pictures:
        write_predictions(_of_pictures(rows, pictures), folder / f"class-predictions{of_split}.csv")
    return listed


def segmented_rows(
    predictor: MaskPredictor,
    manifest: Manifest,
    split: str | None,
    batch_size: int = BATCH_SIZE,
    *,
    progress: bool = True,
    each: Callable[[Row, Prediction], None] | None = None,
) -> Iterator[tuple[Row, Segmented]]:
    """Yield every image of a split with what the model draws, in the order of the manifest.

    ``each`` is called with every row and its whole answer.

    Raises
    ------
    DataError
        As :func:`predict_masks`; of unreadable images all are named, once the others are done.
    """
    rows = manifest.rows if split is None else manifest.select(split).rows
    name = split or "data"
    if not rows:
        raise DataError(f"no image is in the split {name!r}", fix="split the data: gyrus split DATA")
    stream: Iterator[Prediction | Failure] = predictor.stream(
        (manifest.source_of(row) for row in rows), batch_size
    )
    failures: list[Failure] = []
    for row, answer in zip(rows, with_progress(stream, len(rows), name) if progress else stream, strict=True):
        if isinstance(answer, Failure):
            failures.append(answer)
            continue
        check_same_file(row, answer, name)
        if each is not None:
            each(row, answer)
        assert answer.segmentation is not None  # a MaskPredictor's answers have one
        spacing = spacing_of(row)
        yield row, answer.segmentation.sized(None if spacing is None else spacing.area_mm2)
    if failures:
        raise DataError(
            f"{len(failures)} of {len(rows)} images of {name!r} cannot be read",
            details=[str(failure.error).splitlines()[0] for failure in failures],
            fix="mend or remove the files, or train again with --on-bad-file skip",
        )


def mask_png(mask: npt.NDArray[np.uint8]) -> bytes:
    """Return a mask as an 8-bit grey PNG that holds the class numbers."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def _of_pictures(rows: list[Row], pictures: list[PictureClass]) -> Predictions:
    return Predictions(
        image_ids=tuple(row.image_id for row in rows),
        subject_ids=tuple(row.subject_id for row in rows),
        labels=tuple(row.label for row in rows),
        classes=pictures[0].classes,
        y_prob=np.stack([picture.probabilities for picture in pictures]),
        group_ids=tuple(cluster_of(row) for row in rows),
    )
