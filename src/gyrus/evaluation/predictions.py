"""The predictions file: a row per image, one probability column per class; the third of the four nouns.

::

    image_id,subject_id,label,p:glioma,p:meningioma,p:no_tumor,p:pituitary
    Testing/a.png,P7,glioma,0.91,0.05,0.01,0.03

A further column ``group_id`` is written where images are grouped otherwise than by patient (copies of one
another), so that figures computed from the file have the same intervals. A column ``fold`` is written for
pooled predictions of a cross-validation: which of its models answered.

Where an image may show several classes at once, a column ``task`` holds ``multilabel``, the labels of an
image are joined by ``|`` (a single ``|``: none of the classes; empty: unknown), and its probabilities need
not sum to one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gyrus.errors import PredictionsError
from gyrus.runs.atomic import write_text

PROBABILITY_PREFIX = "p:"
CLASSIFY, MULTILABEL = "classify", "multilabel"
LABEL_SEPARATOR = "|"
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model answered for a set of images.

    Attributes
    ----------
    image_ids : tuple of str
        (n,) names of the images, each once.
    subject_ids : tuple of str
        (n,) patients; empty where unknown.
    labels : tuple of str
        (n,) true classes; empty where unknown. Several are joined by ``|`` where the task allows it.
    classes : tuple of str
        (n_classes,) class names, sorted.
    y_prob : ndarray of float64
        (n, n_classes) probabilities; each row sums to 1, but for the task ``multilabel``.
    task : str
        ``classify``: an image has one class; ``multilabel``: any number of them.
    group_ids : tuple of str
        (n,) what the intervals cluster by: the patient, else images known to be copies of each other, else
        the image itself.
    folds : tuple of str
        (n,) fold of a cross-validation that each image was held out in; () where there is none.

    Raises
    ------
    PredictionsError
        When the lengths differ, a label is none of the classes, or the task is unknown.
    """

    image_ids: tuple[str, ...]
    subject_ids: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    y_prob: npt.NDArray[np.float64]
    task: str = CLASSIFY
    group_ids: tuple[str, ...] = field(default=())
    folds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_images = len(self.image_ids)
        lengths = {"subject_ids": len(self.subject_ids), "labels": len(self.labels)}
        if self.group_ids:
            lengths["group_ids"] = len(self.group_ids)
        if self.folds:
            lengths["folds"] = len(self.folds)
        wrong = [f"{name} has {length}" for name, length in lengths.items() if length != n_images]
        if np.shape(self.y_prob) != (n_images, len(self.classes)):
            wrong.append(f"y_prob has the shape {np.shape(self.y_prob)}")
        if wrong:
            raise PredictionsError(
                f"of {n_images} images and {len(self.classes)} classes, {', '.join(wrong)} entries"
            )
        _check_task(self.task)
        unknown = sorted({name for label in self.labels for name in self._names(label)} - set(self.classes))
        if unknown:
            raise PredictionsError(
                f"labels {', '.join(unknown)} are none of the classes {', '.join(self.classes)}",
                fix="name the classes as the model does",
            )
        if not self.group_ids:
            object.__setattr__(self, "group_ids", default_groups(self.subject_ids, self.image_ids))

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def y_true(self) -> npt.NDArray[np.int64]:
        """(n,) index of the true class; -1 where the label is empty."""
        self._single()
        index = {name: number for number, name in enumerate(self.classes)}
        return np.array([index.get(label, -1) for label in self.labels], dtype=np.int64)

    @property
    def y_pred(self) -> npt.NDArray[np.int64]:
        """(n,) index of the most probable class."""
        self._single()
        chosen: npt.NDArray[np.int64] = np.argmax(self.y_prob, axis=1).astype(np.int64)
        return chosen

    @property
    def truth(self) -> npt.NDArray[np.bool_]:
        """(n, n_classes) whether each image shows each class; all False where the label is empty."""
        index = {name: number for number, name in enumerate(self.classes)}
        shown = np.zeros(self.y_prob.shape, dtype=bool)
        for row, label in enumerate(self.labels):
            shown[row, [index[name] for name in self._names(label)]] = True
        return shown

    def _names(self, label: str) -> list[str]:
        """Return the classes that a label names."""
        parts = label.split(LABEL_SEPARATOR) if self.task == MULTILABEL else [label]
        return [part for part in parts if part]

    def _single(self) -> None:
        if self.task != CLASSIFY:
            raise PredictionsError(
                "these predictions have several labels an image; here each must have one",
                fix="gyrus evaluate predictions.csv",
            )

    def take(self, rows: npt.NDArray[np.integer]) -> Predictions:
        """Return some rows, by number."""
        numbers = rows.tolist()
        return replace(
            self,
            image_ids=tuple(self.image_ids[number] for number in numbers),
            subject_ids=tuple(self.subject_ids[number] for number in numbers),
            labels=tuple(self.labels[number] for number in numbers),
            group_ids=tuple(self.group_ids[number] for number in numbers),
            folds=tuple(self.folds[number] for number in numbers) if self.folds else (),
            y_prob=self.y_prob[rows],
        )


def check_probabilities(predictions: Predictions) -> None:
    """Check that every row of ``y_prob`` is a distribution (of several labels: that each is a probability).

    Raises
    ------
    PredictionsError
        Naming the images: NaN, outside [0, 1], or not summing to 1 within 1e-3.
    """
    y_prob = predictions.y_prob
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(y_prob).all(axis=1) | (y_prob < 0).any(axis=1) | (y_prob > 1).any(axis=1)
        if predictions.task != MULTILABEL:
            bad |= np.abs(y_prob.sum(axis=1) - 1) > SUM_TOLERANCE
    if bad.any():
        shown = [f"{predictions.image_ids[row]}: {y_prob[row].tolist()}" for row in np.flatnonzero(bad)]
        raise PredictionsError(
            f"{len(shown)} {'row is' if len(shown) == 1 else 'rows are'} no probabilities (between 0 and 1, "
            "summing to 1)",
            details=shown,
            fix="give probabilities, not logits: softmax them",
        )


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write a predictions file; probabilities keep 9 significant digits."""
    grouped = predictions.group_ids != default_groups(predictions.subject_ids, predictions.image_ids)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    several = predictions.task != CLASSIFY
    folded = bool(predictions.folds)
    columns = ["image_id", "subject_id", "label"]
    columns += [*["group_id"] * grouped, *["fold"] * folded, *["task"] * several]
    writer.writerow([*columns, *(PROBABILITY_PREFIX + name for name in predictions.classes)])
    for number, row in enumerate(predictions.y_prob.tolist()):
        names = [predictions.image_ids[number], predictions.subject_ids[number], predictions.labels[number]]
        if grouped:
            names.append(predictions.group_ids[number])
        if folded:
            names.append(predictions.folds[number])
        if several:
            names.append(predictions.task)
        writer.writerow([*names, *(f"{value:.9g}" for value in row)])
    write_text(path, buffer.getvalue())


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file.

    Raises
    ------
    PredictionsError
        With line numbers: missing columns, text where a number is expected, NaN, a probability outside
        [0, 1], a row that does not sum to 1 within 1e-3, an image twice, a label without a column, tasks
        that differ.
    """
    columns, records = _records(path)
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise PredictionsError(
            f"has columns twice: {', '.join(doubled)}", path=path, fix="rename or drop one"
        )
    classes = tuple(
        sorted(
            name.removeprefix(PROBABILITY_PREFIX) for name in columns if name.startswith(PROBABILITY_PREFIX)
        )
    )
    if "image_id" not in columns or len(classes) < 2:
        raise _strange_header(columns, path)
    if not records:
        raise PredictionsError("has a header but no rows", path=path, fix="write a row for every image")
    task = _task(records, path)
    y_prob = _checked_rows(records, classes, task, path)
    image_ids = tuple(record["image_id"] for _, record in records)
    subject_ids = tuple(record.get("subject_id") or "" for _, record in records)
    defaults = default_groups(subject_ids, image_ids)
    folds = tuple(record.get("fold") or "" for _, record in records)
    return Predictions(
        image_ids=image_ids,
        subject_ids=subject_ids,
        labels=tuple(record.get("label") or "" for _, record in records),
        classes=classes,
        y_prob=y_prob,
        task=task,
        group_ids=tuple(
            record.get("group_id") or default for (_, record), default in zip(records, defaults, strict=True)
        ),
        folds=folds if any(folds) else (),
    )


def _strange_header(columns: list[str], path: Path) -> PredictionsError:
    fix = "name the columns image_id, subject_id, label, p:CLASS1, p:CLASS2, …"
    if not columns:
        return PredictionsError("is empty", path=path, fix=fix)
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        return PredictionsError(
            "its cells are not divided by commas",
            path=path,
            fix="save it as CSV with commas and decimal points",
        )
    return PredictionsError(
        f"columns are {', '.join(columns)}; expected image_id and one p:CLASS column per class, two or more",
        path=path,
        fix=fix,
    )


def _records(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns, and each row with its line number."""
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True)
        records = [(reader.line_num, record) for record in reader]
    except OSError as error:
        raise PredictionsError(
            f"cannot be read: {error.strerror}", path=path, fix="name a run folder, or a file of predictions"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PredictionsError(f"is not a CSV file in UTF-8: {error}", path=path) from error
    return list(reader.fieldnames or []), records


def _task(records: list[tuple[int, dict[str, str]]], path: Path) -> str:
    """Return the task of all rows; without such a column an image has one class."""
    tasks = {record.get("task") or CLASSIFY: line for line, record in records}
    if len(tasks) > 1:
        where = [f"line {line}: {task}" for task, line in tasks.items()]
        raise PredictionsError("the column task differs from row to row", path=path, details=where)
    task = next(iter(tasks))
    _check_task(task, path)
    return task


def _check_task(task: str, path: Path | None = None) -> None:
    if task not in (CLASSIFY, MULTILABEL):
        raise PredictionsError(f"the task is {task!r}; expected {CLASSIFY} or {MULTILABEL}", path=path)


def _checked_rows(
    records: list[tuple[int, dict[str, str]]], classes: tuple[str, ...], task: str, path: Path
) -> npt.NDArray[np.float64]:
    """Return the probabilities of all rows, or name all bad lines."""
    problems: list[str] = []
    first_line: dict[str, int] = {}
    y_prob = np.full((len(records), len(classes)), np.nan)
    for index, (line, record) in enumerate(records):
        try:
            y_prob[index] = _probabilities(record, classes, task)
            image_id, label = record["image_id"], record.get("label") or ""
            if not image_id:
                raise ValueError("image_id is empty")
            if image_id in first_line:
                raise ValueError(f"image_id {image_id!r} stands already in line {first_line[image_id]}")
            first_line[image_id] = line
            for name in label.split(LABEL_SEPARATOR) if task == MULTILABEL else [label]:
                if name and name not in classes:
                    raise ValueError(f"label {name!r} has no column {PROBABILITY_PREFIX}{name}")
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    if problems:
        raise PredictionsError(
            "1 bad row" if len(problems) == 1 else f"{len(problems)} bad rows",
            path=path,
            details=problems,
            fix=_fix_of(problems),
        )
    return y_prob


def _fix_of(problems: Sequence[str]) -> str:
    """Return what mends the lines: one cause is often behind all of them."""
    if any("outside 0…1" in problem for problem in problems):
        return "give probabilities, not logits: softmax each row"
    if all("sum to" in problem for problem in problems):
        return (
            "each row must sum to 1: softmax, not a sigmoid a class; if an image may have several classes, "
            "add a column task with multilabel in every row"
        )
    if all("NaN or infinite" in problem for problem in problems):
        return (
            "a model that answers NaN has not learned anything: look at its training, or leave these rows out"
        )
    if all("stands already" in problem for problem in problems):
        return "keep one row an image; average the rows first if each is the answer to one of several crops"
    if all("has no column" in problem for problem in problems):
        return f"add a column {PROBABILITY_PREFIX}CLASS for every class that occurs, or correct the labels"
    return "mend the lines named"


def _probabilities(record: dict[str, str], classes: tuple[str, ...], task: str) -> npt.NDArray[np.float64]:
    if None in record:
        raise ValueError("has more cells than the header")
    cells = [record[PROBABILITY_PREFIX + name] for name in classes]
    if any(cell is None for cell in cells):
        raise ValueError("has fewer cells than the header")
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        raise ValueError(f"a probability is not a number: {cells}") from None
    if not np.all(np.isfinite(values)):
        raise ValueError("a probability is NaN or infinite")
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"a probability lies outside 0…1: {cells} (logits?)")
    if task != MULTILABEL and abs(values.sum() - 1) > SUM_TOLERANCE:
        raise ValueError(f"probabilities sum to {values.sum():.4g}, not 1")
    return values


def default_groups(subject_ids: Sequence[str], image_ids: Sequence[str]) -> tuple[str, ...]:
    """Return what images are grouped by where nothing else is said: their patient, else themselves."""
    return tuple(
        f"subject:{subject}" if subject else f"image:{image}"
        for subject, image in zip(subject_ids, image_ids, strict=True)
    )
