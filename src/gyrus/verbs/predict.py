"""``gyrus predict``: ask a bundle about images. No torch."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal

from gyrus.bundles import Bundle, read_bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.config import PredictConfig
from gyrus.config.build import build
from gyrus.errors import UsageError
from gyrus.inference import Failure, Predictor
from gyrus.inference.evidence import Asked, Evidence
from gyrus.inference.examining import Examiner
from gyrus.inference.model_facts import model_facts
from gyrus.inference.neighbours import Neighbours
from gyrus.inference.occlusion import passes
from gyrus.inference.pooling import Pooling
from gyrus.inference.segmenting import MaskPredictor, predictor_of
from gyrus.runs.atomic import atomic_writer
from gyrus.verbs.predict_files import asked_of
from gyrus.verbs.predict_mask_table import MaskTable
from gyrus.verbs.predict_masks import MaskFolder
from gyrus.verbs.predict_records import Records
from gyrus.verbs.predict_result import PredictResult
from gyrus.verbs.predict_table import Table
from gyrus.verbs.sources import model_of

__all__ = ["PredictResult", "predict", "run"]

logger = logging.getLogger("gyrus")

_BAR_FROM = 12
"""From how many images on a bar is shown."""
_NAMES_IN_NOTE = 5


def run(config: PredictConfig) -> PredictResult:
    """Answer ``config.files``; a file that cannot be read is named and does not stop the others.

    Memory does not grow with the number of files: rows and pages are written as they come.
    """
    bundle = read_bundle(model_of(config.model))
    _check_task(config, bundle)
    if config.mirrored and not bundle.card["segmentation"].get("mirrored"):
        logger.info(
            "note: The bundle does not ask for mirrored answers by itself: they are right only of a network "
            "that was trained on mirrored images (--flips)."
        )
    images = asked_of(config.files, config.by, config)
    predictor = predictor_of(
        bundle, config.threads, runtime=config.runtime, device=config.device, windows=config.windows,
        mirrored=config.mirrored or None,
    )  # fmt: skip
    examiner = Examiner(
        predictor,
        Neighbours.from_bundle(bundle),
        tta=config.tta,
        heat=_heat(config, bundle),
        occlusion_grid=config.occlusion_grid,
        top_neighbours=config.top_neighbours,
    )
    return _Answering(config, bundle, predictor).run(images, examiner)


def predict(files: Any, model: Path | str | None = None, **options: Any) -> PredictResult:
    """Ask a bundle about one image or several; options as in :class:`gyrus.config.PredictConfig`.

    Without ``model`` the one in the box answers.
    """
    return run(build(PredictConfig, files=files, model=model, **options))


def _check_task(config: PredictConfig, bundle: Bundle) -> None:
    """Refuse options that have no meaning for the bundle's task.

    Raises
    ------
    UsageError
        Naming the option.
    """
    segments = bundle.card["task"] == SEGMENT
    given = [name for name in ("masks", "windows", "mirrored") if getattr(config, name) not in (None, False)]
    if given and not segments:
        raise UsageError(
            f"--{' and --'.join(given)}: the model classifies, and draws no masks", path=bundle.path,
            fix="leave it out; gyrus train DATA --task segment makes a model that does",
        )  # fmt: skip
    if config.masks is not None and config.out is not None and config.masks.resolve() == config.out.resolve():
        raise UsageError(
            "--masks and --out name one folder, and their pictures have the same names", path=config.masks,
            fix="name two folders",
        )  # fmt: skip
    if segments and config.by is not None:
        raise UsageError(
            f"--by {config.by}: of masks no mean is taken; a model that segments answers image by image",
            path=bundle.path,
            fix="leave it out; gyrus evaluate tells volumes by patient",
        )
    if segments and config.heat == "occlusion":
        raise UsageError(
            "--heat occlusion: the model segments; its mask says where", path=bundle.path, fix="leave it out"
        )


class _Answering:
    """One call: takes the evidence as it comes and passes it on to everything that is written."""

    def __init__(self, config: PredictConfig, bundle: Bundle, predictor: Predictor) -> None:
        self._config, self._bundle, self._predictor = config, bundle, predictor
        self._records, self._pooling = Records(), Pooling()
        self._failures: list[dict[str, str]] = []
        self._refused = 0
        self._notes: dict[str, list[str]] = {}
        self._note_counts: dict[str, int] = {}
        self._tables: list[Table | MaskTable] = []
        self._folder = None
        self._masks = None if config.masks is None else MaskFolder(config.masks)
        if config.out is not None:
            from gyrus.verbs.predict_folder import EvidenceFolder

            self._folder = EvidenceFolder(config.out, bundle.card)

    def run(self, images: list[Asked], examiner: Examiner) -> PredictResult:
        with ExitStack() as files:
            if self._masks is not None:
                files.callback(self._masks.close)
            for path in self._table_paths():
                self._tables.append(self._table(files.enter_context(atomic_writer(path))))
            answers = examiner.stream(images)
            for asked, answer in zip(images, _with_bar(answers, len(images)), strict=True):
                if isinstance(answer, Failure):
                    self._not_read(asked, answer)
                else:
                    self._read(answer)
        for note, names in self._notes.items():
            rest = self._note_counts[note] - len(names)
            logger.info("note: %s (%s%s).", note, ", ".join(names), f" and {rest} more" if rest else "")
        return self._finished()

    def _read(self, evidence: Evidence) -> None:
        places: tuple[Path | None, Path | None] = (None, None)
        if self._folder is not None:
            places = self._folder.add(evidence)
        mask = None if self._masks is None else self._masks.add(evidence)
        for table in self._tables:
            table.write(evidence, mask) if isinstance(table, MaskTable) else table.write(evidence)
        page, picture = (None if place is None else str(place) for place in places)
        files = {"page": page, "picture": picture}
        if evidence.answer.segmentation is not None:
            files["mask"] = None if mask is None else str(mask)
        self._records.append({**evidence.to_json(), **files})
        self._pooling.add(evidence)
        self._refused += evidence.refused is not None
        for note in evidence.answer.notes:
            names = self._notes.setdefault(note, [])
            self._note_counts[note] = self._note_counts.get(note, 0) + 1
            if len(names) < _NAMES_IN_NOTE:
                names.append(evidence.asked.image_id)

    def _not_read(self, asked: Asked, failure: Failure) -> None:
        logger.error("error: %s", failure.error)
        self._failures.append({"name": asked.image_id, "error": str(failure.error)})
        self._pooling.add_unread(asked)
        if self._folder is not None:
            self._folder.add_unread(asked, failure.error.message)

    def _finished(self) -> PredictResult:
        config, decision = self._config, self._predictor.decision
        pooled = self._pooling.groups
        groups = None
        if config.by is not None:
            groups = {
                "by": config.by,
                "how": "mean of the calibrated probabilities",
                "groups": [group.to_json(decision) for group in pooled],
            }
        result = PredictResult(
            predictions=self._records,
            failures=tuple(self._failures),
            groups=groups,
            model=model_facts(self._bundle.card, self._predictor),
            out=config.out,
            csv=config.csv,
            masks=config.masks,
            refused=self._refused,
            strict=config.strict,
        )
        if self._folder is not None:
            self._folder.close(result, pooled, [group.label(decision) for group in pooled])
        return result

    def _table_paths(self) -> list[Path]:
        paths = [] if self._config.csv is None else [self._config.csv]
        if self._config.out is not None:
            from gyrus.verbs.predict_folder import TABLE

            paths.append(self._config.out / TABLE)
        return paths

    def _table(self, stream: IO[bytes]) -> Table | MaskTable:
        if isinstance(self._predictor, MaskPredictor):
            return MaskTable(stream, self._predictor.classes, self._predictor.picture_classes)
        decision = self._predictor.decision
        return Table(stream, decision.classes, [point.name for point in decision.points])


def _heat(config: PredictConfig, bundle: Bundle) -> Literal["auto", "occlusion", "none"]:
    """Return which maps are made: those that run the network many times only where they are shown."""
    by_occlusion = config.heat == "occlusion" or bundle.card["outputs"]["maps"] == "occlusion"
    if config.heat == "none" or not by_occlusion:
        return config.heat
    if config.heat == "auto" and config.out is None and not config.json:
        return "none"
    logger.info(
        "note: heat maps by occlusion run the network %d times more an image.", passes(config.occlusion_grid)
    )
    return "occlusion"


def _with_bar(answers: Iterator[Evidence | Failure], total: int) -> Iterator[Evidence | Failure]:
    """Show a bar on stderr while the answers to many images come."""
    if total < _BAR_FROM:
        yield from answers
        return
    from tqdm import tqdm

    yield from tqdm(answers, total=total, desc="predict", unit="img", file=sys.stderr, mininterval=0.5)
